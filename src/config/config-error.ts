/**
 * What is wrong with a configuration: every finding at once, each with the place to look at.
 *
 * The loader, the rules and the semantic checks report into one `IssueList`; `loadBootstrap` throws it as `ConfigError` when it
 * is not empty. An issue always names a path; file, line and column are those of the text that the value came from.
 */
import type { Spot } from './yaml-tree.ts';

export interface ConfigIssue {
  readonly file: string;
  /** From 1; 0 where no line can be named (an empty file). */
  readonly line: number;
  readonly column: number;
  /** As in `static_resources.listeners[0].name`; `(root)` for the whole. */
  readonly path: string;
  readonly message: string;
}

/** A broken generator can make thousands; a reader needs the first ones. */
const MAX_ISSUES = 200;

/** `envoy.yaml:31:7: static_resources.listeners[0].foo: unknown field "foo"` */
export function formatIssue(issue: ConfigIssue): string {
  const place = issue.line > 0 ? `${issue.file}:${issue.line}:${issue.column}` : issue.file;
  return `${place}: ${issue.path}: ${issue.message}`;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.issues = issues;
  }
}

export class IssueList {
  readonly #issues: ConfigIssue[] = [];
  readonly #file: string;
  #dropped = 0;

  /** `file` is named by issues that have no spot. */
  constructor(file: string) {
    this.#file = file;
  }

  add(spot: Spot | null, path: string, message: string): void {
    if (this.#issues.length >= MAX_ISSUES) {
      this.#dropped++;
      return;
    }
    const position = spot === null ? { line: 0, column: 0 } : spot.source.positionOf(spot.at);
    this.#issues.push({
      file: spot?.source.file ?? this.#file,
      ...position,
      path: path === '' ? '(root)' : path,
      message,
    });
  }

  /** Paths that have been reported so far. */
  paths(): string[] {
    return this.#issues.map((issue) => issue.path);
  }

  /** In order of the text, so that a person can walk through the file once. */
  throwIfAny(): void {
    if (this.#issues.length === 0) return;
    const sorted = this.#issues.toSorted(byPlace);
    if (this.#dropped > 0) {
      const message = `${this.#dropped} more issues are not listed`;
      sorted.push({ file: this.#file, line: 0, column: 0, path: '(root)', message });
    }
    throw new ConfigError(sorted);
  }
}

function byPlace(a: ConfigIssue, b: ConfigIssue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
