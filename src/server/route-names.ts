/**
 * Takes the route tables out of the listeners and into the `routes` slot, where they lie once for all workers and can be replaced
 * while connections stay open. The connection manager keeps the name alone: `route_config: { name }`.
 *
 * Two connection managers may use the same name for different tables, or none at all: then the table gets a name of its own,
 * `<listener>/<filter chain>/<position>`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FilterChain, HttpConnectionManager, Listener, RouteConfiguration } from '../api/envoy.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

export interface NamedRoutes {
  readonly listeners: readonly Listener[];
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
}

export function nameRoutes(listeners: readonly Listener[]): NamedRoutes {
  const routes = new Map<string, RouteConfiguration>();
  const named = listeners.map((listener, index) => {
    const where = listener.name ?? `listener_${index}`;
    const chains = (listener.filter_chains ?? []).map((chain, place) =>
      nameInChain(chain, `${where}/${chain.name ?? place}`, routes),
    );
    const fallback = listener.default_filter_chain;
    const last =
      fallback === undefined
        ? {}
        : { default_filter_chain: nameInChain(fallback, `${where}/default`, routes) };
    return { ...listener, filter_chains: chains, ...last };
  });
  return { listeners: named, routes };
}

function nameInChain(
  chain: FilterChain,
  where: string,
  routes: Map<string, RouteConfiguration>,
): FilterChain {
  const filters = (chain.filters ?? []).map((filter, index) => {
    const config = filter.typed_config;
    if (config?.['@type'] !== HCM) return filter;
    const table = (config as HttpConnectionManager).route_config;
    if (table === undefined) return filter;
    const name = freeName(table, `${where}/${index}`, routes);
    routes.set(name, { ...table, name });
    return { ...filter, typed_config: { ...config, route_config: { name } } };
  });
  return { ...chain, filters };
}

function freeName(
  table: RouteConfiguration,
  own: string,
  routes: ReadonlyMap<string, RouteConfiguration>,
): string {
  const { name = '' } = table;
  if (name === '') return own;
  const holder = routes.get(name);
  return holder === undefined || isDeepStrictEqual(holder, table) ? name : own;
}
