/**
 * LEAST_REQUEST: of `choice_count` hosts drawn at random the one with the fewest active requests (of this worker). Where weights
 * differ: a weighted round robin in which each active request makes a host lighter, `weight / (active + 1) ^ bias`.
 */
import type { UpstreamHost } from '../host.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { haveEqualWeights, hostAt } from './picker.ts';
import type { HostPicker } from './picker.ts';

/** Envoy's defaults. */
const CHOICES = 2;
const BIAS = 1;

export interface LeastRequestOptions {
  readonly choices: number;
  readonly bias: number;
}

export const LEAST_REQUEST_DEFAULTS: LeastRequestOptions = { choices: CHOICES, bias: BIAS };

class LeastOfSome implements HostPicker {
  readonly #hosts: readonly UpstreamHost[];
  readonly #random: () => number;
  readonly #choices: number;

  constructor(hosts: readonly UpstreamHost[], random: () => number, choices: number) {
    this.#hosts = hosts;
    this.#random = random;
    this.#choices = choices;
  }

  pick(): UpstreamHost {
    let best = hostAt(this.#hosts, this.#random());
    for (let choice = 1; choice < this.#choices; choice += 1) {
      const other = hostAt(this.#hosts, this.#random());
      if (other.activeRequests < best.activeRequests) best = other;
    }
    return best;
  }
}

export function leastRequest(
  hosts: readonly UpstreamHost[],
  random: () => number,
  options: LeastRequestOptions,
): HostPicker {
  if (haveEqualWeights(hosts)) return new LeastOfSome(hosts, random, options.choices);
  const { bias } = options;
  const weightOf = (host: UpstreamHost): number =>
    bias === 1 ? host.weight / (host.activeRequests + 1) : host.weight / (host.activeRequests + 1) ** bias;
  const picker = new EarliestDeadline(hosts, weightOf);
  const skip = Math.floor(random() * hosts.length);
  for (let skipped = 0; skipped < skip; skipped += 1) picker.pick();
  return picker;
}
