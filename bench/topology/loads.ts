/**
 * The two loads on a way: open loop at a rate, closed loop at full speed; from all client pods at once, each to the server pod of its
 * number. What the processes on the way computed meanwhile is read from the scheduler.
 */
import type { AutocannonLoad, LoadReport } from '../harness/autocannon.ts';
import type { OpenLoopLoad, OpenLoopReport } from '../harness/open-loop.ts';
import type { Fleet, Way } from './fleet.ts';

export interface LoadOptions {
  /** All clients together. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
  readonly closedSeconds: number;
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

/** @throws what `run` throws. The interception of the way is off again then, too. */
async function intercepted<T>({ interception }: Way, run: () => Promise<T>): Promise<T> {
  interception?.on();
  try {
    return await run();
  } finally {
    interception?.off();
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
  { connections, rate, ratesOfPods, seconds, keepAlive }: OpenLoadOptions,
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
    timeoutMs: TIMEOUT_MS,
  };
}

export async function runClosed(
  fleet: Fleet,
  way: Way,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<ClosedRound> {
  signal.throwIfAborted();
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
