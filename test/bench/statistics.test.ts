/** Medians, ranges and percentiles of rounds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { measured, median, percentile, ratios } from '../../bench/harness/statistics.ts';

describe('statistics of rounds', () => {
  test('a figure is the median of its rounds, with the smallest and the largest of them', () => {
    assert.deepEqual(measured([5, 1, 9, 3, 7]), { median: 5, low: 1, high: 9, rounds: 5 });
    assert.deepEqual(measured([4]), { median: 4, low: 4, high: 4, rounds: 1 });
    assert.equal(median([1, 2, 3, 10]), 2.5);
  });

  test('percentiles lie between the two nearest ranks', () => {
    const list = Array.from({ length: 11 }, (_, index) => index * 10);
    assert.deepEqual(
      [0, 5, 50, 99, 100].map((share) => percentile(list, share)),
      [0, 5, 50, 99, 100],
    );
    assert.equal(percentile([Infinity, Infinity], 50), Infinity);
  });

  test('a ratio compares each round with the same round of the reference', () => {
    // Both drift by half within the run; their ratio does not.
    assert.deepEqual(ratios([10, 12, 15], [5, 6, 7.5]), { median: 2, low: 2, high: 2, rounds: 3 });
  });

  test('what nobody measured is no figure', () => {
    assert.throws(() => measured([]), RangeError);
    assert.throws(() => median([1, NaN]), RangeError);
    assert.throws(() => ratios([1, 2], [1]), RangeError);
    assert.throws(() => ratios([0], [0]), RangeError);
  });

  test('of any rounds the median lies within the range, and the list is left as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e12, max: 1e12 }), { minLength: 1 }), (rounds) => {
        const before = [...rounds];
        const { median, low, high } = measured(rounds);
        assert.ok(low <= median && median <= high);
        assert.deepEqual(rounds, before);
      }),
    );
  });
});
