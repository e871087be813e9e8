/**
 * A cluster on one worker: its hosts, its balancer, its limits.
 *
 * A new snapshot changes the host set and nothing else: hosts are recognised by their address and keep their pools, counts and
 * stats; hosts that are gone leave the balancer at once, serve the requests that they have, and are forgotten when their last
 * connection closes. One that comes back before that is taken up again.
 */
import type {
  ClusterSnapshot,
  HttpPool,
  LoadBalancerContext,
  Priority,
  TcpPool,
  ThreadLocalCluster,
} from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import { ClusterBalancer } from './balancer/cluster-balancer.ts';
import { ClusterBreakers } from './breaker/circuit-breakers.ts';
import type { CountPlace } from './breaker/circuit-breakers.ts';
import { limitsOf } from './breaker/thresholds.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { UpstreamHost } from './host.ts';
import type { HostStatsFactory } from './host.ts';
import type { PoolEnvironment } from './pool/environment.ts';
import { HostPools } from './pool/host-pools.ts';

export interface ClusterOptions {
  readonly settings: ClusterSettings;
  readonly environment: PoolEnvironment;
  readonly hostStats: HostStatsFactory;
  readonly place: CountPlace;
}

export class WorkerCluster implements ThreadLocalCluster {
  readonly info: ClusterSettings;
  hosts: readonly UpstreamHost[] = [];
  version = -1;
  readonly #options: ClusterOptions;
  readonly #balancer: ClusterBalancer;
  readonly #default: ClusterBreakers;
  readonly #high: ClusterBreakers;
  readonly #leaving = new Map<string, UpstreamHost>();
  #drained = false;

  constructor(options: ClusterOptions) {
    const { settings, environment, place } = options;
    const { dispatcher } = environment;
    this.info = settings;
    this.#options = options;
    this.#balancer = new ClusterBalancer({
      config: settings.config,
      random: () => dispatcher.random(),
      panicChoices: settings.counters.lbHealthyPanic,
    });
    this.#default = new ClusterBreakers(place, 'default', limitsOf(settings.config, 'default'));
    this.#high = new ClusterBreakers(place, 'high', limitsOf(settings.config, 'high'));
  }

  /** Hosts that are no more in the cluster but still have requests or connections. */
  get leaving(): Iterable<UpstreamHost> {
    return this.#leaving.values();
  }

  get quiet(): boolean {
    return this.#leaving.size === 0;
  }

  breakers(priority: Priority): ClusterBreakers {
    return priority === 'high' ? this.#high : this.#default;
  }

  httpPool(context: LoadBalancerContext, priority: Priority): HttpPool | null {
    const host = this.#choose(context);
    return host === null ? null : host.pools.http(priority, this.breakers(priority));
  }

  tcpPool(context: LoadBalancerContext, priority: Priority): TcpPool | null {
    const host = this.#choose(context);
    return host === null ? null : host.pools.tcp(priority, this.breakers(priority));
  }

  /** Takes the hosts of a newer snapshot of the same configuration. */
  update(snapshot: ClusterSnapshot): void {
    const gone = new Map(this.hosts.map((host) => [host.key, host]));
    const hosts: UpstreamHost[] = [];
    const seen = new Set<string>();
    for (const entry of snapshot.hosts) {
      const key = addressText(entry.address);
      // An address listed twice is one host, the first of its entries.
      if (seen.has(key)) continue;
      seen.add(key);
      const known = gone.get(key) ?? this.#takeBack(key);
      gone.delete(key);
      known?.update(entry);
      hosts.push(known ?? this.#makeHost(entry));
    }
    this.version = snapshot.version;
    this.hosts = hosts;
    this.#balancer.update(hosts);
    for (const host of gone.values()) this.#leave(host);
  }

  /** Idle connections go; from now on connections close after their request. Requests are still served. */
  drain(hard: boolean): void {
    this.#drained = true;
    for (const host of [...this.hosts, ...this.#leaving.values()]) {
      host.pools.drain();
      if (hard) host.pools.closeAll();
    }
  }

  /** The cluster is gone or replaced: all hosts leave. */
  retire(): void {
    const { hosts } = this;
    this.hosts = [];
    this.#balancer.update([]);
    for (const host of hosts) this.#leave(host);
  }

  #choose(context: LoadBalancerContext): UpstreamHost | null {
    const host = this.#balancer.choose(context);
    if (host === null) this.info.counters.cxNoneHealthy.inc();
    return host;
  }

  #makeHost(entry: ClusterSnapshot['hosts'][number]): UpstreamHost {
    const host = new UpstreamHost(entry, this.info, this.#options.hostStats, (made) => {
      const pools = new HostPools(this.#options.environment, made, () => this.#forget(made));
      if (this.#drained) pools.drain();
      return pools;
    });
    return host;
  }

  #takeBack(key: string): UpstreamHost | undefined {
    const host = this.#leaving.get(key);
    if (host === undefined) return undefined;
    this.#leaving.delete(key);
    if (!this.#drained) host.pools.resume();
    return host;
  }

  #leave(host: UpstreamHost): void {
    this.#leaving.set(host.key, host);
    host.pools.drain();
  }

  #forget(host: UpstreamHost): void {
    if (this.#leaving.get(host.key) === host) this.#leaving.delete(host.key);
  }
}
