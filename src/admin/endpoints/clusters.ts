/**
 * `/clusters`: every cluster with its circuit breakers and hosts, as `name::key::value` lines or as Envoy's `Clusters` JSON.
 * The host numbers are those of all workers together.
 */
import type { BreakerThresholds, ClusterStatus, HostStatus } from '../../api/admin.ts';
import { addressText } from '../../base/address-text.ts';
import { HOST_FIELDS } from '../../observe/stats/host-stats.ts';
import { addressJson } from '../address-text.ts';
import type { Endpoint } from '../endpoint.ts';
import { FORMAT_PARAMETER, formatOf, jsonReply, textReply, unknownFormat } from '../endpoint.ts';

export const clusters: Endpoint = {
  path: '/clusters',
  help: 'upstream cluster status',
  mutates: false,
  parameters: [FORMAT_PARAMETER],
  async handle({ context, query }) {
    const format = formatOf(query);
    if (format === 'unknown') return unknownFormat('/clusters');
    const statuses = await context.clusters();
    if (format === 'json') return jsonReply({ cluster_statuses: statuses.map(clusterJson) });
    return textReply(statuses.map(clusterText).join(''));
  },
};

function clusterText(cluster: ClusterStatus): string {
  const { name } = cluster;
  const lines = [
    `${name}::observability_name::${cluster.observabilityName}`,
    ...thresholdLines(`${name}::default_priority`, cluster.defaultPriority),
    ...thresholdLines(`${name}::high_priority`, cluster.highPriority),
    `${name}::added_via_api::${cluster.addedViaApi}`,
    ...(cluster.edsServiceName === '' ? [] : [`${name}::eds_service_name::${cluster.edsServiceName}`]),
    ...cluster.hosts.flatMap((host) => hostLines(`${name}::${addressText(host.address)}`, host)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function thresholdLines(prefix: string, thresholds: BreakerThresholds): string[] {
  return [
    `${prefix}::max_connections::${thresholds.maxConnections}`,
    `${prefix}::max_pending_requests::${thresholds.maxPendingRequests}`,
    `${prefix}::max_requests::${thresholds.maxRequests}`,
    `${prefix}::max_retries::${thresholds.maxRetries}`,
  ];
}

function hostLines(prefix: string, host: HostStatus): string[] {
  const fields: [string, string | number | boolean][] = [
    ...HOST_FIELDS.map(({ name, key }): [string, number] => [name, host.stats[key]]),
    ['hostname', host.hostname],
    ['health_flags', host.healthFlags === '' ? 'healthy' : host.healthFlags],
    ['weight', host.weight],
    ['region', host.region],
    ['zone', host.zone],
    ['sub_zone', host.subZone],
    ['canary', host.canary],
    ['priority', host.priority],
    ['success_rate', host.successRate],
    ['local_origin_success_rate', host.localOriginSuccessRate],
  ];
  return fields.map(([key, value]) => `${prefix}::${key}::${value}`);
}

function clusterJson(cluster: ClusterStatus): Record<string, unknown> {
  return {
    name: cluster.name,
    ...(cluster.addedViaApi ? { added_via_api: true } : {}),
    ...(cluster.hosts.length === 0 ? {} : { host_statuses: cluster.hosts.map(hostJson) }),
    circuit_breakers: {
      thresholds: [
        thresholdJson(cluster.defaultPriority),
        { priority: 'HIGH', ...thresholdJson(cluster.highPriority) },
      ],
    },
    observability_name: cluster.observabilityName,
    ...(cluster.edsServiceName === '' ? {} : { eds_service_name: cluster.edsServiceName }),
  };
}

function thresholdJson(thresholds: BreakerThresholds): Record<string, unknown> {
  return {
    max_connections: thresholds.maxConnections,
    max_pending_requests: thresholds.maxPendingRequests,
    max_requests: thresholds.maxRequests,
    max_retries: thresholds.maxRetries,
  };
}

const HEALTH_FIELDS: readonly (readonly [flag: string, field: string])[] = [
  ['/failed_active_hc', 'failed_active_health_check'],
  ['/failed_outlier_check', 'failed_outlier_check'],
  ['/degraded_active_hc', 'failed_active_degraded_check'],
  ['/pending_dynamic_removal', 'pending_dynamic_removal'],
  ['/pending_active_hc', 'pending_active_hc'],
  ['/excluded_via_immediate_hc_fail', 'excluded_via_immediate_hc_fail'],
  ['/active_hc_timeout', 'active_hc_timeout'],
];

function hostJson(host: HostStatus): Record<string, unknown> {
  const flags = new Set(host.healthFlags.split('/').map((flag) => `/${flag}`));
  const health: Record<string, unknown> = {};
  for (const [flag, field] of HEALTH_FIELDS) if (flags.has(flag)) health[field] = true;
  health['eds_health_status'] = flags.has('/failed_eds_health') ? 'UNHEALTHY' : 'HEALTHY';
  return {
    address: addressJson(host.address),
    stats: HOST_FIELDS.map(({ name, key, type }) => ({
      name,
      ...(host.stats[key] === 0 ? {} : { value: String(host.stats[key]) }),
      ...(type === 'gauge' ? { type: 'GAUGE' } : {}),
    })),
    health_status: health,
    ...(host.successRate === -1 ? {} : { success_rate: { value: host.successRate } }),
    weight: host.weight,
    ...(host.hostname === '' ? {} : { hostname: host.hostname }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    ...(host.localOriginSuccessRate === -1
      ? {}
      : { local_origin_success_rate: { value: host.localOriginSuccessRate } }),
    locality: localityJson(host),
  };
}

function localityJson(host: HostStatus): Record<string, unknown> {
  const entries = Object.entries({ region: host.region, zone: host.zone, sub_zone: host.subZone });
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}
