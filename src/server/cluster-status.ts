/** Clusters as the admin's `/clusters` shows them: what main resolved, with the numbers of all workers added up. */
import type { BreakerThresholds, ClusterStatus, HostStatus } from '../api/admin.ts';
import type { Priority } from '../api/upstream.ts';
import type { ClusterSnapshot, HostSnapshot } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import type { MergedStats } from '../observe/stats/merged-stats.ts';
import { limitsOf } from '../upstream/breaker/thresholds.ts';
import { detailsOf } from '../upstream/host-details.ts';

/** Envoy's value for "not enough requests to tell": no outlier detection measures it here yet. */
const UNKNOWN_RATE = -1;

export function clusterStatuses(
  snapshots: ReadonlyMap<string, ClusterSnapshot>,
  stats: MergedStats,
): ClusterStatus[] {
  return Array.from(snapshots, ([name, { config, hosts }]) => ({
    name,
    observabilityName: config.alt_stat_name ?? name,
    addedViaApi: false,
    edsServiceName: config.eds_cluster_config?.service_name ?? '',
    defaultPriority: thresholds(config, 'default'),
    highPriority: thresholds(config, 'high'),
    hosts: hosts.map((host) => hostStatus(name, host, stats)),
  }));
}

function thresholds(config: ClusterSnapshot['config'], priority: Priority): BreakerThresholds {
  const limits = limitsOf(config, priority);
  return {
    maxConnections: limits.connections,
    maxPendingRequests: limits.pendingRequests,
    maxRequests: limits.requests,
    maxRetries: limits.retries,
  };
}

function hostStatus(cluster: string, host: HostSnapshot, stats: MergedStats): HostStatus {
  const { address } = host;
  return {
    address,
    ...detailsOf(host),
    stats: stats.hostTotals(cluster, addressText(address)),
    canary: false,
    successRate: UNKNOWN_RATE,
    localOriginSuccessRate: UNKNOWN_RATE,
  };
}
