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
