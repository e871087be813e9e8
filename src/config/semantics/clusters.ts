/**
 * What Envoy checks of a cluster when it builds it: a way to find hosts, addresses of the kind that the type asks for, one set
 * of thresholds per priority, extension options under their own name.
 */
import { isIP } from 'node:net';
import type { Cluster, Endpoint, LbEndpoint } from '../../api/envoy.ts';
import type { CheckContext } from './context.ts';

const BALANCERS = 'envoy.extensions.load_balancing_policies.';
const MAX_PRIORITY = 128;

export function checkCluster(cluster: Cluster, path: string, context: CheckContext): void {
  const assignment = cluster.load_assignment;
  // A type that is not supported has been reported; what it asks of the hosts is not known.
  const type = context.isUnread(`${path}.type`) ? '' : (cluster.type ?? 'STATIC');
  if (assignment === undefined && type !== '') {
    context.report(cluster, '', `${path}.load_assignment`, `required for a cluster of type ${type}`);
  }
  for (const [index, locality] of (assignment?.endpoints ?? []).entries()) {
    for (const [number, endpoint] of (locality.lb_endpoints ?? []).entries()) {
      const at = `${path}.load_assignment.endpoints[${index}].lb_endpoints[${number}]`;
      checkEndpoint(endpoint, type, at, context);
    }
    if ((locality.priority ?? 0) >= MAX_PRIORITY) {
      const at = `${path}.load_assignment.endpoints[${index}].priority`;
      context.report(locality, 'priority', at, `must be < ${MAX_PRIORITY}`);
    }
  }
  checkThresholds(cluster, path, context);
  checkExtensions(cluster, path, context);
  checkFilters(cluster, path, context);
}

function checkEndpoint(entry: LbEndpoint, type: string, path: string, context: CheckContext): void {
  const endpoint = entry.endpoint;
  const address = endpoint?.address;
  if (endpoint === undefined || address === undefined) {
    context.report(endpoint ?? entry, '', `${path}.endpoint.address`, 'required');
    return;
  }
  if (type === 'STRICT_DNS') checkDnsName(endpoint, path, context);
  const ip = address.socket_address?.address ?? '';
  if (type === 'STATIC' && address.socket_address !== undefined && isIP(ip) === 0) {
    const text = `must be an IP address in a STATIC cluster, got ${JSON.stringify(ip)} (STRICT_DNS resolves names)`;
    context.report(
      address.socket_address,
      'address',
      `${path}.endpoint.address.socket_address.address`,
      text,
    );
  }
  if (address.socket_address?.port_value === 0) {
    const at = `${path}.endpoint.address.socket_address.port_value`;
    context.report(address.socket_address, 'port_value', at, 'must be > 0 for an endpoint');
  }
}

function checkDnsName(endpoint: Endpoint, path: string, context: CheckContext): void {
  if (endpoint.address?.socket_address === undefined) {
    context.report(
      endpoint,
      'address',
      `${path}.endpoint.address`,
      'must be a socket_address in a STRICT_DNS cluster',
    );
  }
}

function checkThresholds(cluster: Cluster, path: string, context: CheckContext): void {
  const seen = new Set<string>();
  for (const [index, threshold] of (cluster.circuit_breakers?.thresholds ?? []).entries()) {
    const priority = threshold.priority ?? 'DEFAULT';
    if (seen.has(priority)) {
      const at = `${path}.circuit_breakers.thresholds[${index}].priority`;
      context.report(threshold, 'priority', at, `thresholds for ${priority} are given twice`);
    }
    seen.add(priority);
  }
}

function checkFilters(cluster: Cluster, path: string, context: CheckContext): void {
  for (const [index, filter] of (cluster.filters ?? []).entries()) {
    if (filter.typed_config !== undefined) continue;
    context.report(filter, '', `${path}.filters[${index}].typed_config`, 'required');
  }
}

function checkExtensions(cluster: Cluster, path: string, context: CheckContext): void {
  for (const [key, options] of Object.entries(cluster.typed_extension_protocol_options ?? {})) {
    if (key === options['@type']) continue;
    const at = `${path}.typed_extension_protocol_options[${JSON.stringify(key)}]`;
    context.report(options, '', at, `the key must be the name of the type, ${options['@type']}`);
  }
  const policies = cluster.load_balancing_policy?.policies ?? [];
  for (const [index, policy] of policies.entries()) {
    const type = policy.typed_extension_config?.typed_config?.['@type'];
    if (type?.startsWith(BALANCERS)) continue;
    const at = `${path}.load_balancing_policy.policies[${index}]`;
    context.report(policy, '', at, 'needs the typed_config of a load balancing policy');
  }
  if (cluster.lb_policy === 'LOAD_BALANCING_POLICY_CONFIG' && policies.length === 0) {
    context.report(cluster, 'lb_policy', `${path}.lb_policy`, 'needs load_balancing_policy');
  }
  const source = cluster.upstream_bind_config?.source_address;
  if (source?.address !== undefined && isIP(source.address) === 0) {
    context.report(
      source,
      'address',
      `${path}.upstream_bind_config.source_address.address`,
      'must be an IP address',
    );
  }
}
