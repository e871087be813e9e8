/**
 * What main prepares for its workers: shared memory, the options of each, the slots' writers. Asked anew at each start of a worker,
 * so that one that replaces a crashed one begins with the current snapshots.
 */
import type { Bootstrap, Listener, RouteConfiguration } from '../api/envoy.ts';
import type { RoutePart, SharedSnapshot, SlotName, WorkerOptions } from '../api/server.ts';
import type { ClusterSnapshot } from '../api/upstream.ts';
import { logLevels } from '../base/logger.ts';
import { routeParts } from '../router/route-parts.ts';
import { SharedCounts } from '../upstream/breaker/shared-counts.ts';
import { ConnectionCells } from './connection-cells.ts';
import { connectionLimitsOf } from './connection-limits.ts';
import { detached } from './packed-bootstrap.ts';
import { nameRoutes } from './route-names.ts';
import { RuntimeKeys } from './runtime-keys.ts';
import type { ServerOptions } from './server-options.ts';
import { SnapshotWriter } from './snapshot.ts';
import { encodeWorkerData } from './worker-data.ts';

export class WorkerSetup {
  readonly clusters = new SnapshotWriter<ClusterSnapshot>();
  readonly heartbeats: SharedArrayBuffer;
  readonly counts: SharedCounts;
  readonly #options: ServerOptions;
  readonly #socketInterface: 'syscall' | 'portable';
  readonly #heartbeatMs: number;
  readonly #connectionIds = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #cells: SharedArrayBuffer;
  readonly #listeners: readonly Listener[];
  /** What lies in the `routes` slot, in parts. */
  readonly #routes: SharedSnapshot;

  constructor(options: ServerOptions, socketInterface: 'syscall' | 'portable', heartbeatMs: number) {
    const configured = options.bootstrap.static_resources?.listeners ?? [];
    const { listeners, routes } = nameRoutes(configured);
    this.#options = options;
    this.#socketInterface = socketInterface;
    this.#heartbeatMs = heartbeatMs;
    this.#listeners = detached(listeners);
    this.#routes = publishedRoutes(routes);
    this.heartbeats = new SharedArrayBuffer(options.concurrency * Int32Array.BYTES_PER_ELEMENT);
    this.counts = SharedCounts.allocate(options.concurrency);
    this.#cells = ConnectionCells.allocate(options.concurrency, listeners.length);
  }

  /** What a worker that is gone held is given back. */
  onLost(index: number): void {
    this.counts.giveBack(index);
    new ConnectionCells(this.#cells, this.#options.concurrency).giveBack(index);
  }

  workerData(index: number): unknown {
    const { bootstrap, concurrency, logFormat, logPath, drainTimeMs, fileFlushIntervalMs } = this.#options;
    const options: WorkerOptions = {
      index,
      name: `worker_${index}`,
      concurrency,
      socketInterface: this.#socketInterface,
      listeners: this.#listeners,
      logLevels: logLevels(),
      logFormat,
      ...(logPath === undefined ? {} : { logPath }),
      heartbeatMs: this.#heartbeatMs,
      coalesceWrites: new RuntimeKeys(bootstrap).boolean('nodeproxy.coalesce_writes', true),
      dispatcherStats: bootstrap.enable_dispatcher_stats ?? false,
      fileFlushIntervalMs,
      drainTimeMs,
      connectionIds: this.#connectionIds,
      sharedCounters: this.counts.memory,
      connectionCells: this.#cells,
      connectionLimits: connectionLimitsOf(bootstrap, this.#listeners),
      heartbeats: this.heartbeats,
      slots: this.#slots(),
      node: nodeOf(bootstrap, this.#options),
    };
    return encodeWorkerData(options);
  }

  #slots(): Record<SlotName, SharedSnapshot> {
    return { clusters: this.clusters.current(), routes: this.#routes };
  }
}

/** The tables stay as they are while the process lives: nothing of the writer is kept. */
function publishedRoutes(tables: ReadonlyMap<string, RouteConfiguration>): SharedSnapshot {
  const parts = [...tables].flatMap(([name, config]) => [...routeParts(name, config)]);
  return new SnapshotWriter<RoutePart>().replaceAll(new Map(parts));
}

/** The command line's names win over the file's. */
export function nodeOf(bootstrap: Bootstrap, options: ServerOptions): { id: string; cluster: string } {
  return {
    id: options.serviceNode || (bootstrap.node?.id ?? ''),
    cluster: options.serviceCluster || (bootstrap.node?.cluster ?? ''),
  };
}
