/**
 * What the admin server asks of the running proxy. The server (`src/server`) implements `AdminContext` in the main thread;
 * the admin only turns the answers into Envoy's texts and JSON. Every promise must settle also while a worker hangs: the
 * implementation answers with what it has after a time limit of its own.
 */
import type { Address } from './socket.ts';
import type { HostStats } from './upstream.ts';
import type { StatsView } from './stats.ts';

/** `DRAINING` also after `/healthcheck/fail`, as in Envoy. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

export interface ServerInfo {
  /** `<name>/<version>/…`, one line. */
  readonly version: string;
  readonly state: ServerState;
  /** ms since this process started, and since the first one of a chain of hot restarts did. */
  readonly uptimeMs: number;
  readonly uptimeAllEpochsMs: number;
  /** `disabled` while there is no hot restart. */
  readonly hotRestartVersion: string;
  /** In proto JSON form: snake_case, durations as `"600s"`, defaults left out. */
  readonly commandLineOptions: Readonly<Record<string, unknown>>;
  /** `Node` in proto JSON form. */
  readonly node: Readonly<Record<string, unknown>>;
}

/** One section of `/config_dump`: proto JSON with its full `@type`, secrets already redacted. */
export type ConfigDumpSection = Readonly<Record<string, unknown>> & { readonly '@type': string };

export interface BreakerThresholds {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

export interface HostStatus {
  readonly address: Address;
  /** Added up over the workers (`MergedStats.hostTotals`). */
  readonly stats: Readonly<HostStats>;
  readonly hostname: string;
  /** '' = healthy, else as in the text form: `/failed_active_hc/failed_outlier_check`. */
  readonly healthFlags: string;
  readonly weight: number;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly canary: boolean;
  readonly priority: number;
  /** -1 = not enough requests to tell. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
}

export interface ClusterStatus {
  readonly name: string;
  readonly observabilityName: string;
  readonly addedViaApi: boolean;
  /** '' = none. */
  readonly edsServiceName: string;
  readonly defaultPriority: BreakerThresholds;
  readonly highPriority: BreakerThresholds;
  readonly hosts: readonly HostStatus[];
}

export interface ListenerStatus {
  readonly name: string;
  /** As bound: the real port where 0 was configured. */
  readonly address: Address;
  readonly additionalAddresses: readonly Address[];
}

export interface ThreadMemory {
  /** `main_thread`, `worker_0`. */
  readonly name: string;
  /** Bytes, of the thread's own heap. */
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Buffers and other memory outside the heap. */
  readonly external: number;
}

export interface MemoryStatus {
  /** Bytes of the process in physical memory. */
  readonly rss: number;
  readonly threads: readonly ThreadMemory[];
}

/** `starting` and `restarting`: it takes no connection yet. `hung`: no turn of its loop for the watchdog's time. */
export type ThreadState = 'starting' | 'running' | 'hung' | 'restarting' | 'stopping';

export interface ThreadStatus {
  readonly name: string;
  /** `main`, `worker`, `log` (the thread of an access-log file). */
  readonly role: 'main' | 'worker' | 'log';
  /** Linux thread id as in `top -H`; 0 = not known. */
  readonly tid: number;
  /** Share of the time since the last question (or the start) in which the thread was busy, 0 to 1. */
  readonly busy: number;
  /** Turns of its dispatcher so far; 0 where it has none. */
  readonly turns: number;
  readonly state: ThreadState;
  /** Downstream connections that it owns. */
  readonly connections: number;
  /** Times that main started it again. */
  readonly restarts: number;
}

/** One connection pool: there is one per worker and host (and protocol). */
export interface PoolStatus {
  readonly worker: string;
  readonly cluster: string;
  readonly host: string;
  readonly protocol: string;
  /** Connections with at least one request, idle ones, ones being opened. */
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  /** Requests that wait for a connection. */
  readonly pending: number;
}

export interface DispatcherStatus {
  readonly name: string;
  readonly turns: number;
  /** How much later than asked the loop came to handle what was due; ms. NaN = nothing measured. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  /** Duration of a turn; ms. */
  readonly turnP50Ms: number;
  readonly turnP99Ms: number;
}

export interface DrainOptions {
  /** Keep accepting while connections are closed step by step over the drain time. */
  readonly graceful: boolean;
  /** Do not stop the process after a graceful drain. */
  readonly skipExit: boolean;
}

export interface AdminContext {
  state(): ServerState;
  serverInfo(): ServerInfo;
  readonly stats: StatsView;
  resetCounters(): void;
  /** In Envoy's order: bootstrap, clusters, listeners, routes, … */
  configDump(): readonly ConfigDumpSection[];
  clusters(): Promise<readonly ClusterStatus[]>;
  listeners(): readonly ListenerStatus[];
  memory(): Promise<MemoryStatus>;
  /** Level by component. */
  logLevels(): Readonly<Record<string, string>>;
  /** Levels that `/logging` takes, from the most talkative on. */
  readonly logLevelNames: readonly string[];
  /** Names and levels were checked against the two above. Resolves when all threads have taken it. */
  setLogLevels(levels: Readonly<Record<string, string>>): Promise<void>;
  reopenLogs(): Promise<void>;
  /** Called after the answer has left. */
  quit(): void;
  /** Resolves when accepting has stopped (`graceful`: when the drain has begun). */
  drainListeners(options: DrainOptions): Promise<void>;
  setHealthcheck(result: 'ok' | 'fail'): void;
  threads(): Promise<readonly ThreadStatus[]>;
  pools(): Promise<readonly PoolStatus[]>;
  dispatchers(): Promise<readonly DispatcherStatus[]>;
}
