/**
 * The log over time: at most `MOST_SLICES` slices of equal width, which doubles when they would be more; so the span of a log need not
 * be known, and a line with a date of its own costs one slice.
 */
import { BucketSums } from './buckets.ts';
import type { TimeSlice } from './report.ts';
import type { LineFacts } from './scan/line-facts.ts';
import type { NameTable } from './scan/name-table.ts';
import { SegmentSums } from './segment-sums.ts';

const MOST_SLICES = 120;
const FIRST_WIDTH_US = 100_000;

class Slice {
  requests = 0;
  failures = 0;
  readonly latencies = new BucketSums();
  readonly segments = new SegmentSums();

  merge(other: Slice): void {
    this.requests += other.requests;
    this.failures += other.failures;
    this.latencies.merge(other.latencies);
    this.segments.merge(other.segments);
  }
}

export class TimeSlices {
  #widthUs = FIRST_WIDTH_US;
  #slices = new Map<number, Slice>();
  /** The slice of the line before: mostly this one's. */
  #recentIndex = -1;
  #recent = new Slice();

  add(facts: LineFacts): void {
    if (facts.startUs < 0) return;
    let index = Math.floor(facts.startUs / this.#widthUs);
    if (index !== this.#recentIndex) {
      const known = this.#slices.get(index) ?? new Slice();
      this.#slices.set(index, known);
      while (this.#slices.size > MOST_SLICES) this.#widen();
      index = Math.floor(facts.startUs / this.#widthUs);
      this.#recentIndex = index;
      this.#recent = this.#slices.get(index) ?? known;
    }
    const slice = this.#recent;
    slice.requests += 1;
    if (facts.code >= 500 || facts.flagsId !== 0) slice.failures += 1;
    slice.latencies.add(facts.bucket, facts.latencyUs);
    slice.segments.add(facts);
  }

  #widen(): void {
    const wider = new Map<number, Slice>();
    for (const [index, slice] of this.#slices) {
      const half = Math.floor(index / 2);
      const other = wider.get(half);
      if (other === undefined) wider.set(half, slice);
      else other.merge(slice);
    }
    this.#slices = wider;
    this.#widthUs *= 2;
  }

  /** By time; slices without requests are left out. */
  slices(filters: NameTable): TimeSlice[] {
    return [...this.#slices]
      .sort(([a], [b]) => a - b)
      .map(([index, { requests, failures, latencies, segments }]) => ({
        startUs: index * this.#widthUs,
        requests,
        failures,
        p50: Math.round(latencies.mean(latencies.quantileBucket(0.5))),
        p99: Math.round(latencies.mean(latencies.quantileBucket(0.99))),
        segments: segments.totals(filters),
      }));
  }
}
