/** The ledger's segments on the page: their order in a stack, and the family that gives them a colour (`page.css`, `.s-…`). */

/** Along a request's way; names with a dot (`filter.lua`) belong to what stands before it. */
const FAMILIES = [
  'client',
  'loop',
  'filter',
  'paused',
  'pool',
  'connect',
  'handshake',
  'upstream',
  'body',
  'flow',
  'deliver',
  'retry',
  'proxy',
] as const;

export type Family = (typeof FAMILIES)[number];

export function familyOf(segment: string): Family {
  const dot = segment.indexOf('.');
  const name = dot < 0 ? segment : segment.slice(0, dot);
  return FAMILIES.find((family) => family === name) ?? 'proxy';
}

/** For sorting; segments of one family by name. */
export function compareSegments(a: string, b: string): number {
  const rank = FAMILIES.indexOf(familyOf(a)) - FAMILIES.indexOf(familyOf(b));
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0;
}
