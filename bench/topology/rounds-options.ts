/** The rounds that options of these names make, for all scenarios whose rounds are those of a topology. */
import { numberOption } from '../scenario.ts';
import type { BenchRun } from '../scenario.ts';
import type { Contender } from './contenders.ts';
import type { RoundsOptions } from './rounds.ts';

/** `warmUpSeconds`: of one way at most. */
export function roundsOptions(
  bench: BenchRun,
  contenders: readonly Contender[],
  warmUpSeconds: number,
): RoundsOptions {
  return {
    contenders,
    rounds: numberOption(bench, 'rounds'),
    warmUpRequests: numberOption(bench, 'warm-up'),
    warmUpSeconds,
    concurrency: numberOption(bench, 'concurrency'),
    rate: numberOption(bench, 'rate'),
    connections: numberOption(bench, 'connections'),
    seconds: numberOption(bench, 'seconds'),
    closedSeconds: numberOption(bench, 'closed-seconds'),
    keepAlive: !bench.options.has('no-keep-alive'),
  };
}

/** Checks an option: seconds or milliseconds, with a fraction where wanted. */
export function shortLength(text: string): string | null {
  return /^\d+(?:\.\d+)?$/.test(text) && Number(text) <= 3600 ? null : 'expected a number up to 3600';
}
