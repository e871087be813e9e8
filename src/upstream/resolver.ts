/**
 * The clusters of the process, on main: from configuration and DNS to the snapshots that workers balance over.
 *
 *   add(config) -> endpoints -> STATIC: hosts at once
 *                            -> STRICT_DNS: one `DnsTarget` per name -> hosts when all have an outcome, and after each change
 *   hosts -> ClusterSnapshot (version + 1) -> onChange
 *
 * Owns the DNS timers, the membership numbers, and the rows of the shared circuit-breaker table: a name keeps its row as long
 * as it exists. Of a cluster that nothing can change any more but its operator, only the numbers are kept here; the rest is read back
 * from what was published. Invariant: an entry is told only when something in it changed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../api/envoy.ts';
import type { Dispatcher } from '../api/event.ts';
import type { Counter, Gauge, StatsScope } from '../api/stats.ts';
import type { ClusterSnapshot, HostSnapshot } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import { InvariantError } from '../base/invariant.ts';
import { pickerFactory } from './balancer/policy.ts';
import { BreakerRows } from './breaker/breaker-rows.ts';
import { DEFAULT_ROWS } from './breaker/shared-counts.ts';
import type { ClusterFigures, Figures } from './cluster-figures.ts';
import { nodeLookup } from './dns-lookup.ts';
import type { DnsLookup } from './dns-lookup.ts';
import { DnsTarget } from './dns-target.ts';
import type { TargetOutcome } from './dns-target.ts';
import { ipAddress } from './endpoint-address.ts';
import { endpointsOf, withoutEndpoints } from './endpoints.ts';
import type { Endpoint } from './endpoints.ts';

export interface ClusterResolverOptions {
  /** Main's dispatcher. */
  readonly timers: Pick<Dispatcher, 'createTimer' | 'random'>;
  /** The root scope. */
  readonly stats: StatsScope;
  /** Numbers of each cluster. */
  readonly figures: ClusterFigures;
  /** Also for the first entry of a cluster; null: it was removed. */
  readonly onChange: (name: string, snapshot: ClusterSnapshot | null) => void;
  /** What `onChange` was told last of a cluster, without its endpoints. Absent: nobody keeps it, so it is kept here. */
  readonly published?: (name: string) => ClusterSnapshot | undefined;
  /** DNS answers that failed, for the application log. */
  readonly onFailure?: (cluster: string, name: string, error: unknown) => void;
  readonly lookup?: (config: Cluster) => DnsLookup;
  /** Rows of the shared counters. */
  readonly rows?: number;
}

/** All of it is published, for good. */
interface Settled {
  readonly kind: 'settled';
  readonly figures: Figures;
}

interface Entry {
  readonly kind: 'live' | 'read back';
  readonly config: Cluster;
  readonly endpoints: readonly Endpoint[];
  readonly targets: ReadonlyMap<string, DnsTarget>;
  readonly figures: Figures;
  snapshot: ClusterSnapshot | null;
}

export class ClusterResolver {
  readonly #options: ClusterResolverOptions;
  readonly #entries = new Map<string, Entry | Settled>();
  readonly #rows: BreakerRows;
  readonly #added: Counter;
  readonly #modified: Counter;
  readonly #removed: Counter;
  readonly #active: Gauge;
  readonly #warming: Gauge;
  #version = 0;
  /** Kept, not counted each time: a start adds tens of thousands, one after the other. */
  readonly #counts = { active: 0, without: 0 };
  #waiting: (() => void)[] = [];

  constructor(options: ClusterResolverOptions) {
    const scope = options.stats.scope('cluster_manager');
    this.#options = options;
    this.#rows = new BreakerRows(options.rows ?? DEFAULT_ROWS);
    this.#added = scope.counter('cluster_added');
    this.#modified = scope.counter('cluster_modified');
    this.#removed = scope.counter('cluster_removed');
    this.#active = scope.gauge('active_clusters');
    this.#warming = scope.gauge('warming_clusters');
  }

  /** Adds a cluster or replaces the one of that name. Throws, changing nothing, when it cannot be one. */
  add(config: Cluster): void {
    const name = ownText(config.name ?? '');
    if (name === '') throw new Error('a cluster needs a name');
    const endpoints = endpointsOf(config);
    pickerFactory(config, () => 0);
    const before = this.#entry(name);
    if (before !== undefined) {
      if (isSame(before, config, endpoints)) return;
      stopTargets(before);
      this.#modified.inc();
    } else {
      this.#rows.take(name);
      this.#added.inc();
    }
    const targets = this.#makeTargets(name, config, endpoints);
    // The old one is given back behind it, so that a name goes on counting.
    const { alt_stat_name: alias } = config;
    const figures = this.#options.figures.take(
      alias === undefined ? { name } : { name, alt_stat_name: ownText(alias) },
    );
    const snapshot = before?.snapshot ?? null;
    const entry: Entry = { kind: 'live', config, endpoints, targets, figures, snapshot };
    if (before !== undefined) {
      this.#count(before, -1);
      this.#options.figures.give(before.config);
    }
    this.#count(entry, 1);
    this.#entries.set(name, entry);
    for (const target of targets.values()) target.ask();
    this.#publish(name, entry);
    this.#countClusters();
    if (targets.size === 0 && this.#options.published !== undefined)
      this.#entries.set(name, { kind: 'settled', figures });
  }

