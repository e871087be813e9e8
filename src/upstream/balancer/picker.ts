/**
 * Chooses one of a fixed list of hosts: the part of a load balancer that its policy is. Made anew when the list or a weight
 * changes, so a picker never meets a host that has gone. The list is not empty.
 */
import type { UpstreamHost } from '../host.ts';

export interface HostPicker {
  pick(): UpstreamHost;
}

export function haveEqualWeights(hosts: readonly UpstreamHost[]): boolean {
  const first = hosts[0]?.weight;
  return hosts.every((host) => host.weight === first);
}

/** The host at `fraction` (0 to below 1) of the list. */
export function hostAt(hosts: readonly UpstreamHost[], fraction: number): UpstreamHost {
  const host = hosts[Math.floor(fraction * hosts.length)];
  if (host === undefined) throw new RangeError('a picker needs at least one host');
  return host;
}
