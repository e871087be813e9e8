/**
 * The counts of a histogram outside a slab: what main merges threads into and computes quantiles and Prometheus buckets from.
 * Sparse as in the slab: a group of 64 buckets takes memory when it gets its first count.
 *
 * Owned by one merged histogram. Invariant: `count` is the sum of the buckets, so no output can contradict itself.
 */
import type { Distribution } from '../../api/stats.ts';
import { GROUP_SLOTS, GROUPS, LOW_BOUND, lowerBound } from './histogram-layout.ts';

export class BucketCounts implements Distribution {
  readonly #groups: (Float64Array | null)[] = Array.from({ length: GROUPS }, () => null);
  #low = 0;
  #count = 0;
  sum = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    for (const group of this.#groups) group?.fill(0);
    this.#low = 0;
    this.#count = 0;
    this.sum = 0;
  }

  addLow(count: number): void {
    this.#low += count;
    this.#count += count;
  }

  /** Adds the 64 cells from `offset` to a group. */
  addGroup(group: number, cells: Float64Array, offset: number, sign: 1 | -1 = 1): void {
    let own = this.#groups[group];
    if (own === null || own === undefined) {
      own = new Float64Array(GROUP_SLOTS);
      this.#groups[group] = own;
    }
    for (let slot = 0; slot < GROUP_SLOTS; slot += 1) {
      const count = cells[offset + slot]! * sign;
      own[slot]! += count;
      this.#count += count;
    }
  }

  /** Adds, or with `-1` takes away, all of the other. */
  add(other: BucketCounts, sign: 1 | -1 = 1): void {
    this.addLow(other.#low * sign);
    this.sum += other.sum * sign;
    for (let group = 0; group < GROUPS; group += 1) {
      const cells = other.#groups[group];
      if (cells !== null && cells !== undefined) this.addGroup(group, cells, 0, sign);
    }
  }

  forEachBucket(visit: (lower: number, upper: number, count: number) => void): void {
    if (this.#low > 0) visit(0, LOW_BOUND, this.#low);
    for (let group = 0; group < GROUPS; group += 1) {
      const cells = this.#groups[group];
      if (cells === null || cells === undefined) continue;
      for (let position = 0; position < GROUP_SLOTS; position += 1) {
        const count = cells[position]!;
        if (count === 0) continue;
        const slot = group * GROUP_SLOTS + position;
        visit(lowerBound(slot), lowerBound(slot + 1), count);
      }
    }
  }

  quantiles(fractions: readonly number[]): number[] {
    const result = fractions.map(() => NaN);
    let before = 0;
    let next = 0;
    this.forEachBucket((lower, upper, count) => {
      const until = before + count;
      while (next < fractions.length && fractions[next]! * this.#count <= until) {
        const share = (fractions[next]! * this.#count - before) / count;
        // The lowest bucket stands for zero: most of what is in it was not measurable.
        result[next] = upper === LOW_BOUND ? 0 : lower + share * (upper - lower);
        next += 1;
      }
      before = until;
    });
    return result;
  }

  countsAtOrBelow(bounds: readonly number[]): number[] {
    const result = bounds.map(() => this.#count);
    let before = 0;
    let next = 0;
    this.forEachBucket((lower, upper, count) => {
      while (next < bounds.length && bounds[next]! < upper) {
        const share = Math.max(0, (bounds[next]! - lower) / (upper - lower));
        result[next] = before + Math.floor(count * share);
        next += 1;
      }
      before += count;
    });
    return result;
  }
}
