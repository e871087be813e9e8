/** Rounds of chains in turn: A B C A B C …, each giving the CPU time of its two proxies under one load. */
import type { CpuTime } from '../harness/process.ts';
import type { Plan } from '../contenders/rounds.ts';
import type { Rig, Running } from '../contenders/rig.ts';
import type { Chain } from './chain.ts';

export interface DirectionRound {
  /** Microseconds of CPU per request. */
  readonly outbound: number;
  readonly inbound: number;
}

export interface ChainResult {
  readonly chain: Chain;
  readonly rounds: DirectionRound[];
  failures: number;
}

const SETTLE_SECONDS = 1;

/** @throws where a load fails as a whole, as when a proxy has ended; the signal's reason. */
export async function measureChains(
  rig: Rig,
  chains: readonly Chain[],
  connections: number,
  { rounds, seconds, warmUpSeconds }: Plan,
): Promise<ChainResult[]> {
  const results = chains.map((chain): ChainResult => ({ chain, rounds: [], failures: 0 }));
  const load = async ({ outbound, host }: Chain, length: number) =>
    await rig.load(outbound, {
      path: '/',
      connections,
      seconds: length,
      request: { headers: { Host: host } },
    });
  for (const { chain } of results) {
    rig.bench.progress.step(`warm-up: ${chain.shape.name}`);
    if (warmUpSeconds > 0) await load(chain, warmUpSeconds);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, result] of results.entries()) {
      const { chain } = result;
      const { shape, outbound, inbound } = chain;
      const done = round * results.length + index;
      rig.bench.progress.step(`round ${round + 1}: ${shape.name}`, done, rounds * results.length);
      for (const each of [outbound, inbound]) each.emptyLogs();
      if (warmUpSeconds > 0) await load(chain, SETTLE_SECONDS);
      const before = [secondsOf(outbound), secondsOf(inbound)] as const;
      const { requests, failures } = await load(chain, seconds);
      const after = [secondsOf(outbound), secondsOf(inbound)] as const;
      result.failures += failures;
      if (requests === 0) continue;
      const perRequest = (side: 0 | 1): number => ((after[side] - before[side]) / requests) * 1e6;
      result.rounds.push({ outbound: perRequest(0), inbound: perRequest(1) });
    }
  }
  return results;
}

function secondsOf({ process }: Running): number {
  const { user, system }: CpuTime = process.cpu();
  return user + system;
}
