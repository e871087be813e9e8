/**
 * One route of a virtual host, compiled: its conditions, and the resolved route (or the split) that a match gives.
 *
 * Conditions are tried from cheap to dear: path, fraction, headers, query. Immutable; nothing is allocated by a match.
 */
import type { FractionalPercent, RouteMatch as RouteMatchConfig } from '../api/envoy.ts';
import type { HeaderMap } from '../api/http.ts';
import { allMatch, compileHeaderConditions, type HeaderCondition } from './header-match.ts';
import type { PathCondition } from './path-match.ts';
import { QueryCondition } from './query-match.ts';
import type { ResolvedRoute } from './route.ts';
import { WeightedChoice } from './weighted-choice.ts';

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** Takes the fraction's random from lower bits than the split's, so that the two do not go together. */
const FRACTION_SHIFT = 2 ** 20;

export class RouteEntry {
  readonly #path: PathCondition;
  readonly #fraction: number;
  readonly #headers: readonly HeaderCondition[];
  readonly #query: readonly QueryCondition[];
  readonly #target: ResolvedRoute | WeightedChoice;

  constructor(match: RouteMatchConfig, path: PathCondition, target: ResolvedRoute | WeightedChoice) {
    if (match.grpc !== undefined || match.tls_context !== undefined || match.dynamic_metadata !== undefined) {
      throw new Error('match: grpc, tls_context and dynamic_metadata are not supported');
    }
    this.#path = path;
    this.#fraction = fractionOf(match.runtime_fraction?.default_value);
    this.#headers = compileHeaderConditions(match.headers);
    this.#query = (match.query_parameters ?? []).map((config) => new QueryCondition(config));
    this.#target = target;
  }

  match(headers: HeaderMap, random: number): ResolvedRoute | null {
    const path = headers.path;
    if (!this.#path.matches(path)) return null;
    if (this.#fraction < 1 && (random * FRACTION_SHIFT) % 1 >= this.#fraction) return null;
    if (!allMatch(this.#headers, headers)) return null;
    for (const condition of this.#query) if (!condition.matches(path)) return null;
    return this.#target instanceof WeightedChoice ? this.#target.choose(headers, random) : this.#target;
  }
}

function fractionOf(percent: FractionalPercent | undefined): number {
  if (percent === undefined) return 1;
  return (percent.numerator ?? 0) / DENOMINATORS[percent.denominator ?? 'HUNDRED'];
}
