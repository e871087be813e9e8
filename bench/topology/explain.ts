/**
 * Where the time of a slow request went, as the client and the ledgers of the proxies on its way tell it. All parts together are
 * its latency.
 *
 *   client          late by itself, before the request was written
 *   loop, proxy     of each proxy: bytes lay in the kernel while its worker did something else; all else that it did
 *   service         awaited by the last proxy: the service, and the network to it
 *   between         awaited by the first proxy, in the ledger of neither: the network between the two, and its kernels
 *   rest            in no ledger at all: network and kernel between the client and the first proxy, and the client's own reading
 *
 * A garbage collection is no segment of its own: it stops the worker, so it is `loop` of all requests that come meanwhile, and part
 * of what the request that was being served did.
 */
import type { Hop, SlowRequest } from './slow-requests.ts';

export type PartName =
  | 'client'
  | 'outbound loop'
  | 'outbound proxy'
  | 'inbound loop'
  | 'inbound proxy'
  | 'between'
  | 'service'
  | 'rest';

export const PART_NAMES: readonly PartName[] = [
  'client',
  'outbound loop',
  'outbound proxy',
  'between',
  'inbound loop',
  'inbound proxy',
  'service',
  'rest',
];

/** `client`: the client itself was late by half of the latency or more, which no proxy can know. */
export type Judgement = 'client' | 'explained' | 'unexplained';

export interface Explanation {
  readonly request: SlowRequest;
  /** Microseconds. */
  readonly parts: Readonly<Record<PartName, number>>;
  /** Of the latency without the client's own part, what stands in ledgers: 0 to 1. */
  readonly inLedgers: number;
  readonly judgement: Judgement;
}

/** So much of the time after its sending must stand in ledgers for a request to count as explained. */
export const EXPLAINED_SHARE = 0.8;
const CLIENT_SHARE = 0.5;

export function explain(request: SlowRequest): Explanation {
  const { latencyUs, lagUs, hops } = request;
  const parts = { ...NOTHING, client: lagUs, ...hopParts(hops) };
  const known = PART_NAMES.reduce((sum, name) => sum + parts[name], 0);
  parts.rest = Math.max(0, latencyUs - known);
  const inside = known - parts.client - parts.between;
  const inLedgers = latencyUs > lagUs ? Math.min(1, inside / (latencyUs - lagUs)) : 0;
  const judgement =
    lagUs >= CLIENT_SHARE * latencyUs ? 'client' : inLedgers >= EXPLAINED_SHARE ? 'explained' : 'unexplained';
  return { request, parts, inLedgers, judgement };
}

const NOTHING: Readonly<Record<PartName, number>> = {
  client: 0,
  'outbound loop': 0,
  'outbound proxy': 0,
  'inbound loop': 0,
  'inbound proxy': 0,
  between: 0,
  service: 0,
  rest: 0,
};

/** Of a way with one proxy that is `outbound`, which is the only one that a contender has alone. */
function hopParts([first, second]: readonly (Hop | null)[]): Partial<Record<PartName, number>> {
  if (first === null || first === undefined) return {};
  const outbound = ownParts(first);
  const parts = { 'outbound loop': outbound.loop, 'outbound proxy': outbound.proxy };
  if (second === undefined) return { ...parts, service: outbound.beyond };
  // What is awaited of a proxy whose line is missing stands in one ledger at least, but nothing says what it was.
  if (second === null) return { ...parts, between: outbound.beyond };
  const inbound = ownParts(second);
  return {
    ...parts,
    between: Math.max(0, outbound.beyond - second.waitedUs - second.totalUs),
    'inbound loop': inbound.loop,
    'inbound proxy': inbound.proxy,
    service: inbound.beyond,
  };
}

/** `beyond`: what the proxy awaited of the side behind it. */
function ownParts({ waitedUs, ledger }: Hop): { loop: number; proxy: number; beyond: number } {
  const of = (...segments: readonly string[]): number =>
    ledger.reduce((sum, { segment, us }) => sum + (segments.includes(segment) ? us : 0), 0);
  const all = ledger.reduce((sum, { us }) => sum + us, 0);
  const [loop, beyond] = [of('loop'), of('upstream', 'body')];
  return { loop: waitedUs + loop, proxy: all - loop - beyond, beyond };
}

export function largestPart({ parts }: Explanation): PartName {
  return PART_NAMES.reduce((largest, name) => (parts[name] > parts[largest] ? name : largest));
}
