/**
 * The histogram forms of `/stats`: quantiles (`summary`, the default), Envoy's fixed buckets (`cumulative`, `disjoint`), and
 * every bucket that is in use (`detailed`). Text shows `(interval,cumulative)`; JSON has `null` where the interval is empty.
 */
import type { Distribution, HistogramView } from '../../api/stats.ts';
import { BUCKET_BOUNDS } from '../../observe/stats/prometheus.ts';

export const HISTOGRAM_MODES = ['summary', 'cumulative', 'disjoint', 'detailed'] as const;
export type HistogramMode = (typeof HISTOGRAM_MODES)[number];

const SUPPORTED_QUANTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];
const FRACTIONS = SUPPORTED_QUANTILES.map((percent) => percent / 100);

export function histogramText(view: HistogramView, mode: HistogramMode): string {
  if (view.cumulative.count === 0) return `${view.name}: No recorded values\n`;
  switch (mode) {
    case 'summary':
      return `${view.name}: ${summaryText(view)}\n`;
    case 'detailed':
      return `${view.name}:\n  totals=${bucketsText(view.cumulative)}\n  intervals=${bucketsText(view.interval)}\n  summary=${summaryText(view)}\n`;
    default:
      return `${view.name}: ${boundsText(view, mode)}\n`;
  }
}

function summaryText(view: HistogramView): string {
  const interval = view.interval.quantiles(FRACTIONS);
  const cumulative = view.cumulative.quantiles(FRACTIONS);
  return SUPPORTED_QUANTILES.map(
    (percent, index) => `P${percent}(${numberText(interval[index]!)},${numberText(cumulative[index]!)})`,
  ).join(' ');
}

function boundsText(view: HistogramView, mode: 'cumulative' | 'disjoint'): string {
  return boundCounts(view, mode)
    .map(({ upper_bound: bound, interval, cumulative }) => `B${bound}(${interval},${cumulative})`)
    .join(' ');
}

function bucketsText(distribution: Distribution): string {
  return buckets(distribution)
    .map(({ lower_bound: lower, width, count }) => `${numberText(lower)},${numberText(width)}:${count}`)
    .join(', ');
}

/** The `histograms` entry of the JSON form. */
export function histogramsJson(views: readonly HistogramView[], mode: HistogramMode): unknown {
  switch (mode) {
    case 'summary':
      return { supported_quantiles: SUPPORTED_QUANTILES, computed_quantiles: views.map(summaryJson) };
    case 'detailed':
      return { supported_percentiles: SUPPORTED_QUANTILES, details: views.map(detailJson) };
    default:
      return views.map((view) => ({ name: view.name, buckets: boundCounts(view, mode) }));
  }
}

function summaryJson(view: HistogramView): unknown {
  return { name: view.name, values: quantilePairs(view) };
}

function detailJson(view: HistogramView): unknown {
  return {
    name: view.name,
    percentiles: quantilePairs(view),
    totals: buckets(view.cumulative),
    intervals: buckets(view.interval),
  };
}

function quantilePairs(view: HistogramView): { interval: number | null; cumulative: number | null }[] {
  const interval = view.interval.quantiles(FRACTIONS);
  const cumulative = view.cumulative.quantiles(FRACTIONS);
  return FRACTIONS.map((_, index) => ({
    interval: numberJson(interval[index]!),
    cumulative: numberJson(cumulative[index]!),
  }));
}

function boundCounts(
  view: HistogramView,
  mode: 'cumulative' | 'disjoint',
): { upper_bound: number; interval: number; cumulative: number }[] {
  const interval = view.interval.countsAtOrBelow(BUCKET_BOUNDS);
  const cumulative = view.cumulative.countsAtOrBelow(BUCKET_BOUNDS);
  const below = (counts: readonly number[], index: number): number =>
    mode === 'disjoint' && index > 0 ? counts[index - 1]! : 0;
  return BUCKET_BOUNDS.map((bound, index) => ({
    upper_bound: bound,
    interval: interval[index]! - below(interval, index),
    cumulative: cumulative[index]! - below(cumulative, index),
  }));
}

function buckets(distribution: Distribution): { lower_bound: number; width: number; count: number }[] {
  const list: { lower_bound: number; width: number; count: number }[] = [];
  distribution.forEachBucket((lower, upper, count) => {
    list.push({ lower_bound: lower, width: upper - lower, count });
  });
  return list;
}

/** Six significant digits, without trailing zeros; what was not measured is `nan`. */
function numberText(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(Number(value.toPrecision(6)));
}

function numberJson(value: number): number | null {
  return Number.isNaN(value) ? null : Number(value.toPrecision(6));
}
