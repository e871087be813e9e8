/**
 * Every front on either side, nine ways: do requests pass, do counters and log lines belong to the right pod, and how many bytes does
 * a proxy copy for a request. Each pod sends another number of requests, so that one that is counted for its neighbour is seen.
 */
import { delay } from '../../src/base/clock.ts';
import { logLines } from '../../src/diagnose/waterfall/lines.ts';
import { FAILED, percentilesOf, together } from '../harness/open-loop.ts';
import type { BenchRun } from '../scenario.ts';
import type { Fleet, Way } from './fleet.ts';
import { idPrefix, idStart } from './ids.ts';
import { FRONTS, statPrefix } from './proxy-config.ts';
import type { PodChain } from './proxy-config.ts';
import { runOpen } from './loads.ts';
import { FLUSH_MS } from './topology-proxy.ts';
import type { TopologyProxy } from './topology-proxy.ts';

/** Of the first pod; each further one sends a fifth more. */
const REQUESTS = 60;
const RATE = 200;
const CONNECTIONS_PER_POD = 4;
const MOST_TRIES = 30;

/** One pod's chain in the proxy that serves it. */
export interface ChainCount {
  readonly pod: string;
  /** Requests that this pod sent or was sent. */
  readonly requests: number;
  /** By the proxy's counter of that chain, and by the lines with those requests' ids in that chain's log. */
  readonly counted: number;
  readonly lines: number;
}

export interface Copied {
  /** Bytes per request that the proxies of a side read from and wrote to sockets. */
  readonly read: number;
  readonly written: number;
}

export interface MatrixCell {
  readonly way: Way;
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  /** Of a front that is a proxy. */
  readonly outbound: readonly ChainCount[];
  readonly inbound: readonly ChainCount[];
  readonly copied: { readonly outbound: Copied | null; readonly inbound: Copied | null };
}

export async function measureMatrix(bench: BenchRun, fleet: Fleet): Promise<MatrixCell[]> {
  const ways = FRONTS.flatMap((client) => FRONTS.map((server): Way => ({ client, server })));
  const cells: MatrixCell[] = [];
  for (const [index, way] of ways.entries()) {
    bench.progress.step(`interoperation: ${way.client} to ${way.server}`, index, ways.length);
    cells.push(await measureCell(fleet, way, bench.signal));
  }
  return cells;
}

type Stats = ReadonlyMap<TopologyProxy, ReadonlyMap<string, number>>;

export async function measureCell(fleet: Fleet, way: Way, signal: AbortSignal): Promise<MatrixCell> {
  const { clients } = fleet.network;
  const prefixes = clients.map(() => idPrefix());
  const requests = clients.map((_, pod) => Math.round(REQUESTS * (1 + pod / 5)));
  const seconds = REQUESTS / RATE;
  const load = {
    rate: RATE,
    ratesOfPods: requests.map((count) => count / seconds),
    seconds,
    closedSeconds: 0,
    connections: clients.length * CONNECTIONS_PER_POD,
    keepAlive: true,
  };
  const before = await statsOf(fleet, way);
  const { reports } = await runOpen(fleet, way, load, (pod) => prefixes[pod] ?? '', signal);
  const after = await statsOf(fleet, way);
  const lines = await countLines(fleet, way, prefixes, requests);
  const sent = reports.map((report) => report.requests);
  const [outbound, inbound] = fleet.proxiesOf(way);
  const { requests: all, failed } = together(reports);
  const answered = reports.some(({ latencies }) => latencies.some((each) => each !== FAILED));
  const counts = (proxies: readonly TopologyProxy[]): ChainCount[] =>
    chainsOf(proxies).map(([proxy, chain], pod) => ({
      pod: chain.pod,
      requests: sent[pod] ?? 0,
      counted: grown(`http.${statPrefix(chain)}.downstream_rq_total`, before.get(proxy), after.get(proxy)),
      lines: lines.get(chain) ?? 0,
    }));
  return {
    way,
    requests: all,
    failed,
    p50: answered ? percentilesOf(reports.map(({ latencies }) => latencies)).p50 : NaN,
    outbound: counts(outbound),
    inbound: counts(inbound),
    copied: {
      outbound: copiedBy(outbound, before, after, all),
      inbound: copiedBy(inbound, before, after, all),
    },
  };
}

async function statsOf(fleet: Fleet, way: Way): Promise<Stats> {
  const stats = new Map<TopologyProxy, ReadonlyMap<string, number>>();
  for (const proxy of fleet.proxiesOf(way).flat()) stats.set(proxy, await proxy.stats());
  return stats;
}

/** In the order of the pods: a side has a proxy for each of them, or one for all. */
function chainsOf(proxies: readonly TopologyProxy[]): (readonly [TopologyProxy, PodChain])[] {
  return proxies.flatMap((proxy) => proxy.chains.map((chain) => [proxy, chain] as const));
}

function grown(
  name: string,
  before: ReadonlyMap<string, number> | undefined,
  after: ReadonlyMap<string, number> | undefined,
): number {
  return (after?.get(name) ?? 0) - (before?.get(name) ?? 0);
}

/** Lines in each chain's log with the ids of the pod that the chain is for; they come a moment after the answers. */
async function countLines(
  fleet: Fleet,
  way: Way,
  prefixes: readonly string[],
  requests: readonly number[],
): Promise<ReadonlyMap<PodChain, number>> {
  const chains = fleet.proxiesOf(way).flatMap(chainsOf);
  const counts = new Map<PodChain, number>();
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    await delay(FLUSH_MS);
    for (const [, chain] of chains) {
      const start = idStart(prefixes[podOf(chain)] ?? '');
      let count = 0;
      for await (const lines of logLines(chain.logFile))
        count += lines.filter(({ text }) => text.includes(start)).length;
      counts.set(chain, count);
    }
    if (chains.every(([, chain]) => (counts.get(chain) ?? 0) >= (requests[podOf(chain)] ?? 0))) break;
  }
  return counts;
}

/** `c1` and `s1` are the first. */
function podOf({ pod }: PodChain): number {
  return Number(pod.slice(1)) - 1;
}

const RECEIVED = /^(?:http\.(?:out|in)bound_.*\.downstream|cluster\..*\.upstream)_cx_rx_bytes_total$/;
const SENT = /^(?:http\.(?:out|in)bound_.*\.downstream|cluster\..*\.upstream)_cx_tx_bytes_total$/;

function copiedBy(
  proxies: readonly TopologyProxy[],
  before: Stats,
  after: Stats,
  requests: number,
): Copied | null {
  if (proxies.length === 0) return null;
  const sum = (names: RegExp): number => {
    let total = 0;
    for (const proxy of proxies) {
      for (const name of after.get(proxy)?.keys() ?? [])
        if (names.test(name)) total += grown(name, before.get(proxy), after.get(proxy));
    }
    return total / requests;
  };
  return { read: sum(RECEIVED), written: sum(SENT) };
}
