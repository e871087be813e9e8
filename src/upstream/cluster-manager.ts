/**
 * All clusters of one worker, by name. A cluster is built when a request first asks for it: one that nobody uses costs this
 * worker nothing.
 *
 * Main publishes snapshots; this compares versions. Unchanged clusters are not touched. Where only hosts changed, the cluster
 * stays the same object with a new host set; where the configuration changed, a new one takes the name and the old one serves
 * out what it has. A request keeps the cluster, host and pool that it was given.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterManager, ClusterSnapshot } from '../api/upstream.ts';
import type { Cluster } from '../api/envoy.ts';
import type { ReadFilter } from '../api/network.ts';
import type { Slot } from '../api/server.ts';
import type { Gauge, StatsScope } from '../api/stats.ts';
import type { CountPlace } from './breaker/circuit-breakers.ts';
import { SharedCounts } from './breaker/shared-counts.ts';
import { WorkerCluster } from './cluster.ts';
import { ClusterSettings } from './cluster-settings.ts';
import { describeCluster } from './description.ts';
import type { ClusterDescription } from './description.ts';
import type { HostStatsFactory } from './host.ts';
import type { PoolEnvironment } from './pool/environment.ts';

export interface ClusterManagerOptions extends PoolEnvironment {
  readonly slot: Slot<ClusterSnapshot>;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly hostStats: HostStatsFactory;
  /** Prepares the network filters of a cluster's connections; absent = there are none. */
  readonly filters?: (name: string, config: Cluster) => readonly (() => ReadFilter)[];
  /** Shared by all workers, and this worker's index in it. */
  readonly counts: SharedCounts;
  readonly worker: number;
}

export class WorkerClusterManager implements ClusterManager {
  readonly #options: ClusterManagerOptions;
  readonly #clusters = new Map<string, WorkerCluster>();
  /** Replaced or removed, and not yet done. Bounded by what is in flight. */
  readonly #retired = new Set<WorkerCluster>();
  readonly #inflated: Gauge;
  #draining = false;

  constructor(options: ClusterManagerOptions) {
    this.#options = options;
    const { stats, dispatcher } = options;
    this.#inflated = stats
      .scope('thread_local_cluster_manager')
      .scope(dispatcher.name)
      .gauge('clusters_inflated');
  }

  get(name: string): WorkerCluster | undefined {
    return this.#clusters.get(name) ?? this.#build(name);
  }

  onSnapshot(): void {
    const snapshot = this.#options.slot.get();
    for (const [name, cluster] of this.#clusters) {
      const entry = snapshot.get(name);
      if (entry === undefined) this.#retire(name, cluster);
      else if (entry.version !== cluster.version) this.#change(name, cluster, entry);
    }
    this.#forgetQuiet();
    this.#inflated.set(this.#clusters.size);
  }

  drain(hard: boolean): void {
    this.#draining = true;
    for (const cluster of [...this.#clusters.values(), ...this.#retired]) cluster.drain(hard);
  }

  /** For `/clusters` and `/pools`: plain data, safe to post. */
  describe(): ClusterDescription[] {
    this.#forgetQuiet();
    return [...this.#clusters.values(), ...this.#retired].map((cluster) => describeCluster(cluster));
  }

  #build(name: string): WorkerCluster | undefined {
    const entry = this.#options.slot.get().get(name);
    if (entry === undefined) return undefined;
    const cluster = this.#make(name, entry);
    this.#clusters.set(name, cluster);
    this.#inflated.set(this.#clusters.size);
    return cluster;
  }

  #make(name: string, entry: ClusterSnapshot): WorkerCluster {
    const { stats, hostStats, filters } = this.#options;
    const cluster = new WorkerCluster({
      settings: new ClusterSettings(name, entry.config, stats, filters?.(name, entry.config)),
      environment: this.#options,
      hostStats,
      place: this.#placeOf(entry),
    });
    cluster.update(entry);
    if (this.#draining) cluster.drain(false);
    return cluster;
  }

  #placeOf(entry: ClusterSnapshot): CountPlace {
    const { counts, worker } = this.#options;
    const row = entry.breakerIndex;
    if (row === undefined) return { counts: SharedCounts.local(), row: 1, worker: 0 };
    return { counts, row, worker };
  }

  #change(name: string, cluster: WorkerCluster, entry: ClusterSnapshot): void {
    if (isSameConfig(cluster.info.config, entry.config)) {
      cluster.update(entry);
      return;
    }
    this.#clusters.set(name, this.#make(name, entry));
    this.#setAside(cluster);
  }

  #retire(name: string, cluster: WorkerCluster): void {
    this.#clusters.delete(name);
    this.#setAside(cluster);
  }

  #setAside(cluster: WorkerCluster): void {
    this.#retired.add(cluster);
    cluster.retire();
  }

  #forgetQuiet(): void {
    for (const cluster of this.#retired) if (cluster.quiet) this.#retired.delete(cluster);
  }
}

/** Endpoints are hosts, not configuration. The policy beside them is. */
function isSameConfig(a: Cluster, b: Cluster): boolean {
  if (a === b) return true;
  const policies = isDeepStrictEqual(a.load_assignment?.policy, b.load_assignment?.policy);
  return policies && isDeepStrictEqual(withoutEndpoints(a), withoutEndpoints(b));
}

function withoutEndpoints(config: Cluster): Cluster {
  const { load_assignment: _, ...rest } = config;
  return rest;
}
