/**
 * Compiled text matchers (Envoy's `StringMatcher` and `RegexMatcher`), used by header and query conditions of routes.
 *
 * Regular expressions run on re2js: time linear in the input, whatever the pattern, because patterns meet bytes that clients
 * choose. As in Envoy, a regular expression must match the whole value. Compiled once, at configuration.
 */
import { RE2JS } from 're2js';
import type { RegexMatcher, StringMatcher } from '../api/envoy.ts';

export type TextTest = (value: string) => boolean;

/** Throws with the pattern in the text if it is not RE2 syntax. */
export function compileRegex(matcher: RegexMatcher | undefined): RE2JS {
  const regex = matcher?.regex ?? '';
  try {
    return RE2JS.compile(regex);
  } catch (error) {
    throw new Error(`regular expression ${JSON.stringify(regex)}: ${String(error)}`, { cause: error });
  }
}

export function regexTest(matcher: RegexMatcher | undefined): TextTest {
  const compiled = compileRegex(matcher);
  return (value) => compiled.testExact(value);
}

/** `ignore_case` does not apply to regular expressions, as in Envoy. */
export function compileStringMatcher(matcher: StringMatcher): TextTest {
  if (matcher.safe_regex !== undefined) return regexTest(matcher.safe_regex);
  if (matcher.custom !== undefined) throw new Error('string_match.custom is not supported');
  const fold = matcher.ignore_case === true;
  const test = plainTest(matcher, fold);
  return fold ? (value) => test(value.toLowerCase()) : test;
}

function plainTest(matcher: StringMatcher, fold: boolean): TextTest {
  const wanted = (text: string): string => (fold ? text.toLowerCase() : text);
  if (matcher.prefix !== undefined) {
    const prefix = wanted(matcher.prefix);
    return (value) => value.startsWith(prefix);
  }
  if (matcher.suffix !== undefined) {
    const suffix = wanted(matcher.suffix);
    return (value) => value.endsWith(suffix);
  }
  if (matcher.contains !== undefined) {
    const part = wanted(matcher.contains);
    return (value) => value.includes(part);
  }
  const exact = wanted(matcher.exact ?? '');
  return (value) => value === exact;
}
