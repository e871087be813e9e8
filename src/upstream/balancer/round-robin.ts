/**
 * ROUND_ROBIN: one after the other, by weight where weights differ. Each worker starts at a place of its own, or all of them
 * would send their first requests to the same host.
 */
import type { UpstreamHost } from '../host.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { haveEqualWeights, hostAt } from './picker.ts';
import type { HostPicker } from './picker.ts';

class Rotation implements HostPicker {
  readonly #hosts: readonly UpstreamHost[];
  #next: number;

  constructor(hosts: readonly UpstreamHost[], start: number) {
    this.#hosts = hosts;
    this.#next = start;
  }

  pick(): UpstreamHost {
    const host = this.#hosts[this.#next] ?? hostAt(this.#hosts, 0);
    this.#next = this.#next + 1 < this.#hosts.length ? this.#next + 1 : 0;
    return host;
  }
}

export function roundRobin(hosts: readonly UpstreamHost[], random: () => number): HostPicker {
  const start = Math.floor(random() * hosts.length);
  if (haveEqualWeights(hosts)) return new Rotation(hosts, start);
  const picker = new EarliestDeadline(hosts, (host) => host.weight);
  for (let skipped = 0; skipped < start; skipped += 1) picker.pick();
  return picker;
}
