/** The steps that are measured against each other, from no proxy to two that nobody addresses, and what is subtracted from what. */
import type { Contender } from '../topology/contenders.ts';
import type { Step } from '../topology/latency-section.ts';
import type { Stand } from './stand.ts';

const TITLES: readonly (readonly [interception: string, title: string])[] = [
  ['redirect', 'REDIRECT'],
  ['tproxy', 'TPROXY'],
  ['ebpf', 'eBPF'],
  ['sockmap', 'eBPF + sockmap'],
];

const ADDRESSED: readonly Contender[] = [
  { name: 'direct', way: { client: 'plain', server: 'plain' }, hops: 0 },
  { name: 'one hop', way: { client: 'sidecar', server: 'plain' }, hops: 1 },
  { name: 'two hops', way: { client: 'sidecar', server: 'sidecar' }, hops: 2 },
];

/** What is left out has been noted by the stand. */
export function interceptedContenders(stand: Stand): Contender[] {
  return TITLES.flatMap(([name, title]) => {
    const interception = stand.interception(name);
    if (interception === undefined) return [];
    return [{ name: title, way: { client: 'sidecar', server: 'sidecar', interception }, hops: 2 }];
  });
}

export function contendersOf(stand: Stand): Contender[] {
  return [...ADDRESSED, ...interceptedContenders(stand)];
}

/** Each against the one before it; then each interception against requests that need none, and the last against the first. */
export function stepsOf(contenders: readonly Contender[]): Step[] {
  const names = contenders.map(({ name }) => name);
  const pair = (from: string, to: string): Step => ({ name: `${to} - ${from}`, from, to });
  const chain = names.slice(1).map((name, index) => pair(names[index] ?? '', name));
  const others = TITLES.slice(1).map(([, title]) => pair('two hops', title));
  const more = [...others, pair('REDIRECT', 'eBPF + sockmap')];
  const known = new Set(chain.map(({ name }) => name));
  return [...chain, ...more.filter(({ name, to }) => names.includes(to) && !known.has(name))];
}
