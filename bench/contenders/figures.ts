/** What the rounds of a contender say: medians with their ranges, and ratios to another one in the same rounds. */
import { measured } from '../harness/statistics.ts';
import type { Measured } from '../report/report.ts';
import type { Outcome, Round } from './rounds.ts';

/** Microseconds of CPU per request. */
export function cpuOf(round: Round): number {
  return round.user + round.system;
}

/** `null` where no round has the figure. */
export function figureOf({ rounds }: Outcome, pick: (round: Round) => number): Measured | null {
  const values = rounds
    .filter((round) => round !== null)
    .map(pick)
    .filter((value) => Number.isFinite(value));
  return values.length === 0 ? null : measured(values);
}

/** Of each round both have: what drifts from round to round falls out. */
export function compared(
  outcome: Outcome,
  reference: Outcome,
  compare: (round: Round, reference: Round) => number,
): Measured | null {
  const values = outcome.rounds.flatMap((round, index) => {
    const other = reference.rounds[index] ?? null;
    const value = round === null || other === null ? NaN : compare(round, other);
    return Number.isFinite(value) ? [value] : [];
  });
  return values.length === 0 ? null : measured(values);
}

export function cpuRatio(outcome: Outcome, reference: Outcome): Measured | null {
  return compared(outcome, reference, ratioOf);
}

export function cpuRatioSideBySide(outcome: Outcome, reference: Outcome): Measured | null {
  return comparedSideBySide(outcome, reference, ratioOf);
}

/** As `compared`, of the rounds in which all were loaded at once. */
export function comparedSideBySide(
  outcome: Outcome,
  reference: Outcome,
  compare: (round: Round, reference: Round) => number,
): Measured | null {
  const aside = (each: Outcome): Outcome => ({ ...each, rounds: each.sideBySide });
  return compared(aside(outcome), aside(reference), compare);
}

function ratioOf(round: Round, reference: Round): number {
  return cpuOf(round) / cpuOf(reference);
}
