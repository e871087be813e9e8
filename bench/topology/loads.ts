/**
 * The two loads on a way: open loop at a rate, closed loop at full speed; from all client pods at once, each to the server pod of its
 * number. What the processes on the way computed meanwhile is read from the scheduler.
 */
import { delay } from '../../src/base/clock.ts';
import type { AutocannonLoad, LoadReport } from '../harness/autocannon.ts';
import { FAILED, percentilesOf, together } from '../harness/open-loop.ts';
import type { OpenLoopLoad, OpenLoopReport } from '../harness/open-loop.ts';
import type { Fleet, Way } from './fleet.ts';
import { idPrefix } from './ids.ts';

export interface LoadOptions {
  /** All clients together. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
  readonly closedSeconds: number;
  /** Requests of the closed loop, however long they take; absent: autocannon, for `closedSeconds`. */
  readonly closedRequests?: number;
  /** Of a request of the open loop; absent: ten seconds. */
  readonly timeoutMs?: number;
  readonly keepAlive: boolean;
}

/** Seconds of CPU of the processes of one role. */
export interface CpuSplit {
  readonly clients: number;
  readonly outbound: number;
  readonly inbound: number;
  readonly services: number;
  readonly relay: number;
}

export interface ClosedRound {
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** Of the client for which it is the longest. */
  readonly p99: number;
  readonly cpu: CpuSplit;
}

/**
 * While it is off, the packets of a connection that it has rewritten lead nowhere: a FIN on its way then would leave a proxy with a
 * client that is long gone, and its own pools with connections that nobody answers.
 */
const LAST_PACKETS_MS = 250;

/** @throws what `run` throws. The interception of the way is off again then, too. */
async function intercepted<T>({ interception }: Way, run: () => Promise<T>): Promise<T> {
  interception?.on();
  try {
    return await run();
  } finally {
    if (interception !== undefined) {
      await delay(LAST_PACKETS_MS);
      interception.off();
    }
  }
}

export type OpenLoadOptions = LoadOptions & { readonly ratesOfPods?: readonly number[] };

/** All clients are made ready, then started together. */
export async function runOpen(
  fleet: Fleet,
  way: Way,
  options: OpenLoadOptions,
  prefixOf: (pod: number) => string,
  signal: AbortSignal,
  meter: CpuMeter = cpuMeter(fleet, way),
): Promise<{ reports: OpenLoopReport[]; cpu: CpuSplit }> {
  signal.throwIfAborted();
  return intercepted(way, async () => {
    await Promise.all(
      fleet.openLoops.map((client, pod) =>
        client.prepare({ ...openLoad(fleet, way, options, pod), idPrefix: prefixOf(pod) }, signal),
      ),
    );
    meter.start();
    const reports = await Promise.all(fleet.openLoops.map((client) => client.go(signal)));
    return { reports, cpu: meter.stop() };
  });
}

const TIMEOUT_MS = 10_000;

function openLoad(
  fleet: Fleet,
  way: Way,
  { connections, rate, ratesOfPods, seconds, keepAlive, timeoutMs = TIMEOUT_MS }: OpenLoadOptions,
  pod: number,
): Omit<OpenLoopLoad, 'idPrefix'> {
  const pods = fleet.openLoops.length;
  return {
    ...fleet.targetOf(way, pod),
    ...fleet.sourceOf(pod),
    path: '/',
    connections: Math.ceil(connections / pods),
    rate: ratesOfPods?.[pod] ?? rate / pods,
    seconds,
    keepAlive,
    phase: pod / pods,
    timeoutMs,
  };
}

export async function runClosed(
  fleet: Fleet,
  way: Way,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<ClosedRound> {
  signal.throwIfAborted();
  if (options.closedRequests !== undefined) return runAmount(fleet, way, options, signal);
  const meter = cpuMeter(fleet, way);
  const { reports, cpu } = await intercepted(way, async () => {
    meter.start();
    const all = fleet.closedLoops.map((client, pod) =>
      client.run(closedLoad(fleet, way, options, pod), signal),
    );
    return { reports: await Promise.all(all), cpu: meter.stop() };
  });
  emptyLogs(fleet, way);
  const sum = (of: (report: LoadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const requests = sum((report) => report.requests);
  if (requests === 0) throw new Error(`${way.client} to ${way.server}: no request was answered`);
  return {
    requests,
    failures: sum(({ failures }) => failures),
    requestsPerSecond: sum(({ requestsPerSecond }) => requestsPerSecond),
    p99: Math.max(...reports.map(({ latency }) => latency.p99)),
    cpu: { ...cpu, clients: sum(({ cpuSeconds }) => cpuSeconds) },
  };
}

/**
 * A closed loop made of the open one: where the whole timetable is due at once, a connection sends its next request when its last one
 * is answered. For thousands of connections: they are open before it begins, and autocannon's timers, its end among them, stand still
 * as long as libuv finds a thousand sockets ready (49,152 events).
 */
async function runAmount(
  fleet: Fleet,
  way: Way,
  { closedRequests = 0, ...options }: LoadOptions,
  signal: AbortSignal,
): Promise<ClosedRound> {
  const load = { ...options, rate: AT_ONCE, seconds: closedRequests / AT_ONCE, timeoutMs: AMOUNT_TIMEOUT_MS };
  const { reports, cpu } = await runOpen(fleet, way, load, () => idPrefix(), signal);
  emptyLogs(fleet, way);
  const { requests, failed, achievedRate, cpuSeconds } = together(reports);
  // What a request waited for a connection is no part of its latency here.
  const own = reports.map(({ latencies, lags }) =>
    latencies.map((each, index) => (each === FAILED ? FAILED : each - (lags[index] ?? 0))),
  );
  return {
    requests,
    failures: failed,
    requestsPerSecond: achievedRate,
    p99: percentilesOf(own).p99,
    cpu: { ...cpu, clients: cpuSeconds },
  };
}

/** Requests/s: no proxy is as fast. */
const AT_ONCE = 1e6;
const AMOUNT_TIMEOUT_MS = 60_000;

function closedLoad(
  fleet: Fleet,
  way: Way,
  { connections, closedSeconds, keepAlive }: LoadOptions,
  pod: number,
): AutocannonLoad {
  const { address, port, host } = fleet.targetOf(way, pod);
  return {
    url: `http://${address}:${port}/`,
    headers: { host },
    connections: Math.ceil(connections / fleet.closedLoops.length),
    seconds: closedSeconds,
    ...(keepAlive ? {} : { reconnectRate: 1 }),
    ...fleet.sourceOf(pod),
  };
}

/** What a round left, when it was read: the size of the logs must not grow with the length of the run. */
export function emptyLogs(fleet: Fleet, way: Way): void {
  for (const proxy of fleet.proxiesOf(way).flat()) proxy.emptyLogs();
}

export interface CpuMeter {
  start(): void;
  /** Since the start; the clients say theirs themselves. */
  stop(): CpuSplit;
}

/** Of the proxies on a way, all services and the relay. */
export function cpuMeter(fleet: Fleet, way: Way): CpuMeter {
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

/** Microseconds of all processes but the relay. */
export function cpuPerRequest({
  requests,
  cpu,
}: {
  readonly requests: number;
  readonly cpu: CpuSplit;
}): number {
  const { clients, outbound, inbound, services } = cpu;
  return ((clients + outbound + inbound + services) / requests) * 1e6;
}
