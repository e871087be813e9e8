/**
 * A bootstrap as the trace runs it: what it says about traffic stays, what would meet the proxy that already runs with it does not.
 * Listeners get a port of the kernel's choice on the loopback, there is no admin, and the one access log is a file of the trace's own
 * with the diagnostic line, so the user's log files are not written to.
 */
import type { Bootstrap, FilterChain, Listener, NetworkFilter } from '../api/envoy.ts';
import { DIAGNOSTIC_FORMAT } from '../observe/format/instrumented-format.ts';

const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const FILE_LOG = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';
const TCP_PROXY = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

export function tracedBootstrap(bootstrap: Bootstrap, logFile: string): Bootstrap {
  const { admin: _, static_resources: resources, ...rest } = bootstrap;
  const listeners = (resources?.listeners ?? []).map((listener) => tracedListener(listener, logFile));
  return { ...rest, static_resources: { ...resources, listeners } };
}

/** Place of the first listener that speaks HTTP; -1 = there is none. */
export function firstHttpListener(bootstrap: Bootstrap): number {
  const listeners = bootstrap.static_resources?.listeners ?? [];
  return listeners.findIndex((listener) =>
    chainsOf(listener).some(({ filters = [] }) => filters.some(isHttp)),
  );
}

function chainsOf({ filter_chains: chains = [], default_filter_chain: last }: Listener): FilterChain[] {
  return last === undefined ? [...chains] : [...chains, last];
}

function isHttp({ typed_config: config }: NetworkFilter): boolean {
  return config?.['@type'] === MANAGER;
}

function tracedListener(listener: Listener, logFile: string): Listener {
  const { access_log: _, default_filter_chain: last, ...rest } = listener;
  return {
    ...rest,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: (listener.filter_chains ?? []).map((chain) => tracedChain(chain, logFile)),
    ...(last === undefined ? {} : { default_filter_chain: tracedChain(last, logFile) }),
  };
}

function tracedChain(chain: FilterChain, logFile: string): FilterChain {
  return { ...chain, filters: (chain.filters ?? []).map((filter) => tracedFilter(filter, logFile)) };
}

function tracedFilter(filter: NetworkFilter, logFile: string): NetworkFilter {
  const config = filter.typed_config;
  if (config?.['@type'] === MANAGER) {
    return { ...filter, typed_config: { ...config, access_log: [diagnosticLog(logFile)] } };
  }
  if (config?.['@type'] === TCP_PROXY) return { ...filter, typed_config: { ...config, access_log: [] } };
  return filter;
}

function diagnosticLog(path: string) {
  return {
    name: 'trace',
    typed_config: {
      '@type': FILE_LOG,
      path,
      log_format: { text_format_source: { inline_string: DIAGNOSTIC_FORMAT } },
    },
  } as const;
}
