/**
 * Who owns what: connections belong to a worker for life, what they share comes from main, and a worker dies alone. Envoy's threading
 * model, seen from outside.
 */
import { get } from '../lab-client.ts';
import type { LabClient } from '../lab-client.ts';
import type { Walk, WalkRun } from '../walk.ts';

const REQUESTS = 10;
/** The chance that so many connections all fall to one of two workers is nil. */
const MOST_CONNECTIONS = 100;
const EXIT_HEADER = 'x-exit';

/** `process.exit` in a worker thread ends that thread. */
const EXIT_FILTER = [
  `// ${EXIT_HEADER}: 1  ends the worker that reads it.`,
  'export default function exit() {',
  '  return {',
  '    onRequest({ headers }) {',
  `      if (headers.get("${EXIT_HEADER}") !== null) process.exit(7);`,
  '    },',
  '  };',
  '}',
  '',
].join('\n');

export const SLOTS: Walk = {
  name: 'slots',
  part: 'threads',
  summary: 'what a worker owns, what it takes from main and when, and what is left of it when it dies',
  concurrency: 2,
  config: {
    route: 'response_headers_to_add:\n  - header: { key: x-thread, value: "%THREAD_ID%" }',
    filters: `- name: exit
  typed_config:
    "@type": type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript
    module: exit.js`,
  },
  files: { 'exit.js': EXIT_FILTER },
  steps: [
    {
      title: 'Published, and decoded by nobody',
      text:
        'Clusters and routes lie in shared memory, once for all threads: a slot. A worker decodes an entry when a request first needs ' +
        'it, so a mesh of thousands of services costs a worker nothing for those that nobody calls.',
      look: (run) => run.admin('/stats?filter=inflated'),
      shows: /worker_0\.clusters_inflated: 0\n[^]*worker_1\.clusters_inflated: 0\n/,
    },
    {
      title: 'One request, one worker',
      text: 'The worker that serves the first request has decoded one cluster and one virtual host. The other has not.',
      act: (run) => askAgain(run, 1),
      look: (run) => run.admin('/stats?filter=inflated'),
      shows:
        /worker_0\.clusters_inflated: (?:1\n[^]*worker_1\.clusters_inflated: 0|0\n[^]*worker_1\.clusters_inflated: 1)\n/,
    },
    {
      title: 'A connection stays with its worker',
      text:
        `${REQUESTS} requests on one connection are ${REQUESTS} lines of one thread. Nothing is shared between workers on a request’s way, so ` +
        'nothing is locked. Lines by thread:',
      act: (run) => askAgain(run, REQUESTS - 1),
      look: (run) => linesByThread(run.accessLog()),
      shows: new RegExp(`^\\(\\d+\\) ${REQUESTS}$`),
    },
    {
      title: 'Main tells, all workers acknowledge',
      text:
        'What changes while they run is told to every worker as a message, at a point between two turns of its loop; main goes on when ' +
        'all have answered. Here the level of the component `http`; a new version of a cluster takes the same way.',
      async act(run) {
        const answer = await run.admin('/logging?http=debug', 'POST');
        await askAgain(run, 1);
        return answer;
      },
      look: (run, answer) =>
        `${(answer.split('\n').find((line) => line.includes('http:')) ?? answer).trim()}\n${lastLine(run.applicationLog(), '[debug][http]')}`,
      shows: /http: debug\n.*\[debug\]\[http\]/,
    },
    {
      title: 'A worker dies alone',
      text:
        'A filter calls `process.exit` on the other worker. Its connections are gone with it, main counts and logs the loss and starts ' +
        'another one in its place; the first worker’s connection has not noticed.',
      async act(run) {
        const first = await run.client('first');
        const { head } = await first.ask(get('/'));
        const victim = await elsewhere(run, threadOf(head));
        const lost = await victim.ask(get('/', [`${EXIT_HEADER}: 1`]));
        const kept = await first.ask(get('/'));
        return `its request: ${lost.status === 0 ? 'no answer, closed' : lost.status}\nthe other worker: ${kept.status}`;
      },
      async look(run, acted) {
        return `${acted}\n${lastLine(run.applicationLog(), '[critical]')}\n${await run.admin('/threads')}`;
      },
      shows:
        /closed\nthe other worker: 200\n.*worker_\d \(tid \d+\)[^]*worker_\d +worker +\d+ +running .* 1$/m,
    },
  ],
};

async function askAgain(run: WalkRun, requests: number): Promise<string> {
  const client = await run.client('first');
  for (let request = 0; request < requests; request += 1) await client.ask(get('/'));
  return '';
}

/** A connection that another thread serves. */
async function elsewhere(run: WalkRun, thread: string): Promise<LabClient> {
  for (let count = 0; count < MOST_CONNECTIONS; count += 1) {
    const client = await run.client(`other ${count}`);
    if (threadOf((await client.ask(get('/'))).head) !== thread) return client;
  }
  throw new Error('one worker serves every connection');
}

function threadOf(head: string): string {
  return /^x-thread: *(\d+)/im.exec(head)?.[1] ?? '';
}

function linesByThread(log: string): string {
  const counts = new Map<string, number>();
  for (const [thread = ''] of log.matchAll(/\(\d+\)/g)) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  return Array.from(counts, ([thread, lines]) => `${thread} ${lines}`).join('\n');
}

function lastLine(log: string, mark: string): string {
  return log.split('\n').findLast((line) => line.includes(mark)) ?? '';
}
