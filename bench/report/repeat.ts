/**
 * How far apart the medians of two runs may lie by chance alone, by the scatter of their rounds.
 *
 * The range of a handful of rounds is no such interval: with three rounds each, four repeats of ten have their median outside it. So
 * the scatter is estimated from all rounds of a column together, which are taken to scatter alike in relation to their size, and the
 * difference of two medians is held against what Student's t allows for it in 99 cases of 100. What drifts between two runs, such as
 * other work on the machine, is no chance and shows.
 */
import { figureText, isMeasured } from './figures.ts';
import type { Cell, Column, Measured, Table } from './report.ts';

/** Mean range of n normal values in standard deviations, from n = 2 (the quality engineer's d2). */
const RANGE_IN_DEVIATIONS = [
  1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.97, 3.078, 3.173, 3.258, 3.336, 3.407, 3.472,
] as const;
/** Student's t at 99 %, two-sided, from one degree of freedom. */
const T_99 = [63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169] as const;
const NORMAL_99 = 2.576;
/** Beyond the table t is near the normal's value; this closes the gap to 2 %. */
const T_TAIL = 5.9;
/** A range tells so much of what as many values do. */
const RANGE_EFFICIENCY = 0.9;
/** Standard error of a median in that of a mean, of many normal values; of few it is smaller. */
const MEDIAN_IN_MEANS = 1.2533;

export interface Scatter {
  /** Standard deviation of a round: of its logarithm where all figures are above zero, of the figure elsewhere. */
  readonly deviation: number;
  readonly relative: boolean;
  /** Degrees of freedom. */
  readonly degrees: number;
}

/** Of all figures of a column; `null`: none has two rounds. */
export function scatterOf(cells: readonly Cell[]): Scatter | null {
  const figures = cells.filter(isMeasured).filter(hasRange);
  if (figures.length === 0) return null;
  const relative = figures.every(({ low }) => low > 0);
  let squares = 0;
  let degrees = 0;
  for (const { low, high, rounds } of figures) {
    const deviation = (relative ? Math.log(high / low) : high - low) / rangeInDeviations(rounds);
    const weight = (rounds - 1) * RANGE_EFFICIENCY;
    squares += weight * deviation ** 2;
    degrees += weight;
  }
  return { deviation: Math.sqrt(squares / degrees), relative, degrees };
}

/** Whether rounds that scatter so may have both medians. */
export function isRepeat(one: Measured, other: Measured, scatter: Scatter): boolean {
  const difference = scatter.relative ? Math.log(one.median / other.median) : one.median - other.median;
  return Math.abs(difference) <= marginOf(scatter, one.rounds, other.rounds);
}

/** How near the medians of a repeat of all rounds will be, for each column; `undefined`: no column has a scatter. */
export function repeatText({ columns, body }: Table): string | undefined {
  const margins = columns.flatMap((column, index) => {
    const cells = body.map((row) => row.cells[index] ?? null);
    const scatter = scatterOf(cells);
    if (scatter === null) return [];
    const rounds = Math.min(
      ...cells
        .filter(isMeasured)
        .filter(hasRange)
        .map((figure) => figure.rounds),
    );
    return [`${column.name} ${marginText(marginOf(scatter, rounds, rounds), scatter, column)}`];
  });
  if (margins.length === 0) return undefined;
  return `Medians of a repeat, as the rounds scatter (99 %): ${margins.join(', ')}.`;
}

/** Of the difference of two medians; of their logarithms where the scatter is relative. */
function marginOf({ deviation, degrees }: Scatter, rounds: number, others: number): number {
  return studentT(degrees) * MEDIAN_IN_MEANS * deviation * Math.sqrt(1 / rounds + 1 / others);
}

/** From here on the rounds tell nothing. */
const LARGEST_FACTOR = 10;

/** `±12.0 %`; `×÷ 3.20` where a share would be no good measure any more. */
function marginText(margin: number, { relative }: Scatter, { unit }: Column): string {
  if (!relative) return `±${figureText(margin)}${unit === undefined ? '' : ` ${unit}`}`;
  const factor = Math.exp(margin);
  if (factor > LARGEST_FACTOR) return 'not known';
  return factor < 2 ? `±${figureText((factor - 1) * 100)} %` : `×÷ ${figureText(factor)}`;
}

function hasRange({ low, high, rounds }: Measured): boolean {
  return rounds >= 2 && Number.isFinite(low) && Number.isFinite(high);
}

function rangeInDeviations(rounds: number): number {
  return RANGE_IN_DEVIATIONS[Math.min(rounds - 2, RANGE_IN_DEVIATIONS.length - 1)] ?? 1;
}

function studentT(degrees: number): number {
  return T_99[Math.max(1, Math.floor(degrees)) - 1] ?? NORMAL_99 + T_TAIL / degrees;
}
