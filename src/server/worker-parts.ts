/**
 * What a worker is made of, put together in one place: from the dispatcher up to the listeners, each part given what it needs.
 * Nothing here runs yet; `worker-runtime.ts` gives it life.
 *
 *   dispatcher -> connections -> stats, slots -> clusters -> access logs -> filters (registry) -> listeners
 */
import type { PoolStatus } from '../api/admin.ts';
import type { AccessLog } from '../api/envoy.ts';
import type { Clock } from '../api/event.ts';
import type { AccessLogs, LineSink } from '../api/observe.ts';
import type { ClusterSnapshot } from '../api/upstream.ts';
import type { FromWorker, RoutePart, WorkerOptions } from '../api/server.ts';
import { SystemClock } from '../base/clock.ts';
import { ConnectionIds } from '../base/ids.ts';
import { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { createAccessLogs } from '../extensions/access-log/access-logs.ts';
import { NETWORK_FILTERS, prepareUpstreamFilters } from '../extensions/registry.ts';
import { ConnectionFactory } from '../network/connection-factory.ts';
import { SlabStats } from '../observe/stats/slab-stats.ts';
import { WorkerSinks } from '../observe/worker-sinks.ts';
import { SyscallClock } from '../os/syscall-clock.ts';
import { threadId } from '../os/thread.ts';
import { SharedCounts } from '../upstream/breaker/shared-counts.ts';
import { WorkerClusterManager } from '../upstream/cluster-manager.ts';
import { Http1ClientCodec } from '../codec/http1/client-codec.ts';
import { clientSettings } from './client-settings.ts';
import { poolStatuses } from './worker-report.ts';
import { ConnectionCells } from './connection-cells.ts';
import { DrainState } from './drain-state.ts';
import { ListenerSet } from './listener-set.ts';
import { LoopTimes } from './loop-times.ts';
import { SnapshotReader } from './snapshot.ts';

export interface WorkerParts {
  readonly dispatcher: TurnDispatcher;
  readonly connections: ConnectionFactory;
  readonly stats: SlabStats;
  readonly slots: {
    readonly clusters: SnapshotReader<ClusterSnapshot>;
    readonly routes: SnapshotReader<RoutePart>;
  };
  readonly clusters: WorkerClusterManager;
  readonly drain: DrainState;
  readonly logs: WorkerSinks;
  readonly listeners: ListenerSet;
  readonly loopTimes: LoopTimes;
  /** For the admin. */
  readonly pools: () => readonly PoolStatus[];
}

export type Send = (message: FromWorker) => void;

export function buildWorker(options: WorkerOptions, send: Send): WorkerParts {
  const dispatcher = new TurnDispatcher({ name: options.name, clock: clockOf(options), tid: threadId() });
  const ids = new ConnectionIds(options.connectionIds);
  const connections = new ConnectionFactory(dispatcher, options.socketInterface, ids, options.coalesceWrites);
  const stats = new SlabStats({ announce: send });
  const slots = {
    clusters: new SnapshotReader<ClusterSnapshot>(),
    routes: new SnapshotReader<RoutePart>(),
  };
  slots.clusters.set(options.slots.clusters);
  slots.routes.set(options.slots.routes);
  const openLog = (path: string): LineSink => logs.open(path);
  const clusters = new WorkerClusterManager({
    dispatcher,
    connect: (request) => connections.connect(request),
    codec: (connection, cluster) => new Http1ClientCodec({ connection, settings: clientSettings(cluster) }),
    slot: slots.clusters,
    stats,
    hostStats: (cluster, address) => stats.hostStats(cluster, address),
    filters: (cluster, config) => prepareUpstreamFilters(config, { cluster, openLog }),
    counts: new SharedCounts(options.sharedCounters, options.concurrency),
    worker: options.index,
  });
  const drain = new DrainState({ now: () => dispatcher.clock.now(), random: () => dispatcher.random() });
  const logs = new WorkerSinks({
    dispatcher,
    flushIntervalMs: options.fileFlushIntervalMs,
    stats,
    requestPort: (path) => send({ kind: 'log-open', path }),
  });
  const accessLogs = (configs: readonly AccessLog[]): AccessLogs => createAccessLogs(configs, openLog);
  const listeners = new ListenerSet({
    configs: options.listeners,
    worker: options,
    dispatcher,
    connections,
    stats,
    cells: new ConnectionCells(options.connectionCells, options.concurrency),
    limits: options.connectionLimits,
    networkFilters: NETWORK_FILTERS,
    context: { clusters, routes: slots.routes, accessLogs, drain },
    handOver: (worker, listener, fd, acceptedAt) =>
      send({ kind: 'hand-over', worker, listener, fd, acceptedAt }),
  });
  const loopStats = options.dispatcherStats
    ? stats.scope('listener_manager').scope(options.name).scope('dispatcher')
    : null;
  return {
    dispatcher,
    connections,
    stats,
    slots,
    clusters,
    drain,
    logs,
    listeners,
    loopTimes: new LoopTimes(dispatcher.clock, loopStats),
    pools: () => poolStatuses(options.name, clusters.describe()),
  };
}

function clockOf({ socketInterface }: WorkerOptions): Clock {
  return socketInterface === 'syscall' ? new SyscallClock() : new SystemClock();
}
