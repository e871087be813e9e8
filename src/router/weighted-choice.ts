/**
 * The choice among weighted clusters: one resolved route per cluster, a running total of weights, the request's random.
 *
 * Linear over the few clusters of a split: the scan costs less than a search. A cluster of weight 0 is never chosen. With
 * `header_name`, a request that carries a number there brings its own random (the same user gets the same cluster).
 */
import type { HeaderMap } from '../api/http.ts';
import { invariant } from '../base/invariant.ts';
import type { ForwardRoute } from './route.ts';

const DIGITS = /^\d+$/;

export class WeightedChoice {
  readonly #routes: readonly ForwardRoute[];
  /** Running totals: `#ends[i]` is the sum of the weights up to and with i. */
  readonly #ends: readonly number[];
  readonly #total: number;
  readonly #header: string;

  constructor(routes: readonly ForwardRoute[], weights: readonly number[], header: string) {
    let total = 0;
    this.#ends = weights.map((weight) => (total += weight));
    this.#total = total;
    this.#routes = routes;
    this.#header = header.toLowerCase();
    if (total === 0) throw new Error('weighted_clusters: the weights add up to 0');
  }

  choose(headers: HeaderMap, random: number): ForwardRoute {
    const point = this.#point(headers, random);
    for (let index = 0; index < this.#ends.length; index += 1) {
      const route = this.#routes[index];
      if (point < (this.#ends[index] ?? 0) && route !== undefined) return route;
    }
    const last = this.#routes.at(-1);
    invariant(last !== undefined, 'a split has clusters');
    return last;
  }

  #point(headers: HeaderMap, random: number): number {
    if (this.#header !== '') {
      const given = headers.get(this.#header);
      if (given !== null && DIGITS.test(given)) return Number(BigInt(given) % BigInt(this.#total));
    }
    return random * this.#total;
  }
}
