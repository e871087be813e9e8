/**
 * One endpoint of a cluster as a worker sees it. It outlives snapshots: as long as its address stays in the cluster it is the
 * same object with the same pools, counts and stats; a snapshot only changes its weight, priority and health.
 */
import type { Address } from '../api/socket.ts';
import type { Host, HostSnapshot, HostStats } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { detailsOf } from './host-details.ts';
import type { HostPools } from './pool/host-pools.ts';

export type HostHealth = 'healthy' | 'degraded' | 'unhealthy';

/** Gives the slab's view for a host; a plain object where nobody reads them. */
export type HostStatsFactory = (cluster: string, address: string) => HostStats;

export class UpstreamHost implements Host {
  readonly address: Address;
  readonly key: string;
  readonly cluster: ClusterSettings;
  readonly stats: HostStats;
  readonly pools: HostPools;
  hostname = '';
  weight = 1;
  priority = 0;
  healthFlags = '';
  health: HostHealth = 'healthy';
  activeRequests = 0;

  constructor(
    snapshot: HostSnapshot,
    cluster: ClusterSettings,
    stats: HostStatsFactory,
    pools: (host: UpstreamHost) => HostPools,
  ) {
    this.address = snapshot.address;
    this.key = addressText(snapshot.address);
    this.cluster = cluster;
    this.stats = stats(cluster.observabilityName, this.key);
    this.update(snapshot);
    this.pools = pools(this);
  }

  get healthy(): boolean {
    return this.health !== 'unhealthy';
  }

  update(snapshot: HostSnapshot): void {
    const { hostname, weight, priority, healthFlags } = detailsOf(snapshot);
    this.hostname = hostname;
    this.weight = weight;
    this.priority = priority;
    this.healthFlags = healthFlags;
    this.health = healthOf(healthFlags);
  }
}

/** Flags that only push a host back behind the healthy ones; every other flag takes it out. */
export function healthOf(flags: string): HostHealth {
  if (flags === '') return 'healthy';
  const degraded = flags.split('/').every((flag) => flag === '' || flag.startsWith('degraded_'));
  return degraded ? 'degraded' : 'unhealthy';
}

export class PlainHostStats implements HostStats {
  cxActive = 0;
  cxConnectFail = 0;
  cxTotal = 0;
  rqActive = 0;
  rqError = 0;
  rqSuccess = 0;
  rqTimeout = 0;
  rqTotal = 0;
}
