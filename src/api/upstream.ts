/**
 * Upstream: clusters, hosts, balancers, pools. Everything here belongs to one worker; main publishes the snapshots
 * (`ClusterSnapshot`) that it is built from.
 */
import type { Connection } from './network.ts';
import type { Address } from './socket.ts';
import type { HeaderMap, RequestEncoder, ResetReason, ResponseDecoder } from './http.ts';
import type { Cluster as ClusterConfig } from './envoy.ts';
import type { StatsScope } from './stats.ts';

/** One endpoint as main resolved it. What is absent is as on most hosts: '' or 0, the weight 1. */
export interface HostSnapshot {
  readonly address: Address;
  readonly hostname?: string;
  readonly weight?: number;
  readonly priority?: number;
  readonly zone?: string;
  readonly region?: string;
  readonly subZone?: string;
  /** As in `/clusters`: '' = healthy, else `/failed_active_hc/…`. */
  readonly healthFlags?: string;
}

/** A cluster with its resolved hosts: immutable, lives in the slot, decoded by a worker on first use. */
export interface ClusterSnapshot {
  readonly config: ClusterConfig;
  readonly hosts: readonly HostSnapshot[];
  /** Grows with every change of this cluster. */
  readonly version: number;
  /**
   * Row of its circuit breakers in `WorkerOptions.sharedCounters`, from 1; main gives and takes back rows by name. Absent:
   * limits hold per worker.
   */
  readonly breakerIndex?: number;
}

export interface Host {
  readonly address: Address;
  readonly hostname: string;
  readonly cluster: ClusterInfo;
  readonly weight: number;
  readonly healthy: boolean;
  /** Requests (HTTP) or connections (TCP) on it now, of this worker. */
  activeRequests: number;
  readonly stats: HostStats;
}

/** Per host, in the worker's slab; main adds them up for `/clusters`. */
export interface HostStats {
  cxActive: number;
  cxConnectFail: number;
  cxTotal: number;
  rqActive: number;
  rqError: number;
  rqSuccess: number;
  rqTimeout: number;
  rqTotal: number;
}

export interface ClusterInfo {
  readonly name: string;
  /** `alt_stat_name` or the name. */
  readonly observabilityName: string;
  readonly config: ClusterConfig;
  readonly stats: StatsScope;
  readonly connectTimeoutMs: number;
  readonly bufferLimitBytes: number;
}

/** Per cluster, priority and process (shared by all workers): see `envoy-reference.md` 13. */
export interface CircuitBreakers {
  readonly connections: Resource;
  readonly pendingRequests: Resource;
  readonly requests: Resource;
  readonly retries: Resource;
}

export interface Resource {
  canCreate(): boolean;
  inc(): void;
  dec(): void;
}

export type Priority = 'default' | 'high';

export interface LoadBalancerContext {
  /** Hosts already tried by this request, for `previous_hosts`. */
  readonly attempted?: readonly Host[];
  /** How often to choose again when an attempted host came out (`host_selection_retry_max_attempts`); 1 if absent. */
  readonly selectionRetries?: number;
  readonly headers?: HeaderMap;
}

export interface LoadBalancer {
  /** Null: no usable host. */
  choose(context: LoadBalancerContext): Host | null;
}

export type PoolFailureReason =
  'overflow' | 'local connection failure' | 'remote connection failure' | 'connection timeout';

/** Exactly one of the two, never synchronously inside `newStream`… except `overflow`, which may be. */
export interface HttpPoolCallbacks {
  onPoolReady(encoder: RequestEncoder, host: Host, attachment: PoolAttachment): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host): void;
}

/** How the request came to its connection. An object of the connection, good until its next request: copy what you keep. */
export interface PoolAttachment {
  readonly connection: Connection;
  /** Connection that the pool opened because of this request, 0 = none (it need not be the one that carries it). */
  readonly createdConnectionId: number;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  /** The connection carried a request before. */
  readonly reused: boolean;
}

/** A request waiting in a pool's queue. */
export interface PoolTicket {
  cancel(): void;
}

export interface HttpPool {
  /** Null when it was answered synchronously (failure, or an idle connection was there and `onPoolReady` has run). */
  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): PoolTicket | null;
  readonly host: Host;
}

export interface TcpPoolCallbacks {
  onPoolReady(connection: Connection, host: Host, attachment: PoolAttachment): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host): void;
}

export interface TcpPool {
  newConnection(callbacks: TcpPoolCallbacks): PoolTicket | null;
  readonly host: Host;
}

export interface ThreadLocalCluster {
  readonly info: ClusterInfo;
  readonly hosts: readonly Host[];
  breakers(priority: Priority): CircuitBreakers;
  /** Balances, then gives the pool of that host. Null: no healthy host. */
  httpPool(context: LoadBalancerContext, priority: Priority): HttpPool | null;
  tcpPool(context: LoadBalancerContext, priority: Priority): TcpPool | null;
}

export interface ClusterManager {
  /** The current snapshot's cluster of that name, built on first use. Undefined: no such cluster. */
  get(name: string): ThreadLocalCluster | undefined;
  /** Main has published a new snapshot. */
  onSnapshot(): void;
  /** Closes idle connections and, when `hard`, busy ones. */
  drain(hard: boolean): void;
}

/** Why an upstream request died, with the text for `%RESPONSE_CODE_DETAILS%`. */
export interface UpstreamFailure {
  readonly reason: ResetReason;
  readonly transportFailureReason: string;
}
