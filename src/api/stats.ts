/**
 * Statistics. A worker writes plain numbers into its own slab of shared memory; main merges by name. A metric is looked up
 * once, when its owner is made; an update is one array store.
 */
export interface Counter {
  inc(): void;
  add(amount: number): void;
  readonly value: number;
}

export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
  readonly value: number;
}

export interface Histogram {
  record(value: number): void;
}

/** Names are Envoy's, dotted: `cluster.echo.upstream_rq_total`. `:` in a part becomes `_`. */
export interface StatsScope {
  counter(name: string): Counter;
  /** `merge`: how main joins the threads' values (default `sum`; `max` for what is the same everywhere, like a version). */
  gauge(name: string, merge?: 'sum' | 'max'): Gauge;
  /** `unit` is `ms`, `us` or `` (a plain number); the name carries it as in Envoy. */
  histogram(name: string): Histogram;
  /**
   * A scope whose names start with `prefix.`. Give a configured name its own call (`scope('cluster.a.b')` or
   * `scope('cluster').scope('a.b')`): tags are cut at the end of the first scope that has a dot.
   */
  scope(prefix: string): StatsScope;
}

/** A merged counter or gauge as of the last refresh. */
export interface ScalarView {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly value: number;
  /** It was other than 0 at some refresh. */
  readonly used: boolean;
  readonly hidden: boolean;
  /** See `MetricDescription.tagEnd`; 0 = not known. */
  readonly tagEnd: number;
}

/** Values of a histogram, merged over the threads. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Value at each of the given fractions (0 to 1), within 6.25 %; NaN for all when there is no value. */
  quantiles(fractions: readonly number[]): number[];
  /** Number of values at or below each bound (ascending), interpolated inside a bucket. */
  countsAtOrBelow(bounds: readonly number[]): number[];
  /** Non-empty buckets `(lower, upper]` in ascending order. */
  forEachBucket(visit: (lower: number, upper: number, count: number) => void): void;
}

export interface HistogramView {
  readonly name: string;
  readonly type: 'histogram';
  readonly hidden: boolean;
  readonly tagEnd: number;
  readonly used: boolean;
  /** The last complete flush interval. */
  readonly interval: Distribution;
  /** Since the start of the process. */
  readonly cumulative: Distribution;
}

/**
 * Numbers that are no metrics until somebody reads them: their owner on main keeps them in a form of its own, for what is there in
 * tens of thousands and read rarely.
 */
export interface ComputedStats {
  /** Each refresh: time to remember what is other than 0 now, for `used`. Costs next to nothing for what nobody uses. */
  refresh(): void;
  /** Views of this moment, best in order of their names; nobody keeps them. */
  counters(): Iterable<ScalarView>;
  gauges(): Iterable<ScalarView>;
  resetCounters(): void;
}

/** What main knows of all threads' statistics: read by the admin server. Lists are sorted by name, and used at once: what is computed has the value of the call. */
export interface StatsView {
  /** Reads all threads now. Counters are exact for what the threads had stored before the call. */
  refresh(): void;
  counters(): readonly ScalarView[];
  gauges(): readonly ScalarView[];
  histograms(): readonly HistogramView[];
}
