/**
 * Envoy's search of the virtual host for a request's authority: exact, `*.suffix` (longest first), `prefix.*` (longest
 * first), `*`. Case does not matter. The port is part of the host unless `ignore_port_in_host_matching`.
 *
 *   authority -> group of domains (one kind, one length) -> known here? else look up -> virtual host
 *
 * Groups say how many domains they have, not which: what was never asked for takes no memory here. The common case, an exact host
 * that was asked for before, is one Map look-up. A wildcard stands for at least one character.
 */
import type { DomainGroup } from '../api/server.ts';

/** Finds what a domain stands for; `text` is in lower case and without the `*`. Null: there is no such domain. */
export type DomainLookup<T> = (kind: DomainGroup['kind'], text: string) => T | null;

export class DomainSearch<T> {
  readonly #exact: KnownDomains<T> | null;
  /** Each sorted by length, longest first. */
  readonly #suffixes: readonly KnownDomains<T>[];
  readonly #prefixes: readonly KnownDomains<T>[];
  readonly #any: KnownDomains<T> | null;
  readonly #onlyAny: boolean;
  readonly #ignorePort: boolean;

  constructor(domains: readonly DomainGroup[], ignorePort: boolean, lookup: DomainLookup<T>) {
    const ofKind = (kind: DomainGroup['kind']): KnownDomains<T>[] =>
      domains.filter((group) => group.kind === kind).map((group) => new KnownDomains(group, lookup));
    this.#exact = ofKind('exact')[0] ?? null;
    this.#suffixes = ofKind('suffix');
    this.#prefixes = ofKind('prefix');
    this.#any = ofKind('any')[0] ?? null;
    this.#onlyAny = domains.every(({ kind }) => kind === 'any');
    this.#ignorePort = ignorePort;
  }

  find(authority: string): T | null {
    if (this.#onlyAny) return this.#any === null ? null : this.#any.find('');
    const given = this.#ignorePort ? withoutPort(authority) : authority;
    // What is known is in lower case, and so is nearly every authority.
    const known = this.#exact?.known(given);
    if (known !== undefined) return known;
    const host = given.toLowerCase();
    const exact = this.#exact === null ? null : this.#exact.find(host);
    return exact ?? this.#findWildcard(host);
  }

  #findWildcard(host: string): T | null {
    for (const group of this.#suffixes) {
      const found = group.length < host.length ? group.find(host.slice(host.length - group.length)) : null;
      if (found !== null) return found;
    }
    for (const group of this.#prefixes) {
      const found = group.length < host.length ? group.find(host.slice(0, group.length)) : null;
      if (found !== null) return found;
    }
    return this.#any === null ? null : this.#any.find('');
  }
}

/** The domains of a group that were asked for. Others leave no trace: their number is not ours to bound. */
class KnownDomains<T> {
  readonly length: number;
  readonly #kind: DomainGroup['kind'];
  readonly #lookup: DomainLookup<T>;
  readonly #known = new Map<string, T>();
  #unknown: number;

  constructor({ kind, length, count }: DomainGroup, lookup: DomainLookup<T>) {
    this.length = length;
    this.#kind = kind;
    this.#unknown = count;
    this.#lookup = lookup;
  }

  known(text: string): T | undefined {
    return this.#known.get(text);
  }

  find(text: string): T | null {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    return this.#unknown === 0 ? null : this.#learn(text);
  }

  #learn(text: string): T | null {
    const found = this.#lookup(this.#kind, text);
    if (found === null) return null;
    // A copy: the text is a part of the request's head and would keep all of it.
    this.#known.set(Buffer.from(text).toString(), found);
    this.#unknown -= 1;
    return found;
  }
}

/** Leaves a bare IPv6 address in brackets whole. */
function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || authority.indexOf(']', colon) !== -1) return authority;
  return authority.slice(0, colon);
}
