/**
 * The balancer of a cluster: first the priority, then one of its hosts by the cluster's policy.
 *
 *   hosts -> priority 0: healthy | degraded | all (panic)  -> picker of each list, made when first needed
 *            priority 1: …
 *
 * Rebuilt on each snapshot; a choice in the common case (one priority, all healthy) is one call of one picker.
 */
import type { Cluster } from '../../api/envoy.ts';
import type { LoadBalancer, LoadBalancerContext } from '../../api/upstream.ts';
import type { Counter } from '../../api/stats.ts';
import type { UpstreamHost } from '../host.ts';
import type { HostPicker } from './picker.ts';
import { pickerFactory } from './policy.ts';
import type { PickerFactory } from './policy.ts';
import { OVERPROVISIONING_PERCENT, PANIC_THRESHOLD_PERCENT, priorityLoad } from './priority-load.ts';
import type { PriorityLoad } from './priority-load.ts';

export interface BalancerOptions {
  readonly config: Cluster;
  readonly random: () => number;
  /** `lb_healthy_panic` */
  readonly panicChoices: Counter;
}

/** One list of hosts and its picker. */
class PickList {
  readonly hosts: readonly UpstreamHost[];
  readonly #factory: PickerFactory;
  #picker: HostPicker | null = null;

  constructor(hosts: readonly UpstreamHost[], factory: PickerFactory) {
    this.hosts = hosts;
    this.#factory = factory;
  }

  pick(): UpstreamHost | null {
    if (this.hosts.length === 0) return null;
    this.#picker ??= this.#factory(this.hosts);
    return this.#picker.pick();
  }
}

interface Level {
  readonly all: PickList;
  readonly healthy: PickList;
  readonly degraded: PickList;
}

export class ClusterBalancer implements LoadBalancer {
  readonly #options: BalancerOptions;
  readonly #factory: PickerFactory;
  #levels: readonly Level[] = [];
  #load: PriorityLoad = { healthy: [], degraded: [], panic: [] };
  /** The list that takes everything; null when a draw has to decide. */
  #only: PickList | null = null;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#factory = pickerFactory(options.config, options.random);
  }

  update(hosts: readonly UpstreamHost[]): void {
    const { config } = this.#options;
    const priorities = hosts.reduce((most, host) => Math.max(most, host.priority + 1), 1);
    this.#levels = Array.from({ length: priorities }, (_, priority) => {
      const all = hosts.filter((host) => host.priority === priority);
      return {
        all: new PickList(all, this.#factory),
        healthy: new PickList(
          all.filter((host) => host.health === 'healthy'),
          this.#factory,
        ),
        degraded: new PickList(
          all.filter((host) => host.health === 'degraded'),
          this.#factory,
        ),
      };
    });
    this.#load = priorityLoad(
      this.#levels.map((level) => ({
        total: level.all.hosts.length,
        healthy: level.healthy.hosts.length,
        degraded: level.degraded.hosts.length,
      })),
      config.load_assignment?.policy?.overprovisioning_factor ?? OVERPROVISIONING_PERCENT,
      Math.min(100, config.common_lb_config?.healthy_panic_threshold?.value ?? PANIC_THRESHOLD_PERCENT),
    );
    const first = this.#load.healthy.indexOf(100);
    this.#only =
      first >= 0 && this.#load.panic[first] === false ? (this.#levels[first]?.healthy ?? null) : null;
  }

  choose(context: LoadBalancerContext): UpstreamHost | null {
    let host = this.#chooseOnce();
    const { attempted } = context;
    if (attempted === undefined || attempted.length === 0) return host;
    for (let left = context.selectionRetries ?? 1; left > 0; left -= 1) {
      if (host === null || !attempted.includes(host)) return host;
      host = this.#chooseOnce();
    }
    return host;
  }

  #chooseOnce(): UpstreamHost | null {
    if (this.#only !== null) return this.#only.pick();
    let draw = Math.floor(this.#options.random() * 100);
    for (let priority = 0; priority < this.#levels.length; priority += 1) {
      draw -= this.#load.healthy[priority] ?? 0;
      if (draw < 0) return this.#pickFrom(priority, 'healthy');
    }
    for (let priority = 0; priority < this.#levels.length; priority += 1) {
      draw -= this.#load.degraded[priority] ?? 0;
      if (draw < 0) return this.#pickFrom(priority, 'degraded');
    }
    return null;
  }

  #pickFrom(priority: number, wanted: 'healthy' | 'degraded'): UpstreamHost | null {
    const level = this.#levels[priority];
    if (level === undefined) return null;
    if (this.#load.panic[priority] !== true) return level[wanted].pick();
    this.#options.panicChoices.inc();
    return level.all.pick();
  }
}
