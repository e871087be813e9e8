/**
 * The rounds: every contender in turn, again and again (A B C D A B C D …), so that a noisy minute of the machine hits all of them.
 * A round of a contender is an open loop at the fixed rate, then a closed loop as fast as it goes; all client pods send at once, each
 * to the server pod of its number.
 */
import type { LoadReport } from '../harness/autocannon.ts';
import { FAILED, percentilesOf, together } from '../harness/open-loop.ts';
import type { OpenLoopReport, Percentiles } from '../harness/open-loop.ts';
import type { BenchRun } from '../scenario.ts';
import type { Fleet, Way } from './fleet.ts';
import { idPrefix } from './ids.ts';
import { linkSlow } from './slow-requests.ts';
import type { SlowRequest } from './slow-requests.ts';

export interface Contender {
  readonly name: string;
  readonly way: Way;
  /** Proxies that a request passes. */
  readonly hops: number;
}

export const CONTENDERS: readonly Contender[] = [
  { name: 'direct', way: { client: 'plain', server: 'plain' }, hops: 0 },
  { name: 'one hop', way: { client: 'sidecar', server: 'plain' }, hops: 1 },
  { name: 'sidecar', way: { client: 'sidecar', server: 'sidecar' }, hops: 2 },
  { name: 'nodeproxy', way: { client: 'nodeproxy', server: 'nodeproxy' }, hops: 2 },
];

export interface LoadOptions {
  /** All clients together. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
  readonly closedSeconds: number;
  readonly keepAlive: boolean;
}

export interface RoundsOptions extends LoadOptions {
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  /** For each worker of each proxy; 0: none. */
  readonly warmUpRequests: number;
  /** Of one way at most. */
  readonly warmUpSeconds: number;
  /** Workers of a proxy. */
  readonly concurrency: number;
}

/** Seconds of CPU of the processes of one role. */
export interface CpuSplit {
  readonly clients: number;
  readonly outbound: number;
  readonly inbound: number;
  readonly services: number;
  readonly relay: number;
}

export interface OpenRound {
  readonly requests: number;
  readonly failed: number;
  readonly achievedRate: number;
  readonly latency: Percentiles;
  /** What the clients themselves were late by. */
  readonly lag: Percentiles;
  readonly cpu: CpuSplit;
  /** Requests over ten times the median of this round. */
  readonly tenfold: number;
  /** Those and the slowest ones, slowest first, with their lines. */
  readonly slow: readonly SlowRequest[];
}

export interface ClosedRound {
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** Of the client for which it is the longest. */
  readonly p99: number;
  readonly cpu: CpuSplit;
}

export interface ContenderResult {
  readonly contender: Contender;
  readonly open: OpenRound[];
  readonly closed: ClosedRound[];
}

/** Bytes of PSS of all proxies of a kind together. */
export interface MemoryReading {
  readonly sidecars: number;
  readonly nodes: number;
}

export interface RoundsResult {
  readonly results: readonly ContenderResult[];
  readonly loaded: readonly MemoryReading[];
  readonly warmUps: readonly WarmUp[];
}

export async function measureRounds(
  bench: BenchRun,
  fleet: Fleet,
  options: RoundsOptions,
): Promise<RoundsResult> {
  const results = options.contenders.map((contender): ContenderResult => ({
    contender,
    open: [],
    closed: [],
  }));
  const loaded: MemoryReading[] = [];
  const warmUps = await warmUp(bench, fleet, options);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [index, { contender, open, closed }] of results.entries()) {
      const step = round * results.length + index;
      const what = `round ${round + 1} of ${options.rounds}: ${contender.name}`;
      bench.progress.step(what, step, options.rounds * results.length);
      open.push(await openRound(bench, fleet, contender, options, round));
      closed.push(await closedRound(bench, fleet, contender, options));
    }
    loaded.push(memoryOf(fleet));
  }
  return { results, loaded, warmUps };
}

