/** The ways that are measured against each other. */
import type { Way } from './fleet.ts';

export interface Contender {
  readonly name: string;
  readonly way: Way;
  /** Proxies that a request passes. */
  readonly hops: number;
}

export const CONTENDERS: readonly Contender[] = [
  { name: 'direct', way: { client: 'plain', server: 'plain' }, hops: 0 },
  { name: 'one hop', way: { client: 'sidecar', server: 'plain' }, hops: 1 },
  { name: 'sidecar', way: { client: 'sidecar', server: 'sidecar' }, hops: 2 },
  { name: 'nodeproxy', way: { client: 'nodeproxy', server: 'nodeproxy' }, hops: 2 },
];
