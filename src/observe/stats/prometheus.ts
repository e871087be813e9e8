/**
 * The Prometheus exposition (text 0.0.4) of the merged statistics, written by prom-client: each family is a metric of its
 * registry whose values are read when the registry collects it, so that no number is kept twice.
 *
 * Main thread, at a scrape. Families are written one at a time with a turn of the loop between, because a mesh of thousands
 * of clusters would hold main for 100 ms otherwise. Owns the cache of extracted names.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HistogramView, ScalarView, StatsView } from '../../api/stats.ts';
import { unreachable } from '../../base/invariant.ts';
import { TagExtraction } from './tag-extraction.ts';

/** ms; `envoy-reference.md` section 6. Also used for plain numbers and µs, as in Envoy. */
export const BUCKET_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000,
  3600000,
];

export const PROMETHEUS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly value: number;
  readonly labels: Labels;
  readonly metricName?: string;
}
interface HistogramSeries {
  readonly view: HistogramView;
  readonly labels: Labels;
}
type AnyView = ScalarView | HistogramView;

interface Family {
  readonly name: string;
  readonly type: AnyView['type'];
  /** Of counters and gauges: taken at once, so that the views can go. */
  readonly samples: Sample[];
  readonly histograms: HistogramSeries[];
  /** Labels as text, of what the family has already. */
  readonly taken: Set<string>;
}

/** What prom-client asks a metric for; the three classes below answer from the merged view instead of their own table. */
function collected(family: Family, values: Sample[]) {
  const { name, type } = family;
  // The package's types call the two fields enumerations; at run time they are these strings.
  return {
    name,
    help: helpOf(family),
    type: type as never,
    aggregator: 'sum' as never,
    collect: noCollect,
    values,
  };
}

function noCollect(): void {}

function helpOf(family: Family): string {
  return `${family.type} of the proxy`;
}

class CounterFamily extends Counter {
  readonly #family: Family;

  constructor(family: Family) {
    super({ name: family.name, help: helpOf(family), registers: [] });
    this.#family = family;
  }

  override get() {
    return Promise.resolve(collected(this.#family, this.#family.samples));
  }
}

class GaugeFamily extends Gauge {
  readonly #family: Family;

  constructor(family: Family) {
    super({ name: family.name, help: helpOf(family), registers: [] });
    this.#family = family;
  }

  override get() {
    return Promise.resolve(collected(this.#family, this.#family.samples));
  }
}

class HistogramFamily extends Histogram {
  readonly #family: Family;

  constructor(family: Family) {
    super({ name: family.name, help: helpOf(family), registers: [], buckets: [...BUCKET_BOUNDS] });
    this.#family = family;
  }

  override get() {
    return Promise.resolve(collected(this.#family, histogramSamples(this.#family)));
  }

  /** The registry prefers this one for histograms. */
  getForPromString() {
    return this.get();
  }
}

function histogramSamples(family: Family): Sample[] {
  const samples: Sample[] = [];
  const { name } = family;
  for (const { view, labels } of family.histograms) {
    const { cumulative } = view;
    const counts = cumulative.countsAtOrBelow(BUCKET_BOUNDS);
    counts.forEach((value, index) => {
      const le = String(BUCKET_BOUNDS[index]);
      samples.push({ value, labels: { ...labels, le }, metricName: `${name}_bucket` });
    });
    samples.push({
      value: cumulative.count,
      labels: { ...labels, le: '+Inf' },
      metricName: `${name}_bucket`,
    });
    samples.push({ value: cumulative.sum, labels, metricName: `${name}_sum` });
    samples.push({ value: cumulative.count, labels, metricName: `${name}_count` });
  }
  return samples;
}

export interface PrometheusSelection {
  readonly usedOnly?: boolean;
  /** On the stat name before extraction. */
  readonly accepts?: (statName: string) => boolean;
}

export class PrometheusText {
  readonly #view: StatsView;
  readonly #tags = new TagExtraction();

  constructor(view: StatsView) {
    this.#view = view;
  }

  /** The exposition, one piece per family. Refreshes the view first. */
  async *pieces(selection: PrometheusSelection = {}): AsyncGenerator<string> {
    this.#view.refresh();
    const registry = new Registry();
    const families = this.#families(selection);
    for (const family of families) registry.registerMetric(metricOf(family));
    for (const family of families) {
      yield `${await registry.getSingleMetricAsString(family.name)}\n`;
      await nextTurn();
    }
  }

  #families(selection: PrometheusSelection): Family[] {
    const families = new Map<string, Family>();
    const labelTexts = new LabelTexts();
    const add = (view: AnyView): void => {
      if (view.hidden || (selection.usedOnly === true && !view.used)) return;
      if (selection.accepts !== undefined && !selection.accepts(view.name)) return;
      const { name, labels } = this.#tags.tagged(view.name, view.tagEnd);
      let family = families.get(name);
      // One name has one type in the exposition; two stats that differ only by characters it lacks would be one series.
      if (family !== undefined && family.type !== view.type) return;
      if (family === undefined) {
        family = { name, type: view.type, samples: [], histograms: [], taken: new Set() };
        families.set(name, family);
      }
      const text = labelTexts.of(labels);
      if (family.taken.has(text)) return;
      family.taken.add(text);
      if (view.type === 'histogram') family.histograms.push({ view, labels });
      else family.samples.push({ value: view.value, labels });
    };
    this.#view.counters().forEach(add);
    this.#view.gauges().forEach(add);
    this.#view.histograms().forEach(add);
    return [...families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Metrics of one cluster come one after the other and share their labels: they are written out once. */
class LabelTexts {
  #last: Labels = {};
  #text = '{}';

  of(labels: Labels): string {
    if (labels !== this.#last) {
      this.#last = labels;
      this.#text = JSON.stringify(labels);
    }
    return this.#text;
  }
}

function metricOf(family: Family): Counter | Gauge | Histogram {
  switch (family.type) {
    case 'counter':
      return new CounterFamily(family);
    case 'gauge':
      return new GaugeFamily(family);
    case 'histogram':
      return new HistogramFamily(family);
    default:
      return unreachable(family.type);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
