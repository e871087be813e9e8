/**
 * POOL-4 in full: a million random requests, each with a nonce, through pools whose connections come and go. Every answer, every
 * request that an upstream got and every log line is held against the nonce that it should have.
 *
 *   load (nonce due) -> proxy, 2 workers, max_requests_per_connection 50 -> steady, churning, late, held
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { delay } from '../../src/base/clock.ts';
import { cluster, httpBootstrap, protocolOptions, route } from './http-config.ts';
import type { NonceCounts } from './load/nonce-load.ts';
import { liveRequests, NonceTraffic } from './nonce-traffic.ts';
import type { ServiceCounts } from './nonce-traffic.ts';
import { check, count, figure } from './part.ts';
import type { Check, PartResult, Soak, SoakPart } from './part.ts';

const REQUESTS = 1_000_000;
const LEAST_REQUESTS = 2000;
const CLIENTS = 160;
const PIPELINE = 8;
const CONNECTIONS = 12;
const REQUESTS_PER_CONNECTION = 50;
const SETTLE_MS = 1500;
const FORMAT =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %REQ(X-NONCE)% %RESP(X-NONCE)% "%UPSTREAM_WRITE_DURATION%"\n';

export const PAIRING: SoakPart = {
  name: 'pairing',
  row: 'POOL-4',
  acceptance:
    '1,000,000 randomised requests with a nonce, pool churn and slow connects: 0 wrong pairings; the number of requests whose created connection is not the used one is reported',
  run: (soak) => runPairing(soak),
};

/** `wrongEvery`: for the test that a wrong pairing is found. */
export async function runPairing(soak: Soak, wrongEvery = 0): Promise<PartResult> {
  const requests = soak.size(REQUESTS, LEAST_REQUESTS);
  const logFile = join(soak.folder, 'access.log');
  const traffic = await NonceTraffic.start(soak, {
    natures: ['steady', 'churning', 'late', 'held'],
    wrongEvery,
    concurrency: 2,
    load: { connections: CLIENTS, pipeline: PIPELINE, paths: ['/once/', '/retried/'] },
    bootstrap: (ports) =>
      httpBootstrap({
        log: { path: logFile, format: FORMAT },
        clusters: [
          cluster('service', ports, {
            ...protocolOptions({ max_requests_per_connection: REQUESTS_PER_CONNECTION }),
            circuit_breakers: {
              thresholds: [
                {
                  max_connections: CONNECTIONS,
                  max_pending_requests: 10_000,
                  max_requests: 10_000,
                  max_retries: 1000,
                },
              ],
            },
          }),
        ],
        routes: [
          route('/retried/', 'service', {
            retry_policy: { retry_on: 'reset,connect-failure', num_retries: 3 },
          }),
          route('/', 'service'),
        ],
      }),
  });
  let counts: NonceCounts;
  let served: ServiceCounts;
  let live: ReadonlyMap<string, number>;
  try {
    counts = await traffic.send(requests);
    await delay(SETTLE_MS);
    live = await liveRequests(traffic.proxy);
    served = await traffic.served();
  } finally {
    await traffic.stop();
  }
  const log = await readPairs(logFile);
  return result(requests, { counts, served, live, log });
}

interface Found {
  readonly counts: NonceCounts;
  readonly served: ServiceCounts;
  readonly live: ReadonlyMap<string, number>;
  readonly log: LogPairs;
}

export interface LogPairs {
  lines: number;
  /** Nonce of the answer is not that of the request. */
  wrong: number;
  /** A connection was opened for the request. */
  created: number;
  /** And another one carried it. */
  otherUsed: number;
  readonly flags: Map<string, number>;
}

export async function readPairs(file: string): Promise<LogPairs> {
  const pairs: LogPairs = { lines: 0, wrong: 0, created: 0, otherUsed: 0, flags: new Map() };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    pairs.lines += 1;
    const [, flags = '', asked, answered] = line.split(' ', 4);
    if (answered !== '-' && asked !== answered) pairs.wrong += 1;
    pairs.flags.set(flags, (pairs.flags.get(flags) ?? 0) + 1);
    const connections = /"\[C(\d+)~C(\d+):/.exec(line);
    if (connections === null || connections[1] === '0') continue;
    pairs.created += 1;
    if (connections[1] !== connections[2]) pairs.otherUsed += 1;
  }
  return pairs;
}

function result(requests: number, { counts, served, live, log }: Found): PartResult {
  const left = [...live.values()].reduce((sum, value) => sum + value, 0);
  const refused = Object.entries(counts.refused).map(([status, many]) => `${status}: ${count(many)}`);
  const checks: Check[] = [
    check('requests sent', count(requests), count(counts.sent), counts.sent >= requests),
    check('answers with another request’s nonce', '0', counts.wrong, counts.wrong === 0),
    check('requests whose body reached another’s head', '0', served.confused, served.confused === 0),
    check('log lines whose answer is not the request’s', '0', log.wrong, log.wrong === 0),
    check('requests left in the proxy', '0', left, left === 0),
    figure(
      'lines whose created connection is not the used one',
      `${count(log.otherUsed)} of ${count(log.created)} that created one`,
    ),
    figure('answered 200 with their own nonce', count(counts.right)),
    figure('answered by an error', refused.join(', ') || 'none'),
    figure('cut off by an upstream that broke off its answer', count(counts.cutOff)),
    figure('given up by their client', count(counts.abandoned)),
    figure('upstream connections', count(served.connections)),
    figure('log lines', count(log.lines)),
  ];
  const flags = [...log.flags]
    .toSorted((a, b) => b[1] - a[1])
    .map(([flag, many]) => `${flag} ${count(many)}`);
  return {
    checks,
    text: [
      `${CLIENTS} client connections send pipelines of up to ${PIPELINE} random requests (GET, HEAD, POST, chunked PUT; bodies of up to 100,000 bytes) over 2 workers to four hosts with at most ${CONNECTIONS} connections a worker: one steady; one that ends connections after 1 to 300 requests (announced, silently, by a reset, in the middle of an answer) and one of that kind whose listener is away for 10 to 80 ms now and then; and one that stands still for 5 to 30 ms with an accept queue of four. Half of the requests may be repeated.`,
      'A body consists of its request’s nonce: the upstream checks it against the head that it came with. An upstream that breaks off an answer takes those behind it in the same pipeline along: they are asked on a connection that must close.',
      `Response flags in the log: ${flags.slice(0, 8).join(', ')}.`,
    ],
    parts:
      counts.examples.length === 0 ? [] : [{ kind: 'listing', title: 'Wrong pairs', lines: counts.examples }],
  };
}
