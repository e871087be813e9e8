/**
 * The router's counters of one cluster (`cluster.<name>.…`), looked up once per cluster and worker.
 *
 * Counters of status codes are made when a code is first seen. The pool keeps what it knows best: requests total and active,
 * its queue, cancelled ones, connections (`upstream/cluster-stats.ts`). Here is what needs an answer or its absence.
 */
import type { Counter, Histogram, StatsScope } from '../api/stats.ts';
import type { ThreadLocalCluster } from '../api/upstream.ts';

const CODES_END = 600;

export class ClusterStats {
  readonly rqTime: Histogram;
  readonly rqTimeout: Counter;
  readonly rqPerTryTimeout: Counter;
  readonly rqPerTryIdleTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  readonly rqRetry: Counter;
  readonly rqRetrySuccess: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetryLimitExceeded: Counter;
  readonly rqRetryBackoffExponential: Counter;
  readonly rqRetryBackoffRatelimited: Counter;
  /** Ours: retries of the idle-close race (see `retry-state.ts`); each is in `upstream_rq_retry` too. */
  readonly rqRetryIdleClose: Counter;
  readonly retryAbandoned: Counter;
  readonly flowPausedReading: Counter;
  readonly flowResumedReading: Counter;
  /** Life of an exchange in ms, from the cluster's HTTP options; 0 = off. */
  readonly maxStreamDurationMs: number;
  /** Null: `dynamic_stats` is off. */
  readonly #final: CodeStats | null;
  readonly #retried: CodeStats | null;

  constructor(cluster: ThreadLocalCluster, dynamic: boolean) {
    const scope = cluster.info.stats;
    const counter = (name: string): Counter => scope.counter(name);
    this.rqTime = scope.histogram('upstream_rq_time');
    this.rqTimeout = counter('upstream_rq_timeout');
    this.rqPerTryTimeout = counter('upstream_rq_per_try_timeout');
    this.rqPerTryIdleTimeout = counter('upstream_rq_per_try_idle_timeout');
    this.rqMaxDurationReached = counter('upstream_rq_max_duration_reached');
    this.rqRxReset = counter('upstream_rq_rx_reset');
    this.rqTxReset = counter('upstream_rq_tx_reset');
    this.rqRetry = counter('upstream_rq_retry');
    this.rqRetrySuccess = counter('upstream_rq_retry_success');
    this.rqRetryOverflow = counter('upstream_rq_retry_overflow');
    this.rqRetryLimitExceeded = counter('upstream_rq_retry_limit_exceeded');
    this.rqRetryBackoffExponential = counter('upstream_rq_retry_backoff_exponential');
    this.rqRetryBackoffRatelimited = counter('upstream_rq_retry_backoff_ratelimited');
    this.rqRetryIdleClose = counter('upstream_rq_retry_idle_close');
    this.retryAbandoned = counter('retry_or_shadow_abandoned');
    this.flowPausedReading = counter('upstream_flow_control_paused_reading_total');
    this.flowResumedReading = counter('upstream_flow_control_resumed_reading_total');
    this.maxStreamDurationMs = maxStreamDuration(cluster);
    this.#final = dynamic ? new CodeStats(scope) : null;
    this.#retried = dynamic ? new CodeStats(scope.scope('retry')) : null;
  }

  /** A status that was the request's answer. */
  chargeCode(status: number): void {
    this.#final?.charge(status);
  }

  /** A status that was retried away. */
  chargeRetriedCode(status: number): void {
    this.#retried?.charge(status);
  }
}

class CodeStats {
  readonly #scope: StatsScope;
  readonly #completed: Counter;
  readonly #classes: (Counter | undefined)[] = [];
  readonly #codes: (Counter | undefined)[] = [];

  constructor(scope: StatsScope) {
    this.#scope = scope;
    this.#completed = scope.counter('upstream_rq_completed');
    for (let first = 0; first < CODES_END / 100; first += 1) this.#classes.push(undefined);
  }

  charge(status: number): void {
    this.#completed.inc();
    const first = Math.trunc(status / 100);
    (this.#classes[first] ??= this.#scope.counter(`upstream_rq_${first}xx`)).inc();
    (this.#codes[status] ??= this.#scope.counter(`upstream_rq_${status}`)).inc();
  }
}

/** Protocol options stand behind an `Any`; only the one field is looked at. */
function maxStreamDuration(cluster: ThreadLocalCluster): number {
  const options = cluster.info.config.typed_extension_protocol_options;
  const http: unknown = options?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];
  const common =
    field(http, 'common_http_protocol_options') ?? cluster.info.config.common_http_protocol_options;
  const duration = field(common, 'max_stream_duration');
  return typeof duration === 'number' ? duration : 0;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Finds a cluster's counters; the last cluster asked for is found without a look-up. */
export class ClusterStatsCache {
  readonly #known = new WeakMap<ThreadLocalCluster, ClusterStats>();
  readonly #dynamic: boolean;
  #lastCluster: ThreadLocalCluster | null = null;
  #last: ClusterStats | null = null;

  constructor(dynamic: boolean) {
    this.#dynamic = dynamic;
  }

  of(cluster: ThreadLocalCluster): ClusterStats {
    if (this.#last !== null && this.#lastCluster === cluster) return this.#last;
    let stats = this.#known.get(cluster);
    if (stats === undefined) {
      stats = new ClusterStats(cluster, this.#dynamic);
      this.#known.set(cluster, stats);
    }
    this.#lastCluster = cluster;
    this.#last = stats;
    return stats;
  }
}
