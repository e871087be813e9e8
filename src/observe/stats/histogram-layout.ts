/**
 * Shape of a histogram in a slab: log-linear buckets, 16 to each power of two, so that no bucket is wider than 1/16 (6.25 %)
 * of its lower bound, near the two decimal digits of Envoy's histograms.
 *
 * A bucket is `(lower, upper]`: an integer that is an upper bound (5, 10, 1000) is counted at or below itself, as a Prometheus
 * `le` wants it. The slot of a value is read off the bits of the double (exponent and the top four bits of the mantissa),
 * so a record costs no logarithm. Slots come in groups of 64 (four powers of two); a group takes memory when its first value
 * comes.
 *
 *   head: | count | sum | low | group 0 | ... | group 11 | -      group cell: 0 = none, else 1 + cell number in the thread's slabs
 */

/** Values up to 2^-8 (0.004) count as zero: 4 µs in a histogram of ms. */
const LOWEST_EXPONENT = -8;
/** Up to 2^40: 34 years in ms, 1 TiB in bytes. Larger values count in the last bucket. */
const OCTAVES = 48;
const BUCKETS_PER_OCTAVE = 16;
const DOUBLE_BIAS = 1023;
const BASE = (DOUBLE_BIAS + LOWEST_EXPONENT) * BUCKETS_PER_OCTAVE;

export const SLOTS = OCTAVES * BUCKETS_PER_OCTAVE;
export const GROUP_SLOTS = 64;
export const GROUP_SHIFT = 6;
export const GROUPS = SLOTS / GROUP_SLOTS;
/** Largest value that a bucket can tell: 2^40. */
export const LARGEST_VALUE = 2 ** (LOWEST_EXPONENT + OCTAVES);
/** Values at or below it are in no slot but in the `low` cell. */
export const LOW_BOUND = 2 ** LOWEST_EXPONENT;

export const HEAD_COUNT = 0;
export const HEAD_SUM = 1;
export const HEAD_LOW = 2;
export const HEAD_GROUPS = 3;
export const HEAD_CELLS = HEAD_GROUPS + GROUPS + 1;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
double[0] = 1;
const HIGH = words[1] === 0 ? 0 : 1;
const LOW = 1 - HIGH;

/** Slot of a positive, finite value; negative for one in the `low` cell. At most `LARGEST_VALUE` gives a slot below `SLOTS`. */
export function slotOf(value: number): number {
  double[0] = value;
  // Bits minus one, so that an upper bound falls below itself: the borrow reaches the high word only if the low one is zero.
  const high = words[LOW] === 0 ? words[HIGH]! - 1 : words[HIGH]!;
  return (high >>> 16) - BASE;
}

/** Exclusive lower bound of a slot; its upper bound is the lower one of the next slot. */
export function lowerBound(slot: number): number {
  const octave = Math.floor(slot / BUCKETS_PER_OCTAVE);
  return 2 ** (octave + LOWEST_EXPONENT) * (1 + (slot % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE);
}
