/**
 * Which filter chain serves a connection.
 *
 * Envoy looks at one property after the other, in a fixed order; at each the chains with the most specific value that fits go
 * on and the others are out, with no way back (a chain without the property is the least specific). Of what is left at the end
 * there is at most one: two chains with equal matches are a configuration error.
 *
 *   destination port -> destination IP -> server name -> transport -> application protocol
 *      -> directly connected source IP -> source type -> source IP -> source port
 *
 * Server name and application protocols need a TLS or HTTP inspector: without one a connection has none, so chains that ask
 * for them do not fit. Transport is `raw_buffer` for everything without TLS inspector, as in Envoy.
 */
import type { FilterChain, FilterChainMatch } from '../api/envoy.ts';
import type { Address } from '../api/socket.ts';
import { IpRange, isLoopback, longestMatch } from './ip-range.ts';

/** What is known of a connection when its chain is chosen. */
export interface ConnectionTraits {
  readonly local: Address;
  readonly remote: Address;
  /** '' without an inspector. */
  readonly serverName: string;
  readonly transportProtocol: 'raw_buffer' | 'tls';
  readonly applicationProtocols: readonly string[];
}

/** How well a chain fits at one step; -1 = not at all, 0 = it does not ask, more = more specific. */
type Fit = (chain: CompiledMatch, traits: ConnectionTraits) => number;

class CompiledMatch {
  readonly chain: FilterChain;
  readonly match: FilterChainMatch;
  readonly destinations: readonly IpRange[];
  readonly directSources: readonly IpRange[];
  readonly sources: readonly IpRange[];

  constructor(chain: FilterChain) {
    this.chain = chain;
    this.match = chain.filter_chain_match ?? {};
    const compile = (ranges: FilterChainMatch['prefix_ranges']): IpRange[] =>
      (ranges ?? []).map((range) => new IpRange(range));
    this.destinations = compile(this.match.prefix_ranges);
    this.directSources = compile(this.match.direct_source_prefix_ranges);
    this.sources = compile(this.match.source_prefix_ranges);
  }
}

const STEPS: readonly Fit[] = [
  ({ match }, { local }) => fitValue(match.destination_port, local.kind === 'ip' ? local.port : 0),
  ({ destinations }, { local }) => fitRanges(destinations, local),
  ({ match }, { serverName }) => fitServerName(match.server_names ?? [], serverName),
  ({ match }, { transportProtocol }) => fitValue(match.transport_protocol || undefined, transportProtocol),
  ({ match }, { applicationProtocols }) => fitAny(match.application_protocols ?? [], applicationProtocols),
  ({ directSources }, { remote }) => fitRanges(directSources, remote),
  ({ match }, traits) => fitSourceType(match, traits),
  ({ sources }, { remote }) => fitRanges(sources, remote),
  ({ match }, { remote }) => fitAny(match.source_ports ?? [], remote.kind === 'ip' ? [remote.port] : []),
];

export class ChainMatcher {
  readonly #chains: readonly CompiledMatch[];
  readonly #fallback: FilterChain | null;
  /** The one chain of a listener that asks for nothing: most listeners have just this. */
  readonly #only: FilterChain | null;

  constructor(chains: readonly FilterChain[], fallback: FilterChain | null) {
    this.#chains = chains.map((chain) => new CompiledMatch(chain));
    this.#fallback = fallback;
    const [first] = chains;
    const plain = first !== undefined && Object.keys(first.filter_chain_match ?? {}).length === 0;
    this.#only = chains.length === 1 && plain ? first : null;
  }

  /** Null: no chain fits, and there is no default one. */
  match(traits: ConnectionTraits): FilterChain | null {
    if (this.#only !== null) return this.#only;
    let left = this.#chains;
    for (const fit of STEPS) {
      left = mostSpecific(left, (chain) => fit(chain, traits));
      if (left.length === 0) return this.#fallback;
    }
    return left[0]?.chain ?? this.#fallback;
  }
}

function mostSpecific(
  chains: readonly CompiledMatch[],
  fit: (chain: CompiledMatch) => number,
): CompiledMatch[] {
  let best = 0;
  let left: CompiledMatch[] = [];
  for (const chain of chains) {
    const value = fit(chain);
    if (value < best) continue;
    if (value > best) left = [];
    best = value;
    left.push(chain);
  }
  return left;
}

function fitValue<T>(wanted: T | undefined, actual: T): number {
  if (wanted === undefined) return 0;
  return wanted === actual ? 1 : -1;
}

function fitAny<T>(wanted: readonly T[], actual: readonly T[]): number {
  if (wanted.length === 0) return 0;
  return wanted.some((value) => actual.includes(value)) ? 1 : -1;
}

/** A range of length 0 is more specific than none. */
function fitRanges(ranges: readonly IpRange[], address: Address): number {
  if (ranges.length === 0) return 0;
  const length = longestMatch(ranges, address);
  return length < 0 ? -1 : length + 1;
}

/** Exact names before `*.suffix`, longer suffixes first. */
function fitServerName(wanted: readonly string[], actual: string): number {
  if (wanted.length === 0) return 0;
  let best = -1;
  for (const name of wanted) {
    if (name === actual && actual !== '') return Number.MAX_SAFE_INTEGER;
    if (name.startsWith('*.') && actual.endsWith(name.slice(1))) best = Math.max(best, name.length);
  }
  return best;
}

function fitSourceType(match: FilterChainMatch, { local, remote }: ConnectionTraits): number {
  const type = match.source_type ?? 'ANY';
  if (type === 'ANY') return 0;
  const same = local.kind === 'ip' && remote.kind === 'ip' && local.ip === remote.ip;
  const near = same || isLoopback(remote);
  return (type === 'SAME_IP_OR_LOOPBACK') === near ? 1 : -1;
}
