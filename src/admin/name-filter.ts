/**
 * Regular expressions that a caller of the admin sends (`filter=`, `name_regex=`): RE2 syntax on re2js, so that none can hold
 * the main thread, and of bounded length.
 */
import { RE2JS } from 're2js';

const MAX_PATTERN_LENGTH = 1024;

export type NameFilter = { readonly test: (name: string) => boolean } | { readonly error: string };

/** No pattern: every name passes. `mode`: anywhere in the name, or the whole name. */
export function nameFilter(pattern: string | null, mode: 'partial' | 'full'): NameFilter {
  if (pattern === null || pattern === '') return { test: () => true };
  if (pattern.length > MAX_PATTERN_LENGTH)
    return { error: `Invalid regex: longer than ${MAX_PATTERN_LENGTH}` };
  try {
    const compiled = RE2JS.compile(pattern);
    return { test: (name) => (mode === 'full' ? compiled.testExact(name) : compiled.test(name)) };
  } catch (error) {
    return { error: `Invalid regex: "${error instanceof Error ? error.message : String(error)}"` };
  }
}
