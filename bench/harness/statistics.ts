/**
 * Medians, ranges and percentiles of measured figures, without a unit of their own. Every list is left as it was.
 *
 * The range is the smallest and the largest round, no confidence interval: a handful of rounds carries none.
 */
import type { Measured } from '../report/report.ts';

/** @throws RangeError for an empty list: a figure that nobody measured must not be printed. */
export function measured(rounds: readonly number[]): Measured {
  return {
    median: percentile(rounds, 50),
    low: percentile(rounds, 0),
    high: percentile(rounds, 100),
    rounds: rounds.length,
  };
}

export function median(list: readonly number[]): number {
  return percentile(list, 50);
}

/**
 * Linear interpolation between the two nearest ranks (Hyndman and Fan's type 7). `share` is 0 to 100.
 * @throws RangeError for an empty list, and for one with NaN in it: nothing was measured there, and it cannot be sorted.
 */
export function percentile(list: readonly number[], share: number): number {
  if (list.some(Number.isNaN)) throw new RangeError('a figure that is not a number');
  const sorted = list.toSorted((a, b) => a - b);
  const rank = (share / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) throw new RangeError('no figure to summarise');
  // Not interpolated where there is nothing between: two infinities have no difference.
  return below === above ? below : below + (above - below) * (rank - Math.floor(rank));
}

/**
 * Ratio of each round's figure to the reference of the same round: what drifts from round to round falls out.
 * @throws RangeError where a round has no partner, or neither anything in it.
 */
export function ratios(rounds: readonly number[], reference: readonly number[]): Measured {
  return measured(rounds.map((value, index) => value / (reference[index] ?? NaN)));
}
