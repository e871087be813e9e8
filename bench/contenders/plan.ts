/** Options that all scenarios of contenders share, and the plan that they make. */
import { numberOption } from '../scenario.ts';
import type { BenchOption, BenchRun } from '../scenario.ts';
import type { Plan } from './rounds.ts';

export interface PlanDefaults {
  readonly rounds: readonly [full: number, quick: number];
  readonly seconds: readonly [full: number, quick: number];
  readonly warmUp: readonly [full: number, quick: number];
}

export function planOptions({ rounds, seconds, warmUp }: PlanDefaults): BenchOption[] {
  const option = (name: string, value: string, help: string, [full, quick]: readonly [number, number]) => ({
    name,
    value,
    help,
    default: String(full),
    quick: String(quick),
  });
  return [
    { ...option('rounds', '<n>', 'times that each is measured, in turns', rounds), check: whole(1, 1000) },
    { ...option('seconds', '<s>', 'length of a round', seconds), check: whole(1, 3600) },
    { ...option('warm-up', '<s>', 'load before the first round', warmUp), check: whole(0, 3600) },
  ];
}

export function planOf(bench: BenchRun): Plan {
  return {
    rounds: numberOption(bench, 'rounds'),
    seconds: numberOption(bench, 'seconds'),
    warmUpSeconds: numberOption(bench, 'warm-up'),
  };
}

/** wrk takes whole seconds. */
export function whole(least: number, most: number): (text: string) => string | null {
  return (text) =>
    /^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most
      ? null
      : `expected a whole number from ${least} to ${most}`;
}

/** An option that picks some of a list, by commas; all of them where it is not given. */
export function choice(name: string, help: string, all: readonly string[]): BenchOption {
  return {
    name,
    value: '<a,b,…>',
    help: `${help}: ${all.join(', ')}`,
    default: all.join(','),
    check(text) {
      const unknown = text.split(',').find((each) => !all.includes(each));
      return unknown === undefined ? null : `no "${unknown}" in ${all.join(', ')}`;
    },
  };
}

export function chosen(bench: BenchRun, name: string): string[] {
  return (bench.options.get(name) ?? '').split(',').filter((each) => each !== '');
}
