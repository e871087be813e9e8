/** One `tcp_proxy` configuration, read once per filter chain and worker: clusters, limits, statistics, logs. */
import type { TcpProxy } from '../../../api/envoy.ts';
import type { NetworkFilterContext } from '../../../api/network.ts';
import type { AccessLogs } from '../../../api/observe.ts';
import type { Counter } from '../../../api/stats.ts';

/** Envoy's default: one hour without a byte in either direction. */
const IDLE_TIMEOUT_MS = 3_600_000;

export class TcpProxySettings {
  readonly context: NetworkFilterContext;
  /** 0 = none. */
  readonly idleTimeoutMs: number;
  readonly maxConnectAttempts: number;
  /** Whole life of the downstream connection in ms; 0 = unlimited. */
  readonly maxDurationMs: number;
  readonly logs: AccessLogs;
  readonly stats: TcpProxyStats;
  readonly #names: readonly string[];
  /** Running sums of the weights; one cluster has a weight of 1. */
  readonly #bounds: readonly number[];

  constructor(config: TcpProxy, context: NetworkFilterContext) {
    this.context = context;
    this.idleTimeoutMs = config.idle_timeout ?? IDLE_TIMEOUT_MS;
    this.maxConnectAttempts = config.max_connect_attempts ?? 1;
    this.maxDurationMs = config.max_downstream_connection_duration ?? 0;
    this.logs = context.accessLogs(config.access_log ?? []);
    this.stats = new TcpProxyStats(context, config.stat_prefix ?? '');
    const weighted = config.weighted_clusters?.clusters ?? [{ name: config.cluster ?? '', weight: 1 }];
    this.#names = weighted.map((each) => each.name ?? '');
    let sum = 0;
    this.#bounds = weighted.map((each) => (sum += each.weight ?? 0));
  }

  /** The cluster of a new connection; `random` uniform in [0, 1). */
  pickCluster(random: number): string {
    const point = random * (this.#bounds.at(-1) ?? 0);
    const index = this.#bounds.findIndex((bound) => point < bound);
    return this.#names[Math.max(0, index)] ?? '';
  }
}

export class TcpProxyStats {
  readonly total: Counter;
  readonly noRoute: Counter;
  readonly sentBytes: Counter;
  readonly receivedBytes: Counter;
  readonly paused: Counter;
  readonly resumed: Counter;
  readonly idleTimeout: Counter;
  readonly maxDuration: Counter;

  constructor(context: NetworkFilterContext, prefix: string) {
    const scope = context.stats.scope('tcp').scope(prefix);
    this.total = scope.counter('downstream_cx_total');
    this.noRoute = scope.counter('downstream_cx_no_route');
    this.sentBytes = scope.counter('downstream_cx_tx_bytes_total');
    this.receivedBytes = scope.counter('downstream_cx_rx_bytes_total');
    this.paused = scope.counter('downstream_flow_control_paused_reading_total');
    this.resumed = scope.counter('downstream_flow_control_resumed_reading_total');
    this.idleTimeout = scope.counter('idle_timeout');
    this.maxDuration = scope.counter('max_downstream_connection_duration');
  }
}
