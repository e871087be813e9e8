/**
 * From the command line to the first accepted connection, and to the end: what main does, in which order, and what it waits for. The same
 * order as Envoy's: clusters before listeners, workers last.
 */
import { readFileSync } from 'node:fs';
import { get } from '../lab-client.ts';
import type { Walk, WalkRun } from '../walk.ts';

const LISTEN = '0A';
const PORT_DIGITS = 4;

export const START_UP: Walk = {
  name: 'start-up',
  part: 'start-up',
  summary: 'what happens between the command and the first request, in which order, and at the end',
  concurrency: 2,
  config: {},
  steps: [
    {
      title: 'Main reads the configuration, and says what it will be',
      text:
        'The main thread checks the whole file before anything else starts: a mistake ends the process here, with all mistakes named. ' +
        'Then it fixes what stays for the life of the process (the number of workers, the way to the sockets) and opens its admin, so ' +
        'that whoever waits can ask.',
      look: (run) => linesOf(run, /\[main\] command|sockets$|\[admin\]/),
      shows: /command: [^]*: 2 workers, \w+ sockets\n[^]*admin address: 127\.0\.0\.1:\d+/,
    },
    {
      title: 'Clusters first',
      text:
        'A listener that accepts before its clusters have hosts would answer 503. So main resolves the names of all clusters (here there ' +
        'is only an address) and publishes them to a slot; a cluster that is not there yet is counted as warming.',
      look: (run) => run.admin('/stats?filter=^cluster_manager'),
      shows: /active_clusters: 1\n[^]*cluster_added: 1\n[^]*warming_clusters: 0/,
    },
    {
      title: 'A thread for each worker',
      text:
        'Now the workers start: each is a thread with an event loop, a heap and connections of its own. The tid is the one that the kernel ' +
        'knows it by: `top -H` shows it, and every line of the access log carries it in brackets.',
      look: (run) => run.admin('/threads'),
      shows: /main_thread +main +\d+[^]*worker_0 +worker +\d+ +running[^]*worker_1 +worker +\d+ +running/,
    },
    {
      title: 'Each worker has a socket of its own on the same port',
      text:
        'With SO_REUSEPORT every worker binds and listens for itself, and the kernel deals new connections out between them. They bind ' +
        'in a first step and listen in a second one, when all have bound: no connection waits at a worker that never comes up. The ' +
        'kernel’s table of listening sockets on this port:',
      look: listeningSockets,
      shows: /^(?:127\.0\.0\.1:\d+ LISTEN inode \d+\n?){2}$/,
    },
    {
      title: 'All accept, and it is ready',
      text:
        'Only when the last worker listens is the server LIVE. A supervisor should ask `/ready` before it lets an application send: ' +
        'requests that come earlier are refused by the kernel.',
      async look(run) {
        return `${linesOf(run, /worker_\d ready|all workers accept/)}/ready: ${await run.admin('/ready')}`;
      },
      shows: /^(?:.*worker_\d ready, tid \d+\n){2}.*all workers accept\n\/ready: LIVE/,
    },
    {
      title: 'SIGTERM, while a request is under way',
      text:
        'The end is as orderly: nothing new is accepted, what is in flight is finished with `connection: close`, idle connections are ' +
        'closed, the log files are flushed, and the process exits.',
      async act(run) {
        const client = await run.client('last');
        const answer = client.ask(get('/slow?delay=300'));
        await run.admin('/ready');
        await run.stop();
        return (await answer).head;
      },
      look: (run, head) => `${head}\n\n${linesOf(run, /SIGTERM|exiting/)}`,
      shows: /^HTTP\/1\.1 200 OK[^]*connection: close[^]*caught SIGTERM[^]*exiting/i,
    },
  ],
};

/** With a newline behind each. */
function linesOf(run: WalkRun, pattern: RegExp): string {
  const lines = run.applicationLog().split('\n');
  return lines
    .filter((line) => pattern.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

/** proc(5): `/proc/net/tcp`, addresses in hexadecimal. */
function listeningSockets({ pid, port }: WalkRun): string {
  const wanted = `:${port.toString(16).toUpperCase().padStart(PORT_DIGITS, '0')}`;
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/ +/));
  return rows
    .filter(([, local = '', , state]) => local.endsWith(wanted) && state === LISTEN)
    .map((row) => `127.0.0.1:${port} LISTEN inode ${row[9] ?? '?'}`)
    .join('\n');
}
