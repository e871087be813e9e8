/**
 * The rounds: every contender in turn, again and again (A B C D A B C D …), so that a noisy minute of the machine hits all of them.
 * A round of a contender is an open loop at the fixed rate, then a closed loop as fast as it goes; all client pods send at once, each
 * to the server pod of its number.
 */
import { FAILED, percentilesOf, together } from '../harness/open-loop.ts';
import type { OpenLoopReport, Percentiles } from '../harness/open-loop.ts';
import type { BenchRun } from '../scenario.ts';
import type { Contender } from './contenders.ts';
import type { Fleet } from './fleet.ts';
import { idPrefix } from './ids.ts';
import { cpuMeter, emptyLogs, runClosed, runOpen } from './loads.ts';
import type { ClosedRound, CpuSplit, LoadOptions } from './loads.ts';
import { linkSlow } from './slow-requests.ts';
import type { SlowRequest } from './slow-requests.ts';
import { warmUp } from './warm-up.ts';
import type { WarmUp, WarmUpOptions } from './warm-up.ts';

export interface RoundsOptions extends WarmUpOptions {
  readonly rounds: number;
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
      closed.push(await runClosed(fleet, contender.way, options, bench.signal));
    }
    loaded.push(memoryOf(fleet));
  }
  return { results, loaded, warmUps };
}

export function memoryOf(fleet: Fleet): MemoryReading {
  const of = (kind: string): number =>
    fleet.proxies
      .filter(({ name }) => name.startsWith(kind))
      .reduce((sum, proxy) => sum + proxy.pssBytes(), 0);
  return { sidecars: of('sidecar-'), nodes: of('node-') };
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
