/** What main counts of a cluster's hosts and of the updates that brought them: facts of the process, told once. */
import type { Cluster } from '../api/envoy.ts';
import type { Counter, Gauge, StatsScope } from '../api/stats.ts';
import type { HostSnapshot } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import { healthOf } from './host.ts';

export class MembershipStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  readonly empty: Counter;
  readonly noRebuild: Counter;
  readonly #change: Counter;
  readonly #total: Gauge;
  readonly #healthy: Gauge;
  readonly #degraded: Gauge;
  readonly #maxWeight: Gauge;

  /** `stats` is the root scope. */
  constructor(config: Cluster, stats: StatsScope) {
    const scope = stats.scope('cluster').scope(config.alt_stat_name ?? config.name ?? '');
    this.attempt = scope.counter('update_attempt');
    this.success = scope.counter('update_success');
    this.failure = scope.counter('update_failure');
    this.empty = scope.counter('update_empty');
    this.noRebuild = scope.counter('update_no_rebuild');
    this.#change = scope.counter('membership_change');
    this.#total = scope.gauge('membership_total');
    this.#healthy = scope.gauge('membership_healthy');
    this.#degraded = scope.gauge('membership_degraded');
    this.#maxWeight = scope.gauge('max_host_weight');
    // Nobody is excluded without active health checks; the name is there for those who look for it.
    scope.gauge('membership_excluded').set(0);
  }

  update(before: readonly HostSnapshot[], hosts: readonly HostSnapshot[]): void {
    const known = new Set(before.map((host) => addressText(host.address)));
    const same = known.size === hosts.length && hosts.every((host) => known.has(addressText(host.address)));
    if (!same) this.#change.inc();
    this.#total.set(hosts.length);
    this.#healthy.set(hosts.filter((host) => healthOf(host.healthFlags) === 'healthy').length);
    this.#degraded.set(hosts.filter((host) => healthOf(host.healthFlags) === 'degraded').length);
    this.#maxWeight.set(hosts.reduce((most, host) => Math.max(most, host.weight), 0));
  }
}
