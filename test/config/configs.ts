/** Texts that the configuration tests are made of: a working bootstrap, and its parts to break one at a time. */
import { ConfigError } from '../../src/config/config-error.ts';
import { loadBootstrap } from '../../src/config/load-bootstrap.ts';
import type { LoadOptions } from '../../src/config/load-bootstrap.ts';

export const HCM =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
export const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
export const ECHO = 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo';
export const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
export const STDOUT = 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';

/** Plain objects: a test changes what it is about and loads the rest as it is. */
export interface Parts {
  manager?: object;
  route?: object;
  hosts?: readonly object[];
  filters?: readonly object[];
  chains?: readonly object[];
  listener?: object;
  cluster?: object;
  bootstrap?: object;
  resources?: object;
}

export const ROUTER_FILTER = { name: 'router', typed_config: { '@type': ROUTER } };

export function bootstrapOf(parts: Parts = {}): object {
  const route = { match: { prefix: '/' }, route: { cluster: 'service', ...parts.route } };
  const manager = {
    '@type': HCM,
    stat_prefix: 'in',
    http_filters: [ROUTER_FILTER],
    route_config: { virtual_hosts: parts.hosts ?? [{ name: 'all', domains: ['*'], routes: [route] }] },
    ...parts.manager,
  };
  const filters = parts.filters ?? [{ name: 'hcm', typed_config: manager }];
  const listener = {
    name: 'in',
    address: { socket_address: { address: '127.0.0.1', port_value: 10000 } },
    filter_chains: parts.chains ?? [{ filters }],
    ...parts.listener,
  };
  const cluster = {
    name: 'service',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'service',
      endpoints: [{ lb_endpoints: [endpoint('127.0.0.1', 8080)] }],
    },
    ...parts.cluster,
  };
  return {
    static_resources: { listeners: [listener], clusters: [cluster], ...parts.resources },
    ...parts.bootstrap,
  };
}

export function endpoint(address: string, port: number): object {
  return { endpoint: { address: { socket_address: { address, port_value: port } } } };
}

/** Path and message of each issue, in order; empty when it loads. */
export function issuesOf(config: object | string, options: LoadOptions = {}): string[] {
  const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
  try {
    loadBootstrap({ text, file: 'envoy.yaml' }, options);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map((issue) => `${issue.path}: ${issue.message}`);
  }
}