  remove(name: string): void {
    const entry = this.#entry(name);
    if (entry === undefined) return;
    stopTargets(entry);
    this.#count(entry, -1);
    this.#entries.delete(name);
    this.#rows.give(name);
    this.#options.figures.give(entry.config);
    this.#removed.inc();
    this.#countClusters();
    this.#options.onChange(name, null);
    this.#wake();
  }

  /** The newest entry of each cluster that has one; a row and a host for every endpoint known so far. */
  snapshots(): Map<string, ClusterSnapshot> {
    const found = new Map<string, ClusterSnapshot>();
    for (const name of this.#entries.keys()) {
      const snapshot = this.#entry(name)?.snapshot ?? null;
      if (snapshot !== null) found.set(name, snapshot);
    }
    return found;
  }

  /** Resolves when every cluster has an entry: each of its names has been answered, or has failed, once. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#wake();
    });
  }

  stop(): void {
    for (const entry of this.#entries.values()) if (entry.kind !== 'settled') stopTargets(entry);
  }

  /** A settled one is made anew of what is published. */
  #entry(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    if (entry?.kind !== 'settled') return entry;
    const snapshot = this.#options.published?.(name);
    if (snapshot === undefined) throw new InvariantError(`cluster ${name} is not published`);
    const { figures } = entry;
    return {
      kind: 'read back',
      config: snapshot.config,
      endpoints: [],
      targets: new Map(),
      figures,
      snapshot,
    };
  }

  #makeTargets(cluster: string, config: Cluster, endpoints: readonly Endpoint[]): Map<string, DnsTarget> {
    const targets = new Map<string, DnsTarget>();
    const lookup = (this.#options.lookup ?? nodeLookup)(config);
    for (const { address, name } of endpoints) {
      if (address !== null || targets.has(name)) continue;
      const target = new DnsTarget({
        name,
        config,
        lookup,
        timers: this.#options.timers,
        onAttempt: () => this.#onAttempt(cluster),
        onOutcome: (from, outcome) => this.#onOutcome(cluster, from, outcome),
      });
      targets.set(name, target);
    }
    return targets;
  }

  #onAttempt(cluster: string): void {
    const entry = this.#entries.get(cluster);
    if (entry !== undefined) entry.figures.membership.attempt += 1;
  }

  #onOutcome(cluster: string, target: DnsTarget, outcome: TargetOutcome): void {
    const entry = this.#entry(cluster);
    if (entry === undefined) return;
    const { membership } = entry.figures;
    if (outcome.kind === 'failure') {
      membership.failure += 1;
      this.#options.onFailure?.(cluster, target.name, outcome.error);
    } else {
      membership.success += 1;
      if (outcome.addresses.length === 0) membership.empty += 1;
    }
    this.#publish(cluster, entry);
  }

  /** Tells the entry if it is complete and differs from the last one. */
  #publish(name: string, entry: Entry): void {
    for (const target of entry.targets.values()) if (!target.settled) return;
    const hosts = hostsOf(entry);
    const { snapshot: before } = entry;
    if (before !== null && before.config === entry.config && isDeepStrictEqual(before.hosts, hosts)) {
      entry.figures.membership.noRebuild += 1;
      return;
    }
    this.#version += 1;
    const snapshot = {
      config: entry.config,
      hosts,
      version: this.#version,
      breakerIndex: this.#rows.of(name),
    };
    this.#count(entry, -1);
    entry.snapshot = snapshot;
    this.#count(entry, 1);
    entry.figures.membership.update(before?.hosts ?? [], hosts);
    entry.figures.limit(snapshot.breakerIndex, entry.config);
    this.#countClusters();
    this.#options.onChange(name, snapshot);
    this.#wake();
  }

  /** Adds an entry to the counts, or takes it out before it changes. */
  #count({ config, snapshot }: Entry, amount: 1 | -1): void {
    if (snapshot?.config === config) this.#counts.active += amount;
    if (snapshot === null) this.#counts.without += amount;
  }

  #countClusters(): void {
    this.#active.set(this.#counts.active);
    this.#warming.set(this.#entries.size - this.#counts.active);
  }

  #wake(): void {
    if (this.#counts.without > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Of one that was read back, the hosts stand for the endpoints. */
function isSame(before: Entry, config: Cluster, endpoints: readonly Endpoint[]): boolean {
  if (before.kind === 'live') return isDeepStrictEqual(before.config, config);
  return (
    endpoints.every(({ address }) => address !== null) &&
    isDeepStrictEqual(before.config, withoutEndpoints(config)) &&
    isDeepStrictEqual(before.snapshot?.hosts, hostsOf({ endpoints, targets: new Map() }))
  );
}

/** A text that was cut out of a longer one keeps that one; this does not. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}

/** In order of the configuration; an address that comes up twice is one host, the first. */
function hostsOf(entry: Pick<Entry, 'endpoints' | 'targets'>): HostSnapshot[] {
  const hosts = new Map<string, HostSnapshot>();
  for (const { address, name, port, host } of entry.endpoints) {
    const resolved = entry.targets.get(name)?.addresses.map((ip) => ipAddress(ip, port)) ?? [];
    for (const found of address === null ? resolved : [address]) {
      if (found === null) continue;
      const key = addressText(found);
      if (!hosts.has(key)) hosts.set(key, { address: found, ...host });
    }
  }
  return Array.from(hosts.values());
}

function stopTargets(entry: Entry): void {
  for (const target of entry.targets.values()) target.stop();
}
