/**
 * What main counts of a cluster's hosts and of the updates that brought them: facts of the process, told once. Plain numbers, because
 * most clusters of a mesh are used by nobody; `cluster-figures.ts` makes metrics of them when somebody reads.
 */
import type { HostSnapshot } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import { healthOf } from './host.ts';
import { detailsOf } from './host-details.ts';

/** In the order of their names. */
const COUNTERS = [
  { name: 'membership_change', key: 'change', bit: 1 },
  { name: 'update_attempt', key: 'attempt', bit: 2 },
  { name: 'update_empty', key: 'empty', bit: 4 },
  { name: 'update_failure', key: 'failure', bit: 8 },
  { name: 'update_no_rebuild', key: 'noRebuild', bit: 16 },
  { name: 'update_success', key: 'success', bit: 32 },
] as const;
const GAUGES = [
  { name: 'max_host_weight', key: 'maxWeight', bit: 64 },
  { name: 'membership_degraded', key: 'degraded', bit: 128 },
  // Nobody is excluded without active health checks; the name is there for those who look for it.
  { name: 'membership_excluded', key: null, bit: 0 },
  { name: 'membership_healthy', key: 'healthy', bit: 256 },
  { name: 'membership_total', key: 'total', bit: 512 },
] as const;

type Visit = (name: string, value: number, used: boolean) => void;

export class MembershipStats {
  attempt = 0;
  success = 0;
  failure = 0;
  empty = 0;
  noRebuild = 0;
  change = 0;
  total = 0;
  healthy = 0;
  degraded = 0;
  maxWeight = 0;
  /** Bits of what was other than 0 before it was set anew. */
  #used = 0;

  update(before: readonly HostSnapshot[], hosts: readonly HostSnapshot[]): void {
    const known = new Set(before.map((host) => addressText(host.address)));
    const same = known.size === hosts.length && hosts.every((host) => known.has(addressText(host.address)));
    if (!same) this.change += 1;
    this.#note(GAUGES);
    this.total = hosts.length;
    const details = hosts.map((host) => detailsOf(host));
    this.healthy = details.filter(({ healthFlags }) => healthOf(healthFlags) === 'healthy').length;
    this.degraded = details.filter(({ healthFlags }) => healthOf(healthFlags) === 'degraded').length;
    this.maxWeight = details.reduce((most, { weight }) => Math.max(most, weight), 0);
  }

  /** `/reset_counters`. */
  resetCounters(): void {
    this.#note(COUNTERS);
    for (const { key } of COUNTERS) this[key] = 0;
  }

  counters(visit: Visit): void {
    for (const { name, key, bit } of COUNTERS) this.#visit(visit, name, this[key], bit);
  }

  gauges(visit: Visit): void {
    for (const { name, key, bit } of GAUGES) this.#visit(visit, name, key === null ? 0 : this[key], bit);
  }

  #visit(visit: Visit, name: string, value: number, bit: number): void {
    visit(name, value, value !== 0 || (this.#used & bit) !== 0);
  }

  #note(fields: typeof COUNTERS | typeof GAUGES): void {
    for (const { key, bit } of fields) if (key !== null && this[key] !== 0) this.#used |= bit;
  }
}
