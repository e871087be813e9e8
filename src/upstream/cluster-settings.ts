/**
 * What a cluster's configuration says about its connections, read once with Envoy's defaults filled in.
 *
 * Protocol options stand in one of two places: `typed_extension_protocol_options` (today) or the cluster itself (deprecated,
 * but in most samples). Times are ms, 0 = off.
 */
import type { Address } from '../api/socket.ts';
import type { Cluster, CommonHttpProtocolOptions, TcpKeepalive } from '../api/envoy.ts';
import type { ReadFilter } from '../api/network.ts';
import type { ClusterInfo } from '../api/upstream.ts';
import type { StatsScope } from '../api/stats.ts';
import { ClusterStats } from './cluster-stats.ts';
import { socketAddressOf } from './endpoint-address.ts';

/** Envoy's defaults: `envoy-reference.md` 8. */
const CONNECT_TIMEOUT_MS = 5000;
const IDLE_TIMEOUT_MS = 3_600_000;
const BUFFER_LIMIT_BYTES = 1024 * 1024;

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export interface KeepAlive {
  readonly probes: number;
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
}

export class ClusterSettings implements ClusterInfo {
  readonly name: string;
  readonly observabilityName: string;
  readonly config: Cluster;
  readonly stats: StatsScope;
  readonly counters: ClusterStats;
  readonly connectTimeoutMs: number;
  readonly bufferLimitBytes: number;
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  /** 0 = no limit. */
  readonly maxRequestsPerConnection: number;
  readonly keepAlive: KeepAlive | null;
  readonly from: Address | null;
  /** Make the network filters of each connection, in order. */
  readonly filters: readonly (() => ReadFilter)[];

  /** `stats` is the root scope. */
  constructor(name: string, config: Cluster, stats: StatsScope, filters: readonly (() => ReadFilter)[] = []) {
    const common = commonOptionsOf(config);
    const bindTo = config.upstream_bind_config?.source_address;
    this.name = name;
    this.observabilityName = config.alt_stat_name ?? name;
    this.config = config;
    this.stats = stats.scope('cluster').scope(this.observabilityName);
    this.counters = new ClusterStats(this.stats);
    this.connectTimeoutMs = config.connect_timeout ?? CONNECT_TIMEOUT_MS;
    this.bufferLimitBytes = config.per_connection_buffer_limit_bytes ?? BUFFER_LIMIT_BYTES;
    this.idleTimeoutMs = common?.idle_timeout ?? IDLE_TIMEOUT_MS;
    this.maxConnectionDurationMs = common?.max_connection_duration ?? 0;
    this.maxRequestsPerConnection =
      common?.max_requests_per_connection ?? config.max_requests_per_connection ?? 0;
    this.keepAlive = keepAliveOf(config.upstream_connection_options?.tcp_keepalive);
    this.filters = filters;
    this.from = bindTo === undefined ? null : socketAddressOf(bindTo);
  }
}

function commonOptionsOf(config: Cluster): CommonHttpProtocolOptions | undefined {
  const typed = config.typed_extension_protocol_options?.[HTTP_OPTIONS];
  if (typed?.['@type'] === HTTP_OPTIONS && typed.common_http_protocol_options !== undefined) {
    return typed.common_http_protocol_options;
  }
  return config.common_http_protocol_options;
}

function keepAliveOf(config: TcpKeepalive | undefined): KeepAlive | null {
  if (config === undefined) return null;
  return {
    probes: config.keepalive_probes ?? 0,
    idleSeconds: config.keepalive_time ?? 0,
    intervalSeconds: config.keepalive_interval ?? 0,
  };
}
