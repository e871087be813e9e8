/**
 * Is it the mesh? What two samples of the same service, with and without the proxy, allow to be said.
 *
 * Quantiles come with the interval that holds the true one in 95 of 100 runs (order statistics, no assumption about the shape). The
 * proxy is blamed only when even the nearest ends of both intervals are further apart than what is tolerated, so noise blames nobody.
 */
import type { Sample } from './bisect-samples.ts';

export interface Quantile {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Quantiles {
  readonly p50: Quantile;
  readonly p90: Quantile;
  readonly p99: Quantile;
}

export type QuantileName = keyof Quantiles;

/** What a way takes longer than the direct one. */
export interface Added {
  readonly value: number;
  /** At least, and at most. */
  readonly low: number;
  readonly high: number;
}

export interface WayResult {
  readonly sample: Sample;
  /** Null: no request was answered. */
  readonly quantiles: Quantiles | null;
  /** Against the direct way; null for that one itself. */
  readonly added: Readonly<Record<QuantileName, Added>> | null;
  /** The proxy's share of the time is above the tolerated, at this quantile; '' = no. */
  readonly slowAt: '' | QuantileName;
  /** It fails, and the direct way does not, or far less. */
  readonly failsMore: boolean;
}

export type Blame = 'mesh' | 'service' | 'both' | 'neither' | 'unknown';

export interface BisectResult {
  readonly direct: WayResult;
  /** `through`, and `through2` when given. */
  readonly others: readonly WayResult[];
  readonly serviceSlow: boolean;
  readonly serviceFails: boolean;
  readonly blame: Blame;
}

export interface Tolerance {
  /** What the proxy may add; ms. */
  readonly addedMs: number;
  /** What the service may take; ms. */
  readonly slowMs: number;
}

/** Of the normal distribution, for 95 of 100. */
const Z = 1.96;
/** The tail is judged by it only with so many requests. */
const ENOUGH_FOR_P90 = 50;
/** Fewer than that are not told from chance. */
const FEW_ERRORS = 3;

export function judge(samples: readonly Sample[], tolerance: Tolerance): BisectResult | null {
  const [first, ...rest] = samples;
  if (first === undefined) return null;
  const direct: WayResult = {
    sample: first,
    quantiles: quantilesOf(first.latencies),
    added: null,
    slowAt: '',
    failsMore: false,
  };
  const others = rest.map((sample) => compared(sample, direct, tolerance.addedMs));
  const serviceSlow = (direct.quantiles?.p50.low ?? 0) > tolerance.slowMs;
  const serviceFails = first.errors >= FEW_ERRORS || (first.requests > 0 && first.errors === first.requests);
  const through = others[0];
  const mesh = through !== undefined && (through.slowAt !== '' || through.failsMore);
  const service = serviceSlow || serviceFails;
  const measured = first.requests > 0 && through !== undefined && through.sample.requests > 0;
  const blame = !measured ? 'unknown' : mesh ? (service ? 'both' : 'mesh') : service ? 'service' : 'neither';
  return { direct, others, serviceSlow, serviceFails, blame };
}

function compared(sample: Sample, direct: WayResult, addedMs: number): WayResult {
  const quantiles = quantilesOf(sample.latencies);
  const base = direct.quantiles;
  const failsMore = failShareLow(sample, direct.sample) > 0 && sample.errors >= FEW_ERRORS;
  if (quantiles === null || base === null) return { sample, quantiles, added: null, slowAt: '', failsMore };
  const added = {
    p50: difference(quantiles.p50, base.p50),
    p90: difference(quantiles.p90, base.p90),
    p99: difference(quantiles.p99, base.p99),
  };
  const tail = sample.latencies.length >= ENOUGH_FOR_P90 && added.p90.low > addedMs;
  const slowAt = added.p50.low > addedMs ? 'p50' : tail ? 'p90' : '';
  return { sample, quantiles, added, slowAt, failsMore };
}

function difference(one: Quantile, base: Quantile): Added {
  return { value: one.value - base.value, low: one.low - base.high, high: one.high - base.low };
}

export function quantilesOf(ascending: readonly number[]): Quantiles | null {
  if (ascending.length === 0) return null;
  const at = (share: number): Quantile => quantile(ascending, share);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** By rank: how many of n lie below the true quantile is binomial. Where the sample is too small, its ends are the interval's. */
function quantile(ascending: readonly number[], share: number): Quantile {
  const count = ascending.length;
  const spread = Z * Math.sqrt(count * share * (1 - share));
  const pick = (rank: number): number => ascending[Math.min(count - 1, Math.max(0, rank))] ?? 0;
  const middle = count * share;
  return {
    value: pick(Math.ceil(middle) - 1),
    low: pick(Math.floor(middle - spread) - 1),
    high: pick(Math.ceil(middle + spread)),
  };
}

/** Lower end of the interval of the difference of both shares of errors (Newcombe's, from Wilson's). */
function failShareLow(one: Sample, base: Sample): number {
  if (one.requests === 0 || base.requests === 0) return 0;
  const [a, b] = [wilson(one), wilson(base)];
  return a.share - b.share - Math.sqrt((a.share - a.low) ** 2 + (b.high - b.share) ** 2);
}

function wilson({ errors, requests }: Sample): { share: number; low: number; high: number } {
  const share = errors / requests;
  const z2 = Z * Z;
  const centre = share + z2 / (2 * requests);
  const half = Z * Math.sqrt((share * (1 - share)) / requests + z2 / (4 * requests * requests));
  const scale = 1 + z2 / requests;
  return { share, low: (centre - half) / scale, high: (centre + half) / scale };
}
