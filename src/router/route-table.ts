/**
 * The compiled route table: virtual host by authority, then its routes in order, the first that matches wins.
 *
 *   authority -> DomainSearch -> virtual host -> RouteEntry[] in order -> ResolvedRoute
 *
 * Made once per route configuration and worker from the slot's snapshot; immutable, asked once per request by the connection
 * manager. A match allocates nothing. A virtual host that was found but has no matching route ends the search (404 NR).
 */
import type { RouteConfiguration, VirtualHost } from '../api/envoy.ts';
import type { HeaderMap, RouteTable } from '../api/http.ts';
import { compileLevel, compileRoute, type Level } from './compile-route.ts';
import { DomainSearch } from './domain-search.ts';
import { compileHeaderFormat } from './header-format.ts';
import type { FormatCompiler } from './header-mutation.ts';
import { requestScheme } from './redirect.ts';
import type { RouteEntry } from './route-entry.ts';
import type { RedirectRoute, ResolvedRoute } from './route.ts';

interface CompiledHost {
  readonly routes: readonly RouteEntry[];
  /** Answer to plain-text requests when `require_tls` says so; null otherwise. */
  readonly toHttps: RedirectRoute | null;
  readonly onlyExternal: boolean;
}

export class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #search: DomainSearch<CompiledHost>;

  constructor(name: string, search: DomainSearch<CompiledHost>) {
    this.name = name;
    this.#search = search;
  }

  match(headers: HeaderMap, random: number): ResolvedRoute | null {
    const host = this.#search.find(headers.authority);
    if (host === null) return null;
    if (host.toHttps !== null && needsTls(host, headers)) return host.toHttps;
    const { routes } = host;
    for (let index = 0; index < routes.length; index += 1) {
      const route = routes[index]?.match(headers, random) ?? null;
      if (route !== null) return route;
    }
    return null;
  }
}

/** Throws on what is wrong or not supported, with the field's name. `formats`: for tests. */
export function compileRouteTable(
  config: RouteConfiguration,
  formats: FormatCompiler = compileHeaderFormat,
): CompiledRouteTable {
  if (config.vhds !== undefined) throw new Error('vhds is not supported');
  if (config.ignore_path_parameters_in_path_matching === true) {
    throw new Error('ignore_path_parameters_in_path_matching is not supported');
  }
  const table = compileLevel(config, formats);
  const search = new DomainSearch<CompiledHost>(config.ignore_port_in_host_matching ?? false);
  for (const virtualHost of config.virtual_hosts ?? []) {
    const host = compileHost(virtualHost, config, table, formats);
    for (const domain of virtualHost.domains ?? []) search.add(domain, host);
  }
  return new CompiledRouteTable(config.name ?? '', search);
}

/** For the configuration's checks: what is wrong with it, null if nothing. */
export function checkRouteTable(config: RouteConfiguration): string | null {
  try {
    compileRouteTable(config);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compileHost(
  virtualHost: VirtualHost,
  config: RouteConfiguration,
  table: Level,
  formats: FormatCompiler,
): CompiledHost {
  if (virtualHost.matcher !== undefined) throw new Error('virtual_hosts.matcher is not supported');
  const host = compileLevel(virtualHost, formats);
  const mostSpecificLast = config.most_specific_header_mutations_wins ?? false;
  const scope = { formats, table, host, virtualHost, mostSpecificLast };
  const routes = (virtualHost.routes ?? []).map((route) => compileRoute(route, scope));
  const tls = virtualHost.require_tls ?? 'NONE';
  return {
    routes,
    toHttps: tls === 'NONE' ? null : httpsRedirect(virtualHost.name ?? ''),
    onlyExternal: tls === 'EXTERNAL_ONLY',
  };
}

function needsTls(host: CompiledHost, headers: HeaderMap): boolean {
  if (requestScheme(headers) === 'https') return false;
  return !host.onlyExternal || headers.get('x-envoy-internal') !== 'true';
}

function httpsRedirect(virtualHostName: string): RedirectRoute {
  return {
    kind: 'redirect',
    routeName: '',
    virtualHostName,
    status: 301,
    location: (headers) => `https://${headers.authority}${headers.path}`,
    requestMutations: [],
    responseMutations: [],
    settings: {
      perFilterConfig: () => undefined,
      idleTimeoutMs: -1,
      maxStreamDurationMs: -1,
      upgradeEnabled: () => null,
    },
  };
}
