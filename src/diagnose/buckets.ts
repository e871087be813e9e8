/**
 * Latencies in buckets of a sixteenth of an octave (4.4 % wide), one edge exactly at `EDGE_US`; so that sums "of all requests slower
 * than" can be had for a threshold that is only chosen when all lines have been read, in memory that no file's size changes.
 */
const PER_OCTAVE = 16;
/** Below the edge: down to 20 ms / 2^15, less than a microsecond. */
const OCTAVES_BELOW = 15;
const OCTAVES_ABOVE = 22;
export const BUCKETS = (OCTAVES_BELOW + OCTAVES_ABOVE) * PER_OCTAVE;

export class Buckets {
  readonly #edgeUs: number;

  /** `edgeUs`: a latency that begins a bucket. */
  constructor(edgeUs: number) {
    this.#edgeUs = edgeUs;
  }

  of(us: number): number {
    const bucket = Math.floor(Math.log2(us / this.#edgeUs) * PER_OCTAVE) + OCTAVES_BELOW * PER_OCTAVE;
    if (!(bucket > 0)) return 0;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
  }

  /** Smallest latency of the bucket. */
  from(bucket: number): number {
    return this.#edgeUs * 2 ** (bucket / PER_OCTAVE - OCTAVES_BELOW);
  }
}

/** Counts and sums per bucket. */
export class BucketSums {
  readonly #counts = new Float64Array(BUCKETS);
  readonly #us = new Float64Array(BUCKETS);

  add(bucket: number, us: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#us[bucket] = (this.#us[bucket] ?? 0) + us;
  }

  merge(other: BucketSums): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
      this.#us[bucket] = (this.#us[bucket] ?? 0) + (other.#us[bucket] ?? 0);
    }
  }

  /** Of the bucket and all above. */
  countFrom(bucket: number): number {
    return sum(this.#counts, bucket);
  }

  usFrom(bucket: number): number {
    return sum(this.#us, bucket);
  }

  count(bucket: number): number {
    return this.#counts[bucket] ?? 0;
  }

  /** Mean of the sums in a bucket: near a single request exact. */
  mean(bucket: number): number {
    const count = this.#counts[bucket] ?? 0;
    return count === 0 ? 0 : (this.#us[bucket] ?? 0) / count;
  }

  /** Bucket of the request that `share` (0 to 1) of all are not slower than; 0 without any. */
  quantileBucket(share: number): number {
    const rank = Math.max(1, Math.ceil(this.countFrom(0) * share));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return bucket;
    }
    return 0;
  }
}

function sum(values: Float64Array, from: number): number {
  let total = 0;
  for (let index = from; index < values.length; index += 1) total += values[index] ?? 0;
  return total;
}
