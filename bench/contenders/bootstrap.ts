/**
 * One Envoy v3 bootstrap for both proxies that read it: a listener, a cluster of one upstream, and either an HTTP connection
 * manager with a log or a TCP proxy. Limits are out of the way, so that none of them is what is measured.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './contender.ts';

export const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TYPE = 'type.googleapis.com';
const LOCALHOST = '127.0.0.1';
const NO_LIMIT = 60_000;
/** Of a cluster: none of its limits is met. */
export const NO_LIMITS = {
  thresholds: [{ max_connections: NO_LIMIT, max_pending_requests: NO_LIMIT, max_requests: NO_LIMIT }],
};
/** More than the connections of any case: the kernel's queue is not what is measured either. */
const BACKLOG = 16_384;

/** `null`: no log; `default`: Envoy's own format; otherwise a format of text or JSON. */
export type LogFormat = null | 'default' | { readonly text: string } | { readonly json: object };

export interface Bootstrap {
  readonly filter: object;
  /** It listens on each, at the place's port; 127.0.0.1 where absent. */
  readonly addresses?: readonly string[];
  /** Further fields of the listener and of the cluster. */
  readonly listener?: object;
  readonly cluster?: object;
}

export function httpFilter(log: LogFormat, path: string): object {
  const manager = {
    '@type': `${TYPE}/${MANAGER}`,
    stat_prefix: 'bench',
    use_remote_address: true,
    access_log: log === null ? [] : [fileLog(log, path)],
    route_config: {
      name: 'bench',
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPE}/envoy.extensions.filters.http.router.v3.Router` },
      },
    ],
  };
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
}

export function tcpFilter(): object {
  const typed = {
    '@type': `${TYPE}/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: 'bench',
    cluster: 'upstream',
  };
  return { name: 'envoy.filters.network.tcp_proxy', typed_config: typed };
}

/** Writes the bootstrap of a place; returns its file. */
export function writeBootstrap(name: string, place: Place, options: Bootstrap): string {
  const { filter, addresses = [LOCALHOST], listener, cluster } = options;
  const endpoint = { endpoint: { address: socket(place.upstreamPort) } };
  const bootstrap = {
    static_resources: {
      listeners: addresses.map((address, index) => ({
        name: index === 0 ? 'bench' : `bench_${index}`,
        address: socket(place.port, address),
        tcp_backlog_size: BACKLOG,
        ...listener,
        filter_chains: [{ filters: [filter] }],
      })),
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          connect_timeout: '5s',
          circuit_breakers: NO_LIMITS,
          ...cluster,
          load_assignment: { cluster_name: 'upstream', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  };
  const file = join(place.folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(bootstrap, null, 2));
  return file;
}

export function fileLog(format: Exclude<LogFormat, null>, path: string): object {
  const typed = {
    '@type': `${TYPE}/envoy.extensions.access_loggers.file.v3.FileAccessLog`,
    path,
    ...(format === 'default' ? {} : { log_format: formatOf(format) }),
  };
  return { name: 'envoy.access_loggers.file', typed_config: typed };
}

function formatOf(format: { readonly text: string } | { readonly json: object }): object {
  return 'text' in format
    ? { text_format_source: { inline_string: format.text } }
    : { json_format: format.json };
}

function socket(port: number, address = LOCALHOST): object {
  return { socket_address: { address, port_value: port } };
}
