/** Who asked for a path, and who answered: pairs of source and destination address, without the client's port. */
import type { LineFacts } from '../scan/line-facts.ts';
import type { LineVisitor } from '../scan/line-reader.ts';

const MOST_PAIRS = 50_000;
const OTHERS = '(others)';

export interface AddressPair {
  readonly source: string;
  /** Upstream host with its port; `-` where the proxy answered itself. */
  readonly destination: string;
  readonly count: number;
  readonly failures: number;
}

interface Pair {
  readonly source: string;
  readonly destination: string;
  count: number;
  failures: number;
}

export class PairView implements LineVisitor {
  readonly #pairs = new Map<string, Pair>();
  requests = 0;

  request(facts: LineFacts): void {
    this.requests += 1;
    // What the first proxy on the way saw, where there was one.
    const forwarded = facts.column('forwardedFor')?.split(',')[0]?.trim();
    let source = forwarded ?? withoutPort(facts.column('downstreamRemoteAddress') ?? '-');
    let destination = facts.column('upstreamHost') ?? '-';
    let key = `${source} ${destination}`;
    if (!this.#pairs.has(key) && this.#pairs.size >= MOST_PAIRS) {
      source = OTHERS;
      destination = OTHERS;
      key = OTHERS;
    }
    const pair = this.#pairs.get(key) ?? { source, destination, count: 0, failures: 0 };
    this.#pairs.set(key, pair);
    pair.count += 1;
    if (facts.code >= 400 || facts.code === 0) pair.failures += 1;
  }

  /** Most frequent first. */
  report(): AddressPair[] {
    return [...this.#pairs.values()].sort((a, b) => b.count - a.count);
  }
}

/** `10.0.0.1:4242` and `[::1]:4242`; a path of a Unix socket stays. */
export function withoutPort(address: string): string {
  const colon = address.lastIndexOf(':');
  if (colon < 0 || !/^\d+$/.test(address.slice(colon + 1))) return address;
  const host = address.slice(0, colon);
  if (host.startsWith('[') && host.endsWith(']')) return host.slice(1, -1);
  return host.includes(':') ? address : host;
}
