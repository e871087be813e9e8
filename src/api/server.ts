/**
 * Threads: what main and workers send each other. Main owns configuration, life cycle and the merged view; a worker owns its
 * sockets. Nothing else is shared than these messages and the memory that they name.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Listener, RouteConfiguration, VirtualHost } from './envoy.ts';

/** An immutable, versioned set of named entries in shared memory; a reader decodes an entry when it first asks for it. */
export interface Snapshot<T> {
  readonly version: number;
  readonly size: number;
  get(name: string): T | undefined;
  /** Names in order of the snapshot. Decodes nothing. */
  names(): Iterable<string>;
  /** Entries decoded so far by this thread. */
  readonly decoded: number;
}

/** Entries whose names begin alike, looked up by the rest of the name. Asking for one that is not there allocates nothing. */
export interface SnapshotScope<T> {
  /** Decoded anew at each call, and not kept here: for those who keep what they make of it. */
  load(rest: string): T | undefined;
  /** Version of the snapshot in which the entry last changed; 0 = it is not there. */
  entryVersion(rest: string): number;
}

export interface ScopedSnapshot<T> extends Snapshot<T> {
  scope(prefix: string): SnapshotScope<T>;
}

/** The shared form of a snapshot: what a message carries (by reference, not copied). */
export interface SharedSnapshot {
  readonly version: number;
  /** The index of this version: names, where their entries lie, and when each entry last changed. */
  readonly memory: SharedArrayBuffer;
  /** The entries' bytes: written once, shared with the versions before and after. */
  readonly segments: readonly SharedArrayBuffer[];
}

/** Reader's end of a slot. Throws before the first `set`. */
export interface Slot<T> {
  get(): Snapshot<T>;
}

/**
 * What lies in the `routes` slot: of each table its head, and per domain its virtual host. The names are those of
 * `router/route-parts.ts`.
 */
export type RoutePart =
  /** Everything but the virtual hosts; and which domains there are, in the order in which they are searched. */
  | {
      readonly kind: 'table';
      readonly config: RouteConfiguration;
      readonly domains: readonly DomainGroup[];
    }
  | { readonly kind: 'host'; readonly host: VirtualHost }
  /** A further domain of a virtual host; `of`: the rest of the name that the host lies under. */
  | { readonly kind: 'alias'; readonly of: string };

/** The domains of one kind, wildcards of one length (UTF-16 units without the `*`; 0 for the others): how many there are. */
export interface DomainGroup {
  readonly kind: 'exact' | 'suffix' | 'prefix' | 'any';
  readonly length: number;
  readonly count: number;
}

export interface RouteSlot {
  get(): ScopedSnapshot<RoutePart>;
}

export interface WorkerOptions {
  readonly index: number;
  readonly name: string;
  readonly concurrency: number;
  readonly socketInterface: 'syscall' | 'portable';
  readonly listeners: readonly Listener[];
  readonly logLevels: Readonly<Record<string, string>>;
  /** `text`, `json` or a pattern. */
  readonly logFormat: string;
  /** File of the application log; absent = standard error. */
  readonly logPath?: string;
  /** The worker shows at least this often that its loop turns. */
  readonly heartbeatMs: number;
  /** Runtime key `nodeproxy.coalesce_writes`: false = head and body leave in system calls of their own. */
  readonly coalesceWrites: boolean;
  /** `enable_dispatcher_stats` of the bootstrap. */
  readonly dispatcherStats: boolean;
  readonly fileFlushIntervalMs: number;
  readonly drainTimeMs: number;
  /** Connection ids of the process: an Int32 counter taken with `Atomics.add`. */
  readonly connectionIds: SharedArrayBuffer;
  /** Circuit breakers and global limits: counters shared by all workers. */
  readonly sharedCounters: SharedArrayBuffer;
  /** Open downstream connections per worker, listener and process: see `server/connection-cells.ts`. */
  readonly connectionCells: SharedArrayBuffer;
  readonly connectionLimits: ConnectionLimits;
  /** One Int32 per worker, incremented by it while its loop turns: the watchdog reads them. */
  readonly heartbeats: SharedArrayBuffer;
  readonly slots: Readonly<Record<SlotName, SharedSnapshot>>;
  /** Log files that have a thread: path -> port is sent by `log-port`. */
  readonly node: { readonly id: string; readonly cluster: string };
}