export function memoryOf(fleet: Fleet): MemoryReading {
  const [one, two] = [fleet.side(1), fleet.side(2)];
  const sidecars = [...one.sidecars, ...two.sidecars];
  return {
    sidecars: sidecars.reduce((sum, proxy) => sum + proxy.pssBytes(), 0),
    nodes: one.node.pssBytes() + two.node.pssBytes(),
  };
}

/** What a way's proxies had served before the first round. */
export interface WarmUp {
  readonly contender: string;
  readonly requestsPerWorker: number;
  readonly seconds: number;
}

/**
 * Compilers that work at run time do their work here, as they do once in the life of a proxy. Every worker gets as many requests of
 * it, so a way of many processes takes longer; a way whose proxies are all on another one is warmed up with that.
 */
async function warmUp(bench: BenchRun, fleet: Fleet, options: RoundsOptions): Promise<WarmUp[]> {
  const done: WarmUp[] = [];
  if (options.warmUpRequests === 0) return done;
  const { contenders, concurrency } = options;
  for (const contender of contenders) {
    if (isCovered(fleet, contender, contenders)) continue;
    const { name, way } = contender;
    bench.progress.step(`warm-up: ${name}`);
    // Of the side with more of them: each of its workers gets the fewest.
    const workers = Math.max(0, ...fleet.proxiesOf(way).map((side) => side.length * concurrency));
    let [requests, seconds] = [0, 0];
    do {
      requests += (
        await closedRound(bench, fleet, contender, { ...options, closedSeconds: WARM_UP_STEP_SECONDS })
      ).requests;
      seconds += WARM_UP_STEP_SECONDS;
    } while (requests < options.warmUpRequests * workers && seconds < options.warmUpSeconds);
    await runOpen(fleet, way, { ...options, seconds: 1 }, () => idPrefix(), bench.signal);
    emptyLogs(fleet, way);
    if (workers > 0)
      done.push({ contender: name, requestsPerWorker: Math.round(requests / workers), seconds });
  }
  return done;
}

const WARM_UP_STEP_SECONDS = 2;

function isCovered(fleet: Fleet, contender: Contender, contenders: readonly Contender[]): boolean {
  const proxiesOf = ({ way }: Contender): Set<object> => new Set(fleet.proxiesOf(way).flat());
  const proxies = proxiesOf(contender);
  if (proxies.size === 0) return false;
  return contenders.some((other) => {
    const others = proxiesOf(other);
    return others.size > proxies.size && proxies.isSubsetOf(others);
  });
}

async function openRound(
  bench: BenchRun,
  fleet: Fleet,
  { name, way }: Contender,
  options: LoadOptions,
  round: number,
): Promise<OpenRound> {
  const prefixes = fleet.network.clients.map(() => idPrefix());
  const meter = cpuMeter(fleet, way);
  const { reports, cpu } = await runOpen(
    fleet,
    way,
    options,
    (pod) => prefixes[pod] ?? idPrefix(),
    bench.signal,
    meter,
  );
  const { requests, failed, achievedRate, cpuSeconds } = together(reports);
  const latency = latencyOf(reports, name);
  const slow = await linkSlow(fleet, { contender: name, way, round, reports, prefixes, p50: latency.p50 });
  emptyLogs(fleet, way);
  return {
    requests,
    failed,
    achievedRate,
    latency,
    lag: percentilesOf(reports.map(({ lags }) => lags)),
    cpu: { ...cpu, clients: cpuSeconds },
    tenfold: reports.reduce((sum, { latencies }) => sum + over(latencies, 10 * latency.p50), 0),
    slow,
  };
}

function latencyOf(reports: readonly OpenLoopReport[], name: string): Percentiles {
  try {
    return percentilesOf(reports.map(({ latencies }) => latencies));
  } catch {
    throw new Error(`${name}: no request was answered`);
  }
}

