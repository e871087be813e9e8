/**
 * The ledger's segments as indices of an array of microseconds; filters have names of their own and stand beside it.
 * `FILTER` is the time in filters that a line without a ledger only knows in all.
 */
export const SEGMENT_NAMES = [
  'client',
  'loop',
  'filter',
  'pool',
  'connect',
  'handshake',
  'upstream',
  'body',
  'flow.downstream',
  'flow.upstream',
  'deliver',
  'retry',
  'proxy',
] as const;

export const CLIENT = 0;
export const LOOP = 1;
export const FILTER = 2;
export const POOL = 3;
export const CONNECT = 4;
export const HANDSHAKE = 5;
export const UPSTREAM = 6;
export const BODY = 7;
export const FLOW_DOWNSTREAM = 8;
export const FLOW_UPSTREAM = 9;
export const DELIVER = 10;
export const PROXY = 12;

const INDEX = new Map<string, number>(SEGMENT_NAMES.map((name, index) => [name, index]));

/** -1: no segment with a fixed name. */
export function segmentIndex(name: string): number {
  return INDEX.get(name) ?? -1;
}
