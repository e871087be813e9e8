/**
 * Bootstraps of the proxies of a topology: sidecars and node proxies are the same program and differ in this alone.
 *
 *   sidecar of c1   pod:outbound    one chain                                    -> clusters by the request's host
 *   node 1          node:outbound   a chain per pod, by the source address       -> clusters by the request's host
 *   sidecar of s1   pod:inbound     one chain                                    -> the service of s1
 *   node 2          *:inbound       a chain per pod, by the destination address  -> the service of that pod
 *
 * A chain is a pod's identity: it has the pod's name in its statistics, its routes and its log file, and the pod's own policy.
 * Requests name where they go: `plain.s1`, `sidecar.s1` or `nodeproxy.s1`.
 */
import { writeFileSync } from 'node:fs';

/** What stands in front of a service: the last part of the way to it. */
export type Front = 'plain' | 'sidecar' | 'nodeproxy';
export const FRONTS: readonly Front[] = ['plain', 'sidecar', 'nodeproxy'];

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Destination extends Endpoint {
  /** `sidecar.s1`; also the name of its cluster. */
  readonly host: string;
}

/** What one pod may differ in from the others. */
export interface Policy {
  /** Of the route, as `0.1s`. */
  readonly timeout?: string;
  /** Answered by the proxy itself with this status. */
  readonly refuse?: number;
}

export interface PodChain {
  /** The pod's name. */
  readonly pod: string;
  readonly direction: 'outbound' | 'inbound';
  readonly logFile: string;
  /** Address that tells the pod: of the source for outbound, of the destination for inbound chains; absent: the only chain. */
  readonly match?: string;
  /** `*`: the only one. */
  readonly destinations: readonly Destination[];
  readonly policy?: Policy;
}

export interface ProxyConfig {
  readonly name: string;
  readonly listens: readonly Endpoint[];
  /** Of the listeners: takes what TPROXY brings. */
  readonly transparent: boolean;
  readonly chains: readonly PodChain[];
  /** Of the admin's socket in the file system, which network namespaces share. */
  readonly adminPath: string;
  readonly logFormat: string;
  /** To a cluster; what finds none free waits. Absent: as many as there are requests. */
  readonly upstreamConnections?: number;
}

const LISTENER_BACKLOG = 4096;
/** Nothing is refused or queued by a limit that was made for one service of many. */
const MOST = 10_000;
const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const FILE_LOG = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';

export function writeProxyConfig(file: string, config: ProxyConfig): void {
  writeFileSync(file, JSON.stringify(bootstrapOf(config), null, 1));
}

/** Name of the pod's chain in the statistics: `http.<this>.downstream_rq_total`. */
export function statPrefix({ pod, direction }: Pick<PodChain, 'pod' | 'direction'>): string {
  return `${direction}_${pod}`;
}

function bootstrapOf(config: ProxyConfig): object {
  const destinations = new Map(
    config.chains.flatMap((chain) =>
      chain.destinations.map((each) => [clusterOf(chain, each), each] as const),
    ),
  );
  return {
    node: { id: config.name, cluster: 'topology' },
    admin: { address: { pipe: { path: config.adminPath } } },
    static_resources: {
      listeners: config.listens.map((endpoint, index) => ({
        name: `${config.name}_${index}`,
        address: addressOf(endpoint),
        tcp_backlog_size: LISTENER_BACKLOG,
        ...(config.transparent ? { transparent: true } : {}),
        filter_chains: config.chains.map((chain) => filterChain(chain, config.logFormat)),
      })),
      clusters: [...destinations].map(([name, endpoint]) => ({
        name,
        type: 'STATIC',
        connect_timeout: '5s',
        circuit_breakers: {
          thresholds: [
            {
              max_connections: config.upstreamConnections ?? MOST,
              max_pending_requests: MOST,
              max_requests: MOST,
            },
          ],
        },
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(endpoint) } }] }],
        },
      })),
    },
  };
}

/** A cluster of its own for each inbound pod, since all of them are asked for as `*`. */
function clusterOf(chain: PodChain, { host }: Destination): string {
  return host === '*' ? `${statPrefix(chain)}_service` : host;
}

function addressOf({ address, port }: Endpoint): object {
  return { socket_address: { address, port_value: port } };
}

function filterChain(chain: PodChain, logFormat: string): object {
  const manager = {
    '@type': `${NETWORK}.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: statPrefix(chain),
    // As Istio has it for its pods: the id that the client gave is the id in every log.
    preserve_external_request_id: true,
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': FILE_LOG,
          path: chain.logFile,
          log_format: { text_format_source: { inline_string: logFormat } },
        },
      },
    ],
    route_config: {
      name: statPrefix(chain),
      virtual_hosts: chain.destinations.map((destination) => virtualHost(chain, destination)),
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } }],
  };
  return {
    name: statPrefix(chain),
    ...(chain.match === undefined ? {} : { filter_chain_match: matchOf(chain.direction, chain.match) }),
    filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
  };
}

function matchOf(direction: PodChain['direction'], address: string): object {
  const range = [{ address_prefix: address, prefix_len: 32 }];
  return direction === 'outbound' ? { source_prefix_ranges: range } : { prefix_ranges: range };
}

function virtualHost(chain: PodChain, destination: Destination): object {
  const { timeout, refuse } = chain.policy ?? {};
  const action =
    refuse === undefined
      ? { route: { cluster: clusterOf(chain, destination), ...(timeout === undefined ? {} : { timeout }) } }
      : { direct_response: { status: refuse, body: { inline_string: `not for ${chain.pod}\n` } } };
  return {
    name: destination.host,
    domains: [destination.host],
    routes: [{ name: `${statPrefix(chain)}:${destination.host}`, match: { prefix: '/' }, ...action }],
  };
}