function over(latencies: Uint32Array, bar: number): number {
  return latencies.reduce((count, each) => count + (each !== FAILED && each > bar ? 1 : 0), 0);
}

/** All clients are made ready, then started together. */
export async function runOpen(
  fleet: Fleet,
  way: Way,
  options: LoadOptions & { readonly ratesOfPods?: readonly number[] },
  prefixOf: (pod: number) => string,
  signal: AbortSignal,
  meter: CpuMeter = cpuMeter(fleet, way),
): Promise<{ reports: OpenLoopReport[]; cpu: CpuSplit }> {
  signal.throwIfAborted();
  const pods = fleet.openLoops.length;
  await Promise.all(
    fleet.openLoops.map((client, pod) => {
      const load = {
        ...fleet.targetOf(way, pod),
        ...fleet.sourceOf(pod),
        path: '/',
        connections: Math.ceil(options.connections / pods),
        rate: options.ratesOfPods?.[pod] ?? options.rate / pods,
        seconds: options.seconds,
        keepAlive: options.keepAlive,
        phase: pod / pods,
        idPrefix: prefixOf(pod),
        timeoutMs: TIMEOUT_MS,
      };
      return client.prepare(load, signal);
    }),
  );
  meter.start();
  const reports = await Promise.all(fleet.openLoops.map((client) => client.go(signal)));
  return { reports, cpu: meter.stop() };
}

const TIMEOUT_MS = 10_000;

async function closedRound(
  bench: BenchRun,
  fleet: Fleet,
  { name, way }: Contender,
  { connections, closedSeconds, keepAlive }: LoadOptions,
): Promise<ClosedRound> {
  bench.signal.throwIfAborted();
  const pods = fleet.closedLoops.length;
  const meter = cpuMeter(fleet, way);
  meter.start();
  const reports = await Promise.all(
    fleet.closedLoops.map((client, pod) => {
      const { address, port, host } = fleet.targetOf(way, pod);
      const load = {
        url: `http://${address}:${port}/`,
        headers: { host },
        connections: Math.ceil(connections / pods),
        seconds: closedSeconds,
        ...(keepAlive ? {} : { reconnectRate: 1 }),
        ...fleet.sourceOf(pod),
      };
      return client.run(load, bench.signal);
    }),
  );
  const cpu = meter.stop();
  emptyLogs(fleet, way);
  const sum = (of: (report: LoadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const requests = sum((report) => report.requests);
  if (requests === 0) throw new Error(`${name}: no request was answered`);
  return {
    requests,
    failures: sum(({ failures }) => failures),
    requestsPerSecond: sum(({ requestsPerSecond }) => requestsPerSecond),
    p99: Math.max(...reports.map(({ latency }) => latency.p99)),
    cpu: { ...cpu, clients: sum(({ cpuSeconds }) => cpuSeconds) },
  };
}

function emptyLogs(fleet: Fleet, way: Way): void {
  for (const proxy of fleet.proxiesOf(way).flat()) proxy.emptyLogs();
}

interface CpuMeter {
  start(): void;
  /** Since the start; the clients say theirs themselves. */
  stop(): CpuSplit;
}

function cpuMeter(fleet: Fleet, way: Way): CpuMeter {
  const [outbound, inbound] = fleet.proxiesOf(way);
  const sum = (list: readonly { cpuSeconds(): number }[]): number =>
    list.reduce((total, each) => total + each.cpuSeconds(), 0);
  const read = (): CpuSplit => ({
    clients: 0,
    outbound: sum(outbound),
    inbound: sum(inbound),
    services: sum(fleet.services),
    relay: fleet.relayCpuSeconds(),
  });
  let before = read();
  return {
    start: () => (before = read()),
    stop: () => {
      const after = read();
      return {
        clients: 0,
        outbound: after.outbound - before.outbound,
        inbound: after.inbound - before.inbound,
        services: after.services - before.services,
        relay: after.relay - before.relay,
      };
    },
  };
}
