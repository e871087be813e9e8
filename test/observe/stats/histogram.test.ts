import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, double, integer, property } from 'fast-check';
import {
  LARGEST_VALUE,
  LOW_BOUND,
  lowerBound,
  SLOTS,
  slotOf,
} from '../../../src/observe/stats/histogram-layout.ts';
import { MergedStats } from '../../../src/observe/stats/merged-stats.ts';
import { BUCKET_BOUNDS } from '../../../src/observe/stats/prometheus.ts';
import { SlabStats } from '../../../src/observe/stats/slab-stats.ts';

function distributionOf(values: readonly number[]) {
  const merged = new MergedStats();
  const stats = new SlabStats({ announce: (message) => merged.adopt('worker_0', message), defer: () => {} });
  const histogram = stats.histogram('x_ms');
  for (const value of values) histogram.record(value);
  stats.announceNow();
  merged.refresh();
  return merged.histograms()[0]!.cumulative;
}

const measurable = double({ min: LOW_BOUND, max: LARGEST_VALUE, noNaN: true, minExcluded: true });

test('every measurable value lies in the bucket of its slot, upper bound included', () => {
  check(
    property(measurable, (value) => {
      const slot = slotOf(value);
      assert.ok(slot >= 0 && slot < SLOTS);
      assert.ok(lowerBound(slot) < value && value <= lowerBound(slot + 1));
    }),
    { numRuns: 2000 },
  );
});

test('each bucket is at most a sixteenth of its lower bound wide, and they leave no gap', () => {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const lower = lowerBound(slot);
    const upper = lowerBound(slot + 1);
    assert.ok(upper - lower <= lower / 16);
    assert.equal(slotOf(upper), slot);
  }
  assert.equal(slotOf(LOW_BOUND), -1);
  assert.equal(lowerBound(SLOTS), LARGEST_VALUE);
});

test('any quantile is within 6.25 percent of the exact order statistic', () => {
  check(
    property(
      array(measurable, { minLength: 1, maxLength: 200 }),
      integer({ min: 1, max: 1000 }),
      (values, permille) => {
        const fraction = permille / 1000;
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(fraction * values.length) - 1]!;
        const [approximate] = distributionOf(values).quantiles([fraction]);
        assert.ok(Math.abs(approximate! - exact) <= exact / 16, `${approximate} for ${exact}`);
      },
    ),
    { numRuns: 300 },
  );
});

test('quantiles grow with their fraction, from the lower bound of the least to the upper bound of the largest', () => {
  const distribution = distributionOf([5, 5, 5, 80, 1000]);
  const quantiles = distribution.quantiles([0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(
    quantiles,
    quantiles.toSorted((a, b) => a - b),
  );
  assert.equal(quantiles[0], 4.75);
  assert.equal(quantiles[4], 1024);
});

test('an integer on a bound of the exposition is counted at or below it', () => {
  const exact = [0.5, 1, 5, 10, 25, 50, 100];
  const distribution = distributionOf(exact);
  assert.deepEqual(distribution.countsAtOrBelow(exact), [1, 2, 3, 4, 5, 6, 7]);
});

test('counts at the bounds never decrease and never exceed the count', () => {
  check(
    property(array(double({ min: 0, max: 1e8, noNaN: true }), { maxLength: 100 }), (values) => {
      const distribution = distributionOf(values);
      const counts = [...distribution.countsAtOrBelow(BUCKET_BOUNDS), distribution.count];
      for (let index = 1; index < counts.length; index += 1) assert.ok(counts[index]! >= counts[index - 1]!);
      assert.equal(distribution.count, values.length);
    }),
    { numRuns: 200 },
  );
});

test('nothing that is not a number is recorded, negative counts as zero, infinity as the largest value', () => {
  const distribution = distributionOf([Number.NaN, -3, 0, Number.POSITIVE_INFINITY]);
  assert.equal(distribution.count, 3);
  assert.equal(distribution.sum, LARGEST_VALUE);
  assert.deepEqual(distribution.quantiles([0, 0.5, 1]), [0, 0, LARGEST_VALUE]);
});

test('a histogram without values has no quantiles and no buckets', () => {
  const distribution = distributionOf([]);
  assert.deepEqual(distribution.quantiles([0.5]), [Number.NaN]);
  assert.deepEqual(distribution.countsAtOrBelow([1, 10]), [0, 0]);
});
