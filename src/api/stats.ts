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
  gauge(name: string): Gauge;
  /** `unit` is `ms`, `us` or `` (a plain number); the name carries it as in Envoy. */
  histogram(name: string): Histogram;
  /** A scope whose names start with `prefix.`. */
  scope(prefix: string): StatsScope;
}
