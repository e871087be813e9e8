/**
 * Envoy's search of the virtual host for a request's authority: exact, `*.suffix` (longest first), `prefix.*` (longest
 * first), `*`. Case does not matter. The port is part of the host unless `ignore_port_in_host_matching`.
 *
 * The common case, an exact host, is one Map look-up. A wildcard stands for at least one character.
 */
interface WildcardLength<T> {
  readonly length: number;
  readonly hosts: Map<string, T>;
}

export class DomainSearch<T> {
  readonly #exact = new Map<string, T>();
  /** Each sorted by length, longest first. */
  readonly #suffixes: WildcardLength<T>[] = [];
  readonly #prefixes: WildcardLength<T>[] = [];
  #fallback: T | null = null;
  readonly #ignorePort: boolean;

  constructor(ignorePort: boolean) {
    this.#ignorePort = ignorePort;
  }

  /** Throws if the domain is there already. */
  add(domain: string, value: T): void {
    const name = domain.toLowerCase();
    const fresh =
      name === '*'
        ? this.#setFallback(value)
        : name.startsWith('*')
          ? setWildcard(this.#suffixes, name.slice(1), value)
          : name.endsWith('*')
            ? setWildcard(this.#prefixes, name.slice(0, -1), value)
            : setOnce(this.#exact, name, value);
    if (!fresh) throw new Error(`domain ${JSON.stringify(domain)} stands in more than one virtual host`);
  }

  find(authority: string): T | null {
    if (this.#exact.size === 0 && this.#suffixes.length === 0 && this.#prefixes.length === 0) {
      return this.#fallback;
    }
    const host = (this.#ignorePort ? withoutPort(authority) : authority).toLowerCase();
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    for (const { length, hosts } of this.#suffixes) {
      const found = length < host.length ? hosts.get(host.slice(-length)) : undefined;
      if (found !== undefined) return found;
    }
    for (const { length, hosts } of this.#prefixes) {
      const found = length < host.length ? hosts.get(host.slice(0, length)) : undefined;
      if (found !== undefined) return found;
    }
    return this.#fallback;
  }

  #setFallback(value: T): boolean {
    if (this.#fallback !== null) return false;
    this.#fallback = value;
    return true;
  }
}

function setOnce<T>(map: Map<string, T>, key: string, value: T): boolean {
  if (map.has(key)) return false;
  map.set(key, value);
  return true;
}

function setWildcard<T>(lengths: WildcardLength<T>[], text: string, value: T): boolean {
  let entry = lengths.find((candidate) => candidate.length === text.length);
  if (entry === undefined) {
    entry = { length: text.length, hosts: new Map() };
    lengths.push(entry);
    lengths.sort((left, right) => right.length - left.length);
  }
  return setOnce(entry.hosts, text, value);
}

/** Leaves a bare IPv6 address in brackets whole. */
function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || authority.indexOf(']', colon) !== -1) return authority;
  return authority.slice(0, colon);
}
