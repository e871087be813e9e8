/**
 * A route configuration in parts, as it lies in the `routes` slot: a worker takes out of it what its requests ask for.
 *
 *   <table> NUL t            head: everything but the virtual hosts, and how many domains there are of which kind
 *   <table> NUL = a.com      the virtual host of an exact domain; `<` `*.com`, `>` `www.*` (without the star), `*` any
 *
 * A virtual host lies under its first domain, its other domains name that one. A domain has no NUL (it is a header value), so the
 * last NUL of a name ends the table's.
 */
import type { RouteConfiguration } from '../api/envoy.ts';
import type { DomainGroup, RoutePart } from '../api/server.ts';

export const HEAD_KEY = 't';
const MARKS = { exact: '=', suffix: '<', prefix: '>', any: '*' } as const;
const SEARCH_ORDER = ['exact', 'suffix', 'prefix', 'any'] as const;

interface Domain {
  readonly kind: DomainGroup['kind'];
  /** In lower case, without the star. */
  readonly text: string;
}

/** What the names of a table's parts begin with. */
export function partsPrefix(table: string): string {
  return `${table}\0`;
}

/** The rest of the name, in front of a domain's text. */
export function domainMark(kind: DomainGroup['kind']): string {
  return MARKS[kind];
}

/** By name. The domains must be distinct: see `checkRouteTable`. */
export function routeParts(table: string, config: RouteConfiguration): Map<string, RoutePart> {
  const prefix = partsPrefix(table);
  const { virtual_hosts: hosts = [], ...head } = config;
  const parts = new Map<string, RoutePart>();
  const groups = new Map<string, DomainGroup>();
  for (const host of hosts) {
    let first: string | null = null;
    for (const domain of (host.domains ?? []).map(domainOf)) {
      const key = MARKS[domain.kind] + domain.text;
      parts.set(prefix + key, first === null ? { kind: 'host', host } : { kind: 'alias', of: first });
      first ??= key;
      count(groups, domain);
    }
  }
  parts.set(prefix + HEAD_KEY, { kind: 'table', config: head, domains: inSearchOrder(groups) });
  return parts;
}

function domainOf(domain: string): Domain {
  const name = domain.toLowerCase();
  if (name === '*') return { kind: 'any', text: '' };
  if (name.startsWith('*')) return { kind: 'suffix', text: name.slice(1) };
  if (name.endsWith('*')) return { kind: 'prefix', text: name.slice(0, -1) };
  return { kind: 'exact', text: name };
}

function count(groups: Map<string, DomainGroup>, { kind, text }: Domain): void {
  const length = kind === 'exact' ? 0 : text.length;
  const id = `${kind} ${length}`;
  groups.set(id, { kind, length, count: (groups.get(id)?.count ?? 0) + 1 });
}

function inSearchOrder(groups: ReadonlyMap<string, DomainGroup>): DomainGroup[] {
  return SEARCH_ORDER.flatMap((kind) =>
    [...groups.values()]
      .filter((group) => group.kind === kind)
      .toSorted((left, right) => right.length - left.length),
  );
}
