/**
 * Rewrites of the request path, used by forwarding routes and by redirects.
 *
 * `prefix_rewrite` replaces what the route matched, `regex_rewrite` every match of a pattern in the path. Query and fragment
 * stay as they are. Substitutions are RE2's: `\1` is a group, `\0` the whole match, `\\` a backslash.
 */
import type { RegexMatchAndSubstitute } from '../api/envoy.ts';
import { targetText } from './config-text.ts';
import { pathEnd, type PathCondition } from './path-match.ts';
import { compileRegex } from './string-match.ts';

export interface PathRewrite {
  rewrite(path: string): string;
}

export class PrefixRewrite implements PathRewrite {
  readonly #replacement: string;
  readonly #condition: PathCondition;

  constructor(replacement: string, condition: PathCondition) {
    this.#replacement = targetText(replacement, 'prefix_rewrite');
    this.#condition = condition;
  }

  rewrite(path: string): string {
    return this.#replacement + path.slice(this.#condition.matchedLength(path));
  }
}

export class RegexRewrite implements PathRewrite {
  readonly #regex: ReturnType<typeof compileRegex>;
  /** Literal text and group numbers in turn. */
  readonly #parts: readonly (string | number)[];

  constructor(config: RegexMatchAndSubstitute) {
    this.#regex = compileRegex(config.pattern);
    this.#parts = parseSubstitution(config.substitution ?? '', this.#regex.groupCount());
  }

  rewrite(path: string): string {
    const end = pathEnd(path);
    return this.replaceIn(path.slice(0, end)) + path.slice(end);
  }

  replaceIn(text: string): string {
    const matcher = this.#regex.matcher(text);
    let result = '';
    let from = 0;
    while (matcher.find()) {
      result += text.slice(from, matcher.start());
      for (const part of this.#parts) result += typeof part === 'string' ? part : (matcher.group(part) ?? '');
      from = matcher.end();
    }
    return result + text.slice(from);
  }
}

function parseSubstitution(text: string, groups: number): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  targetText(text, 'substitution');
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char !== '\\') {
      literal += char;
      continue;
    }
    index += 1;
    const next = text.charAt(index);
    if (next === '\\') literal += next;
    else if (next >= '0' && next <= '9' && Number(next) <= groups) {
      parts.push(literal, Number(next));
      literal = '';
    } else throw new Error(`substitution ${JSON.stringify(text)}: \\${next} names no group of the pattern`);
  }
  parts.push(literal);
  return parts;
}
