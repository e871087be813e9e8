/**
 * The contract between `bench/main.ts` and the scenarios: a scenario measures and returns sections, main knows options, progress,
 * the machine and the report. A scenario ends every process it starts and removes every namespace it makes, also when it throws.
 */
import type { OptionSpec } from '../src/cli/option.ts';
import type { Section } from './report/report.ts';

/** An option with a value has a default; beside these every scenario has `--quick`. */
export interface BenchOption extends OptionSpec {
  readonly default?: string;
  /** Default under `--quick`: fewer and shorter rounds, the same rows. */
  readonly quick?: string;
}

export interface Progress {
  /** Replaces the line of what is being done. `done` of `total`: steps of the whole run. */
  step(text: string, done?: number, total?: number): void;
  /** A line that stays: something the reader should know, as a contender that is not installed. */
  note(text: string): void;
}

/** Cores that processes are pinned to with `taskset`: the measured proxies on one, everything else on the other. */
export interface Cores {
  readonly proxy: number;
  readonly other: number;
  readonly all: readonly number[];
}

export interface BenchRun {
  /** Every option of the scenario, defaults filled in; a switch is '' where given and absent where not. */
  readonly options: ReadonlyMap<string, string>;
  readonly quick: boolean;
  /** Of this run alone, removed at its end: configurations, logs. */
  readonly folder: string;
  readonly cores: Cores;
  readonly progress: Progress;
  /** Aborted by Ctrl-C and `SIGTERM`: the scenario throws `signal.reason` after it has cleaned up. */
  readonly signal: AbortSignal;
  /** These state a version or a pinning in the report's set-up. */
  version(program: string, version: string): void;
  pinned(what: string, where: string): void;
}

export interface Scenario {
  readonly name: string;
  /** Heading of the report. */
  readonly title: string;
  /** One line for the list, without a full stop. */
  readonly summary: string;
  readonly options: readonly BenchOption[];
  run(bench: BenchRun): Promise<Section[]>;
}

/** @throws RangeError where the scenario has no such option with a number as its value: a mistake of the scenario's. */
export function numberOption(bench: BenchRun, name: string): number {
  const value = Number(bench.options.get(name) ?? NaN);
  if (Number.isNaN(value)) throw new RangeError(`no number in option --${name}`);
  return value;
}
