/**
 * What Envoy checks of listeners and filter chains when it builds them: an address to bind, chains that can be told apart, the
 * order of filters.
 */
import { isIP } from 'node:net';
import type { AddressConfig, FilterChain, HttpConnectionManager, Listener } from '../../api/envoy.ts';
import type { CheckContext } from './context.ts';

/** They take the connection; a chain ends with exactly one of them. */
const TERMINAL_NETWORK_FILTERS: ReadonlySet<string> = new Set([
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.filters.network.echo.v3.Echo',
]);
const ROUTER = 'envoy.extensions.filters.http.router.v3.Router';

export function checkListener(listener: Listener, path: string, context: CheckContext): void {
  if (listener.address === undefined) {
    context.report(listener, '', `${path}.address`, 'required');
  } else {
    checkBindAddress(listener.address, `${path}.address`, context);
  }
  const chains = listener.filter_chains ?? [];
  if (chains.length === 0 && listener.default_filter_chain === undefined) {
    context.report(
      listener,
      'filter_chains',
      `${path}.filter_chains`,
      'a listener needs at least one filter chain',
    );
  }
  const seen = new Map<string, number>();
  for (const [index, chain] of chains.entries()) {
    const match = canonical(chain.filter_chain_match ?? {});
    const first = seen.get(match);
    if (first !== undefined) {
      const text = `matches the same connections as filter_chains[${first}]`;
      context.report(chain, 'filter_chain_match', `${path}.filter_chains[${index}].filter_chain_match`, text);
    }
    seen.set(match, first ?? index);
  }
}

export function checkBindAddress(address: AddressConfig, path: string, context: CheckContext): void {
  const ip = address.socket_address?.address;
  if (ip === undefined || isIP(ip) !== 0) return;
  context.report(
    address.socket_address ?? address,
    'address',
    `${path}.socket_address.address`,
    `must be an IP address to listen on, got ${JSON.stringify(ip)}`,
  );
}

/** The connection is built with the last filter in mind: nothing may stand behind a filter that takes it. */
export function checkFilterChain(chain: FilterChain, path: string, context: CheckContext): void {
  const filters = chain.filters ?? [];
  for (const [index, filter] of filters.entries()) {
    const at = `${path}.filters[${index}]`;
    const type = filter.typed_config?.['@type'];
    if (type === undefined) {
      context.report(filter, '', `${at}.typed_config`, 'required');
      continue;
    }
    const terminal = TERMINAL_NETWORK_FILTERS.has(type);
    const last = index === filters.length - 1;
    if (terminal && !last)
      context.report(filter, '', at, 'a terminal filter must be the last one of its chain');
    if (!terminal && last)
      context.report(filter, '', at, 'the last filter of a chain must be a terminal one');
  }
}

export function checkHttpFilters(manager: HttpConnectionManager, path: string, context: CheckContext): void {
  const filters = manager.http_filters ?? [];
  if (filters.length === 0) {
    context.report(
      manager,
      'http_filters',
      `${path}.http_filters`,
      'the chain must end with the router filter',
    );
  }
  for (const [index, filter] of filters.entries()) {
    const at = `${path}.http_filters[${index}]`;
    const type = filter.typed_config?.['@type'];
    if (type === undefined) {
      context.report(filter, '', `${at}.typed_config`, 'required');
      continue;
    }
    const last = index === filters.length - 1;
    if (type === ROUTER && !last) context.report(filter, '', at, 'the router must be the last HTTP filter');
    if (type !== ROUTER && last) context.report(filter, '', at, 'the last HTTP filter must be the router');
    if (type === ROUTER && filter.disabled === true) {
      context.report(filter, 'disabled', `${at}.disabled`, 'the router cannot be disabled');
    }
  }
  if (manager.strip_matching_host_port === true && manager.strip_any_host_port === true) {
    const text = 'cannot be given together with "strip_any_host_port"';
    context.report(manager, 'strip_matching_host_port', `${path}.strip_matching_host_port`, text);
  }
}

/** Equal for two messages that say the same, whatever the order of their fields. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
