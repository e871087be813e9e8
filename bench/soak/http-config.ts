/**
 * Bootstraps of the soak as data: one HTTP listener, the clusters, a file log. Ports of listener and admin are the kernel's choice.
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface HttpConfig {
  /** Absent: no log. */
  readonly log?: { readonly path: string; readonly format: string; readonly filter?: JsonObject };
  readonly clusters: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  /** In front of the router. */
  readonly filters?: readonly JsonObject[];
  readonly manager?: JsonObject;
  readonly listener?: JsonObject;
}

const EXTENSIONS = 'type.googleapis.com/envoy.extensions';
const PROTOCOL = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** No request of a soak is refused because there are many of them, unless that is what the part is about. */
const MANY = 40_000;

export function httpBootstrap(config: HttpConfig): JsonObject {
  const { log, clusters, routes, filters = [], manager = {}, listener = {} } = config;
  const accessLog = log === undefined ? [] : [fileLog(log)];
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': `${EXTENSIONS}.filters.http.router.v3.Router` },
  };
  const typedManager = {
    '@type': `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'soak',
    access_log: accessLog,
    route_config: { name: 'soak', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [...filters, router],
    ...manager,
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: typedManager };
  return {
    admin: { address: socketAddress(0) },
    static_resources: {
      listeners: [
        { name: 'soak', address: socketAddress(0), filter_chains: [{ filters: [filter] }], ...listener },
      ],
      clusters,
    },
  };
}

function fileLog({ path, format, filter }: NonNullable<HttpConfig['log']>): JsonObject {
  return {
    name: 'envoy.access_loggers.file',
    ...(filter === undefined ? {} : { filter }),
    typed_config: {
      '@type': `${EXTENSIONS}.access_loggers.file.v3.FileAccessLog`,
      path,
      log_format: { text_format_source: { inline_string: format } },
    },
  };
}

export function cluster(name: string, ports: readonly number[], more: JsonObject = {}): JsonObject {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    circuit_breakers: {
      thresholds: [
        { max_connections: MANY, max_pending_requests: MANY, max_requests: MANY, max_retries: MANY },
      ],
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: socketAddress(port) } })) }],
    },
    ...more,
  };
}

/** `common_http_protocol_options` where a cluster has them. */
export function protocolOptions(common: JsonObject): JsonObject {
  return {
    typed_extension_protocol_options: {
      [PROTOCOL]: {
        '@type': `type.googleapis.com/${PROTOCOL}`,
        common_http_protocol_options: common,
        explicit_http_config: { http_protocol_options: {} },
      },
    },
  };
}

export function route(prefix: string, clusterName: string, more: JsonObject = {}): JsonObject {
  return { match: { prefix }, route: { cluster: clusterName, ...more } };
}

export function socketAddress(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
