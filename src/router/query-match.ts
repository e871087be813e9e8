/**
 * Compiled query conditions of routes (Envoy's `QueryParameterMatcher`).
 *
 * The query is scanned in place; only the value looked for is cut out. Names and values are compared as they stand in the
 * request, not percent-decoded, and the first parameter of a name counts, as in Envoy.
 */
import type { QueryParameterMatcher } from '../api/envoy.ts';
import { compileStringMatcher, type TextTest } from './string-match.ts';

/** Value of the first parameter of that name ('' without `=`); null if there is none. */
export function queryParameter(path: string, name: string): string | null {
  const hash = path.indexOf('#');
  const limit = hash === -1 ? path.length : hash;
  let from = path.indexOf('?') + 1;
  if (from === 0) return null;
  while (from <= limit) {
    const amp = path.indexOf('&', from);
    const end = amp === -1 || amp > limit ? limit : amp;
    const nameEnd = from + name.length;
    if (path.startsWith(name, from) && nameEnd <= end) {
      if (nameEnd === end) return '';
      if (path.charCodeAt(nameEnd) === 61) return path.slice(nameEnd + 1, end);
    }
    from = end + 1;
  }
  return null;
}

export class QueryCondition {
  readonly #name: string;
  readonly #test: TextTest | null;
  readonly #wantPresent: boolean;

  constructor(config: QueryParameterMatcher) {
    this.#name = config.name ?? '';
    this.#test = config.string_match === undefined ? null : compileStringMatcher(config.string_match);
    this.#wantPresent = config.present_match ?? true;
  }

  matches(path: string): boolean {
    const value = queryParameter(path, this.#name);
    if (this.#test === null) return (value !== null) === this.#wantPresent;
    return value !== null && this.#test(value);
  }
}
