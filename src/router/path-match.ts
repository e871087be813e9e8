/**
 * Path conditions of routes, and what a rewrite needs to know of what they matched.
 *
 * The path is matched without query and fragment. Nothing is cut out of it for prefix and exact matches; a regular
 * expression gets one slice. `matchedLength` is the length of the part that `prefix_rewrite` replaces.
 */
import type { RouteMatch } from '../api/envoy.ts';
import { compileRegex } from './string-match.ts';

export interface PathCondition {
  matches(path: string): boolean;
  /** Length of the part of a path that it matched and that a prefix rewrite replaces. */
  matchedLength(path: string): number;
}

const QUESTION_MARK = 63;
const HASH = 35;
const SLASH = 47;

/** Where query or fragment begin; the length if there are none. */
export function pathEnd(path: string): number {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code === QUESTION_MARK || code === HASH) return index;
  }
  return path.length;
}

function endsAt(path: string, index: number): boolean {
  if (index === path.length) return true;
  const code = path.charCodeAt(index);
  return code === QUESTION_MARK || code === HASH;
}

class PrefixCondition implements PathCondition {
  readonly #prefix: string;
  readonly #fold: boolean;
  readonly #separated: boolean;

  constructor(prefix: string, fold: boolean, separated: boolean) {
    this.#prefix = fold ? prefix.toLowerCase() : prefix;
    this.#fold = fold;
    this.#separated = separated;
  }

  matches(path: string): boolean {
    const length = this.#prefix.length;
    if (!(this.#fold ? path.slice(0, length).toLowerCase() : path).startsWith(this.#prefix)) return false;
    return !this.#separated || endsAt(path, length) || path.charCodeAt(length) === SLASH;
  }

  matchedLength(): number {
    return this.#prefix.length;
  }
}

class ExactCondition implements PathCondition {
  readonly #exact: string;
  readonly #fold: boolean;

  constructor(exact: string, fold: boolean) {
    this.#exact = fold ? exact.toLowerCase() : exact;
    this.#fold = fold;
  }

  matches(path: string): boolean {
    const length = this.#exact.length;
    if (!endsAt(path, length) || path.length < length) return false;
    return (this.#fold ? path.slice(0, length).toLowerCase() : path).startsWith(this.#exact);
  }

  matchedLength(): number {
    return this.#exact.length;
  }
}

class RegexCondition implements PathCondition {
  readonly #regex: ReturnType<typeof compileRegex>;

  constructor(regex: ReturnType<typeof compileRegex>) {
    this.#regex = regex;
  }

  matches(path: string): boolean {
    return this.#regex.testExact(path.slice(0, pathEnd(path)));
  }

  matchedLength(path: string): number {
    return pathEnd(path);
  }
}

export function compilePathCondition(match: RouteMatch): PathCondition {
  const fold = match.case_sensitive === false;
  if (match.prefix !== undefined) return new PrefixCondition(match.prefix, fold, false);
  if (match.path_separated_prefix !== undefined) {
    return new PrefixCondition(match.path_separated_prefix, fold, true);
  }
  if (match.path !== undefined) return new ExactCondition(match.path, fold);
  if (match.safe_regex !== undefined) return new RegexCondition(compileRegex(match.safe_regex));
  throw new Error('match needs one of prefix, path, path_separated_prefix, safe_regex');
}
