/**
 * Compiled header conditions (Envoy's `HeaderMatcher`): of routes and of the retry policy.
 *
 * A header that came several times is matched as its values joined by a comma. A missing header matches nothing (also not an
 * inverted condition), except: `present_match`, and `treat_missing_header_as_empty`, which takes it for the empty text.
 */
import type { HeaderMatcher } from '../api/envoy.ts';
import type { HeaderMap } from '../api/http.ts';
import { compileStringMatcher, regexTest, type TextTest } from './string-match.ts';

const INTEGER = /^[+-]?\d+$/;

export class HeaderCondition {
  readonly #name: string;
  readonly #test: TextTest | null;
  readonly #wantPresent: boolean;
  readonly #invert: boolean;
  readonly #missingIsEmpty: boolean;

  constructor(config: HeaderMatcher) {
    this.#name = (config.name ?? '').toLowerCase();
    this.#test = compileTest(config);
    this.#wantPresent = config.present_match ?? true;
    this.#invert = config.invert_match ?? false;
    this.#missingIsEmpty = config.treat_missing_header_as_empty ?? false;
  }

  matches(headers: HeaderMap): boolean {
    const value = headers.getJoined(this.#name);
    if (this.#test === null) return ((value !== null) === this.#wantPresent) !== this.#invert;
    if (value === null && !this.#missingIsEmpty) return false;
    return this.#test(value ?? '') !== this.#invert;
  }
}

/** Null: the condition asks for presence only. */
function compileTest(config: HeaderMatcher): TextTest | null {
  if (config.string_match !== undefined) return compileStringMatcher(config.string_match);
  if (config.exact_match !== undefined) return compileStringMatcher({ exact: config.exact_match });
  if (config.prefix_match !== undefined) return compileStringMatcher({ prefix: config.prefix_match });
  if (config.suffix_match !== undefined) return compileStringMatcher({ suffix: config.suffix_match });
  if (config.contains_match !== undefined) return compileStringMatcher({ contains: config.contains_match });
  if (config.safe_regex_match !== undefined) return regexTest(config.safe_regex_match);
  if (config.range_match !== undefined) {
    const start = config.range_match.start ?? 0;
    const end = config.range_match.end ?? 0;
    return (value) => INTEGER.test(value) && Number(value) >= start && Number(value) < end;
  }
  return null;
}

export function compileHeaderConditions(
  configs: readonly HeaderMatcher[] | undefined,
): readonly HeaderCondition[] {
  return (configs ?? []).map((config) => new HeaderCondition(config));
}

export function allMatch(conditions: readonly HeaderCondition[], headers: HeaderMap): boolean {
  for (const condition of conditions) if (!condition.matches(headers)) return false;
  return true;
}

export function anyMatches(conditions: readonly HeaderCondition[], headers: HeaderMap): boolean {
  for (const condition of conditions) if (condition.matches(headers)) return true;
  return false;
}
