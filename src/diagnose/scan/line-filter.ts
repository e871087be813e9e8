/** Which requests are looked at: `--since`, `--until`, `--path`, `--code`. */
import type { LineFacts } from './line-facts.ts';

export interface LineFilter {
  /** Epoch microseconds of the start: from, to before. */
  readonly sinceUs: number | null;
  readonly untilUs: number | null;
  /** The path begins so. */
  readonly path: string | null;
  /** `503`, or `5xx` as 5. */
  readonly code: number | null;
}

export const ALL_LINES: LineFilter = { sinceUs: null, untilUs: null, path: null, code: null };

export function passes(filter: LineFilter, facts: LineFacts): boolean {
  const { sinceUs, untilUs, path, code } = filter;
  if (sinceUs !== null && facts.startUs < sinceUs) return false;
  if (untilUs !== null && (facts.startUs < 0 || facts.startUs >= untilUs)) return false;
  if (code !== null && (code < 10 ? Math.floor(facts.code / 100) !== code : facts.code !== code))
    return false;
  return path === null || (facts.column('path') ?? '').startsWith(path);
}
