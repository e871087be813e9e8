/**
 * The route table of a worker: virtual host by authority, then its routes in order, the first that matches wins.
 *
 *   authority -> DomainSearch -> VirtualHosts -> RouteEntry[] in order -> ResolvedRoute
 *
 * Opened once per version of the slot's snapshot, asked once per request by the connection manager. A virtual host is decoded and
 * compiled at its first request; from then on a match allocates nothing. A virtual host that was found but has no matching route
 * ends the search (404 NR).
 */
import { isDeepStrictEqual } from 'node:util';
import type { RouteConfiguration } from '../api/envoy.ts';
import type { HeaderMap, RouteTable } from '../api/http.ts';
import type { DomainGroup } from '../api/server.ts';
import type { Gauge } from '../api/stats.ts';
import { invariant } from '../base/invariant.ts';
import { hostCompiler } from './compile-host.ts';
import type { CompiledHost } from './compile-host.ts';
import { DomainSearch } from './domain-search.ts';
import { compileHeaderFormat } from './header-format.ts';
import type { FormatCompiler } from './header-mutation.ts';
import { requestScheme } from './redirect.ts';
import type { ResolvedRoute } from './route.ts';
import { HEAD_KEY, partsPrefix, routeParts } from './route-parts.ts';
import { VirtualHosts } from './virtual-hosts.ts';
import type { RouteParts } from './virtual-hosts.ts';

const UNCOUNTED: Pick<Gauge, 'add'> = { add: () => undefined };

interface Head {
  readonly config: RouteConfiguration;
  readonly domains: readonly DomainGroup[];
}

export class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #config: RouteConfiguration;
  readonly #hosts: VirtualHosts;
  readonly #search: DomainSearch<CompiledHost>;

  constructor(head: Head, hosts: VirtualHosts) {
    const { config, domains } = head;
    this.name = config.name ?? '';
    this.#config = config;
    this.#hosts = hosts;
    const ignorePort = config.ignore_port_in_host_matching ?? false;
    this.#search = new DomainSearch(domains, ignorePort, (kind, text) => hosts.find(kind, text));
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

  /** This table is not asked again: `next`, of a newer snapshot, takes over what has not changed. */
  retire(next: CompiledRouteTable | null): void {
    if (next !== null && isDeepStrictEqual(next.#config, this.#config)) next.#hosts.adopt(this.#hosts);
    this.#hosts.release();
  }
}

/** Null: there is none of that name. `inflated` counts the virtual hosts that are decoded and compiled. */
export function openRouteTable(
  parts: RouteParts,
  name: string,
  inflated: Pick<Gauge, 'add'>,
  formats: FormatCompiler = compileHeaderFormat,
): CompiledRouteTable | null {
  const head = parts.scope(partsPrefix(name)).load(HEAD_KEY);
  if (head?.kind !== 'table') return null;
  const hosts = new VirtualHosts(parts, name, hostCompiler(head.config, formats), inflated);
  return new CompiledRouteTable(head, hosts);
}

/** A table that stands in a configuration. Throws on what is wrong or not supported, with the field's name. `formats`: for tests. */
export function compileRouteTable(
  config: RouteConfiguration,
  formats: FormatCompiler = compileHeaderFormat,
): CompiledRouteTable {
  checkRouteTable(config, formats);
  const { name = '' } = config;
  const parts = routeParts(name, config);
  const scope: RouteParts['scope'] = (prefix) => ({
    load: (rest) => parts.get(prefix + rest),
    entryVersion: (rest) => (parts.has(prefix + rest) ? 1 : 0),
  });
  const table = openRouteTable({ scope }, name, UNCOUNTED, formats);
  invariant(table !== null, 'the parts of a table have its head');
  return table;
}

/** Throws on what is wrong or not supported in any of its parts; keeps nothing of them. */
export function checkRouteTable(
  config: RouteConfiguration,
  formats: FormatCompiler = compileHeaderFormat,
): void {
  const compile = hostCompiler(config, formats);
  const seen = new Set<string>();
  for (const host of config.virtual_hosts ?? []) {
    compile(host);
    for (const domain of host.domains ?? []) {
      const name = domain.toLowerCase();
      if (seen.has(name))
        throw new Error(`domain ${JSON.stringify(domain)} stands in more than one virtual host`);
      seen.add(name);
    }
  }
}

function needsTls(host: CompiledHost, headers: HeaderMap): boolean {
  if (requestScheme(headers) === 'https') return false;
  return !host.onlyExternal || headers.get('x-envoy-internal') !== 'true';
}
