/**
 * The contract of a part of the soak: one requirement whose acceptance is stated at a scale too large for the tests, run in full once.
 *
 * A part starts its own processes and ends them, also when it throws. It judges itself: each check states its bar beside what was
 * found, and the part has passed when all of them have. What is only to be reported has no bar.
 */
import type { Section } from '../report/report.ts';
import type { BenchRun } from '../scenario.ts';

export interface Check {
  readonly what: string;
  /** What the acceptance asks for; '' where it only wants the figure. */
  readonly bar: string;
  readonly found: string;
  readonly passed: boolean;
}

export interface PartResult {
  readonly checks: readonly Check[];
  /** How it was done, with the parameters that a reader needs to judge it. */
  readonly text: readonly string[];
  readonly parts: Section['parts'];
}

export interface Soak {
  readonly bench: BenchRun;
  /** Of this part alone, empty at its start. */
  readonly folder: string;
  readonly seed: number;
  /** Requests (or what the part counts): `--requests` where given, else `full` by `--scale`, at least `least`. */
  size(full: number, least: number): number;
}

export interface SoakPart {
  /** For `--only`. */
  readonly name: string;
  /** Id of the requirement. */
  readonly row: string;
  /** The acceptance, in its own terms. */
  readonly acceptance: string;
  run(soak: Soak): Promise<PartResult>;
}

export function check(what: string, bar: string, found: string | number, passed: boolean): Check {
  return { what, bar, found: String(found), passed };
}

/** A figure that the acceptance asks to be reported. */
export function figure(what: string, found: string | number): Check {
  return check(what, '', found, true);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}
