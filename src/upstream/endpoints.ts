/**
 * The endpoints that a cluster's configuration lists, flattened: an address or a name to resolve, with everything else that a
 * host will have. Main only. Throws on what no host can be made of, with a text for the operator.
 */
import type { Cluster, HealthStatus, LbEndpoint, LocalityLbEndpoints } from '../api/envoy.ts';
import type { Address } from '../api/socket.ts';
import type { HostSnapshot } from '../api/upstream.ts';
import { addressOf } from './endpoint-address.ts';
import { toldOf } from './host-details.ts';

export interface Endpoint {
  /** Null: `name` has to be resolved. */
  readonly address: Address | null;
  readonly name: string;
  readonly port: number;
  readonly host: Omit<HostSnapshot, 'address'>;
}

export function endpointsOf(config: Cluster): Endpoint[] {
  const cluster = config.name ?? '';
  const type = config.type ?? 'STATIC';
  if (type !== 'STATIC' && type !== 'STRICT_DNS') {
    throw new Error(`cluster ${cluster}: type ${type} is not supported`);
  }
  const endpoints: Endpoint[] = [];
  for (const locality of config.load_assignment?.endpoints ?? []) {
    for (const entry of locality.lb_endpoints ?? []) {
      const endpoint = endpointOf(cluster, locality, entry);
      if (endpoint.address === null && type === 'STATIC') {
        throw new Error(
          `cluster ${cluster}: "${endpoint.name}" is no IP address; names need type STRICT_DNS`,
        );
      }
      endpoints.push(endpoint);
    }
  }
  return endpoints;
}

/** What the hosts do not say already: the policy stays. */
export function withoutEndpoints(config: Cluster): Cluster {
  const { load_assignment: assignment, ...rest } = config;
  return assignment?.policy === undefined
    ? rest
    : { ...rest, load_assignment: { policy: assignment.policy } };
}

function endpointOf(cluster: string, locality: LocalityLbEndpoints, entry: LbEndpoint): Endpoint {
  const config = entry.endpoint?.address;
  const address = addressOf(config);
  const name = config?.socket_address?.address ?? '';
  const port = config?.socket_address?.port_value ?? 0;
  if (address === null && name === '') throw new Error(`cluster ${cluster}: an endpoint has no address`);
  return {
    address,
    name,
    port,
    host: toldOf({
      hostname: entry.endpoint?.hostname ?? (address === null ? name : ''),
      weight: entry.load_balancing_weight ?? 1,
      priority: locality.priority ?? 0,
      region: locality.locality?.region ?? '',
      zone: locality.locality?.zone ?? '',
      subZone: locality.locality?.sub_zone ?? '',
      healthFlags: flagsOf(entry.health_status ?? 'UNKNOWN'),
    }),
  };
}

/** As `/clusters` prints them. */
function flagsOf(status: HealthStatus): string {
  switch (status) {
    case 'UNHEALTHY':
    case 'TIMEOUT':
      return '/failed_eds_health';
    case 'DRAINING':
      return '/failed_eds_health/eds_status_draining';
    case 'DEGRADED':
      return '/degraded_eds_health';
    default:
      return '';
  }
}