/** Largest number of open downstream connections; absent = no limit. */
export interface ConnectionLimits {
  readonly total?: number;
  /** By listener name. */
  readonly listeners: Readonly<Record<string, number>>;
}

export type SlotName = 'clusters' | 'routes';

/** Main to worker. Every message with an `ack` number is answered by `{ kind: 'ack', ack }` when it has taken effect. */
export type ToWorker =
  | {
      readonly kind: 'slot';
      readonly slot: SlotName;
      readonly snapshot: SharedSnapshot;
      readonly ack: number;
    }
  /** Bind and accept, once all workers are prepared. `bound`: what the first worker bound, so that port 0 and shared sockets agree. */
  | { readonly kind: 'listen'; readonly bound: readonly ListenerReport[]; readonly ack: number }
  | { readonly kind: 'reopen-logs'; readonly ack: number }
  | {
      readonly kind: 'log-port';
      readonly path: string;
      readonly port: MessagePort;
    }
  | { readonly kind: 'log-level'; readonly levels: Readonly<Record<string, string>>; readonly ack: number }
  /** Stop accepting, answer with `connection: close`, let requests end; `deadlineMs` from now the rest is closed. */
  | { readonly kind: 'drain'; readonly deadlineMs: number; readonly ack: number }
  /** Go on accepting, but answer with `connection: close`: a growing share of answers over `rampMs`, all of them when it is 0. */
  | { readonly kind: 'wind-down'; readonly rampMs: number; readonly ack: number }
  /** Stop accepting, leave connections as they are. */
  | { readonly kind: 'stop-listening'; readonly ack: number }
  | { readonly kind: 'adopt'; readonly listener: string; readonly fd: number; readonly acceptedAt: number }
  | { readonly kind: 'flush-logs'; readonly ack: number }
  | { readonly kind: 'report'; readonly ack: number }
  | { readonly kind: 'stop' };

/** Worker to main. */
export type FromWorker =
  /** Everything is built and no socket is bound yet: the answer to the start. `ready` is the answer to `listen`. */
  | { readonly kind: 'prepared'; readonly tid: number }
  | {
      readonly kind: 'listen-failed';
      readonly listener: string;
      readonly address: string;
      readonly error: string;
    }
  | { readonly kind: 'ready'; readonly tid: number; readonly listeners: readonly ListenerReport[] }
  | { readonly kind: 'ack'; readonly ack: number; readonly value?: unknown }
  /** New metrics: names in the order of their indexes from `first`; `memory` when a new slab was made. */
  | {
      readonly kind: 'stats';
      readonly slab: number;
      readonly memory?: SharedArrayBuffer;
      readonly metrics: readonly MetricDescription[];
    }
  | {
      readonly kind: 'hand-over';
      readonly listener: string;
      readonly fd: number;
      readonly worker: number;
      readonly acceptedAt: number;
    }
  | { readonly kind: 'log-open'; readonly path: string }
  | { readonly kind: 'drained' }
  | { readonly kind: 'fatal'; readonly error: string };

export interface ListenerReport {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** For `enable_reuse_port: false`, the descriptor that the other workers share. */
  readonly fd: number;
}

/** Says where a metric lies in the slab of its message. `name` is sanitised, `index` counts cells of 8 bytes. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly index: number;
  /** How main joins the threads' values of a gauge; absent = `sum`. */
  readonly merge?: 'sum' | 'max';
  /** Kept out of `/stats` and of the exposition (per-host numbers). */
  readonly hidden?: true;
  /** Length of the part of the name that ends with a configured name (`cluster.a.b`); absent = not known. */
  readonly tagEnd?: number;
}

/** The message by which a thread makes its new metrics known to `MergedStats`. */
export type StatsAnnouncement = Extract<FromWorker, { readonly kind: 'stats' }>;
