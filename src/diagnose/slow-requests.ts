/**
 * From where on a request is slow: three times the median; or the median, where fewer than `LEAST_SLOW_SHARE` reach that (all of them are
 * slow then, and their slower half is looked at); and no less than `LEAST_SLOW_US`. `--slow-ms` says it instead.
 */
import { BUCKETS, type Buckets, type BucketSums } from './buckets.ts';
import type { LatencyBucket, Percentiles } from './report.ts';

export const LEAST_SLOW_US = 20_000;
const MEDIANS = 3;
const LEAST_SLOW_SHARE = 0.05;

/** First bucket of slow requests. */
export function slowBucket(latencies: BucketSums, buckets: Buckets, slowUs: number | null): number {
  if (slowUs !== null) return buckets.of(slowUs);
  const median = latencies.quantileBucket(0.5);
  const far = buckets.of(latencies.mean(median) * MEDIANS);
  const reached = latencies.countFrom(far) >= latencies.countFrom(0) * LEAST_SLOW_SHARE;
  return Math.max(reached ? far : median, buckets.of(LEAST_SLOW_US));
}

export function slowRule(slowUs: number | null): string {
  return slowUs === null
    ? 'three times the median, or the median where hardly any request reaches that; at least 20 ms'
    : 'as --slow-ms says';
}

export function percentilesOf(latencies: BucketSums, maxUs: number): Percentiles {
  const at = (share: number): number =>
    Math.min(maxUs, Math.round(latencies.mean(latencies.quantileBucket(share))));
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: maxUs };
}

export function histogramOf(latencies: BucketSums, buckets: Buckets): LatencyBucket[] {
  const histogram: LatencyBucket[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const count = latencies.count(bucket);
    if (count > 0) histogram.push({ upToUs: Math.round(buckets.from(bucket + 1)), count });
  }
  return histogram;
}
