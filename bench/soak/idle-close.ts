/**
 * COMP-9 in full: an upstream closes connections that were idle for T, and requests come every T. Without remedy some of them meet the
 * close on its way (503 UC); with each of the two remedies 10,000 requests meet none.
 *
 * T is 100 ms here in place of a service's seconds: the race is the same, a run takes half a minute in place of an hour.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SoakChild } from './child.ts';
import type { Message } from './child.ts';
import { cluster, httpBootstrap, protocolOptions, route } from './http-config.ts';
import type { JsonObject } from './http-config.ts';
import type { IdleServiceOptions } from './load/idle-service.ts';
import type { RoundCounts, RoundLoadOptions } from './load/round-load.ts';
import { check, count, figure } from './part.ts';
import type { PartResult, Soak, SoakPart } from './part.ts';
import { SoakProxy } from './soak-proxy.ts';

const REQUESTS = 10_000;
const LEAST_REQUESTS = 200;
const KEEP_ALIVE_MS = 100;
const CONNECTIONS = 50;
/** Requests are repeated on connections that may be about to be closed as well: Envoy's default of one is not enough for a round of them. */
const RETRIES = 5;

interface Variant {
  readonly name: string;
  readonly setting: string;
  readonly cluster: JsonObject;
  readonly action: JsonObject;
}

const VARIANTS: readonly Variant[] = [
  { name: 'baseline', setting: 'neither', cluster: {}, action: {} },
  {
    name: 'idle timeout',
    setting: `idle_timeout ${KEEP_ALIVE_MS / 2} ms`,
    cluster: protocolOptions({ idle_timeout: `${KEEP_ALIVE_MS / 2000}s` }),
    action: {},
  },
  {
    name: 'safe retry',
    setting: `retry_on: reset, num_retries: ${RETRIES}`,
    cluster: {},
    action: { retry_policy: { retry_on: 'reset', num_retries: RETRIES } },
  },
];

export const IDLE_CLOSE: SoakPart = {
  name: 'idle-close',
  row: 'COMP-9',
  acceptance:
    'an upstream with keep-alive time T and requests every T: some 503 UC without remedy; none in 10,000 requests with each remedy (idle timeout below the upstream’s, retry of safe requests)',
  run: runIdleClose,
};

interface Outcome {
  readonly variant: Variant;
  readonly counts: RoundCounts;
  readonly ucs: number;
  readonly retries: number;
  readonly upstreamConnections: number;
  readonly closedIdle: number;
}

async function runIdleClose(soak: Soak): Promise<PartResult> {
  const requests = soak.size(REQUESTS, LEAST_REQUESTS);
  const outcomes: Outcome[] = [];
  for (const [index, variant] of VARIANTS.entries()) {
    soak.bench.progress.step(`${variant.name}: ${variant.setting}`, index + 1, VARIANTS.length);
    outcomes.push(await runVariant(soak, variant, requests));
  }
  return result(outcomes);
}

async function runVariant(soak: Soak, variant: Variant, requests: number): Promise<Outcome> {
  const { cores, signal } = soak.bench;
  const start = <T extends Message>(file: string, options: unknown): Promise<[SoakChild, T]> =>
    SoakChild.start<T>({
      module: new URL(`./load/${file}`, import.meta.url),
      options,
      core: cores.other,
      signal,
    });
  const serviceOptions: IdleServiceOptions = { keepAliveMs: KEEP_ALIVE_MS };
  const [service, { port }] = await start<Message & { port: number }>('idle-service.ts', serviceOptions);
  let proxy: SoakProxy | null = null;
  let load: SoakChild | null = null;
  let outcome: Omit<Outcome, 'ucs'>;
  const logFile = join(soak.folder, `${variant.name}.log`);
  try {
    proxy = await SoakProxy.start({
      folder: soak.folder,
      concurrency: 1,
      core: cores.proxy,
      bootstrap: httpBootstrap({
        log: { path: logFile, format: '%RESPONSE_CODE% %RESPONSE_FLAGS%\n' },
        clusters: [cluster('service', [port], variant.cluster)],
        routes: [route('/', 'service', variant.action)],
      }),
    });
    const loadOptions: RoundLoadOptions = {
      port: proxy.port,
      seed: soak.seed,
      connections: CONNECTIONS,
      intervalMs: KEEP_ALIVE_MS,
    };
    [load] = await start('round-load.ts', loadOptions);
    load.tell({ kind: 'send', more: requests } as Message);
    const { counts } = await load.next<Message & { counts: RoundCounts }>('done');
    const stats = await proxy.stats();
    const { closedIdle } = await service.ask<Message & { closedIdle: number }>({ kind: 'count' }, 'counted');
    outcome = {
      variant,
      counts,
      retries: stats.get('cluster.service.upstream_rq_retry') ?? 0,
      upstreamConnections: stats.get('cluster.service.upstream_cx_total') ?? 0,
      closedIdle,
    };
  } finally {
    await load?.stop();
    await proxy?.stop();
    await service.stop();
  }
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return { ...outcome, ucs: lines.filter((line) => line === '503 UC').length };
}

function result(outcomes: readonly Outcome[]): PartResult {
  const [baseline, ...remedies] = outcomes;
  const rate = (outcome: Outcome | undefined): string =>
    outcome === undefined ? '-' : `${count(outcome.ucs)} of ${count(outcome.counts.requests)}`;
  const failed = ({ counts }: Outcome): number => counts.requests - (counts.byStatus['200'] ?? 0);
  return {
    checks: [
      check('503 UC without remedy', 'some', rate(baseline), (baseline?.ucs ?? 0) > 0),
      ...remedies.map((outcome) =>
        check(`503 UC with ${outcome.variant.name}`, '0', rate(outcome), outcome.ucs === 0),
      ),
      ...remedies.map((outcome) =>
        check(
          `other failures with ${outcome.variant.name}`,
          '0',
          failed(outcome) - outcome.ucs,
          failed(outcome) === outcome.ucs,
        ),
      ),
      figure('requests that were repeated, with safe retry', count(remedies.at(-1)?.retries ?? 0)),
    ],
    text: [
      `The upstream closes a connection by its own timer ${KEEP_ALIVE_MS} ms after its last use. ${CONNECTIONS} clients ask in rounds, one every ${KEEP_ALIVE_MS} to ${KEEP_ALIVE_MS + 3} ms, so that each request finds a connection of that age; whether the close is on its way just then is chance.`,
    ],
    parts: [
      {
        kind: 'table',
        title: 'By remedy',
        rows: 'remedy',
        columns: [
          { name: 'setting' },
          { name: 'requests' },
          { name: '503 UC', better: 'lower' },
          { name: 'repeated' },
          { name: 'upstream connections' },
          { name: 'closed by the upstream' },
        ],
        body: outcomes.map(({ variant, counts, ucs, retries, upstreamConnections, closedIdle }) => ({
          name: variant.name,
          cells: [variant.setting, counts.requests, ucs, retries, upstreamConnections, closedIdle],
        })),
      },
    ],
  };
}
