/** RANDOM: each host alike, whatever its weight, as in Envoy. */
import type { UpstreamHost } from '../host.ts';
import { hostAt } from './picker.ts';
import type { HostPicker } from './picker.ts';

export class RandomChoice implements HostPicker {
  readonly #hosts: readonly UpstreamHost[];
  readonly #random: () => number;

  constructor(hosts: readonly UpstreamHost[], random: () => number) {
    this.#hosts = hosts;
    this.#random = random;
  }

  pick(): UpstreamHost {
    return hostAt(this.#hosts, this.#random());
  }
}
