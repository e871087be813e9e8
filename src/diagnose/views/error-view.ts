/**
 * Failed requests, counted exactly: by code, by flags, by path; for a dashboard of 4xx and 5xx. And the alert that an application cannot
 * raise itself: 404 that the proxy answered (`NR`, `route_not_found`), of which no service ever hears.
 */
import type { LineFacts } from '../scan/line-facts.ts';
import type { LineVisitor } from '../scan/line-reader.ts';
import { NameTable } from '../scan/name-table.ts';
import type { Names } from '../scan/scan-line.ts';

/** Kinds of failure that are told apart; the count of all is exact beyond it. */
const MOST_ROWS = 50_000;
const OTHER_PATHS = '(other paths)';

export interface ErrorRow {
  readonly code: number;
  readonly path: string;
  readonly flags: string;
  readonly details: string;
  /** Of the proxy's own: no service heard of it. */
  readonly own: boolean;
  readonly count: number;
}

export interface ErrorReport {
  readonly requests: number;
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** Without a code: the client went before there was one. */
  readonly withoutCode: number;
  readonly codes: readonly { readonly code: number; readonly count: number }[];
  /** Most frequent first. */
  readonly rows: readonly ErrorRow[];
  /** 404 that no route matched: what the alert counts. */
  readonly unrouted: number;
}

interface Row {
  readonly code: number;
  readonly path: string;
  readonly flags: string;
  readonly details: string;
  readonly own: boolean;
  count: number;
}

export class ErrorView implements LineVisitor {
  names: Names = { flags: new NameTable(), clusters: new NameTable(), filters: new NameTable() };
  #requests = 0;
  #unrouted = 0;
  readonly #codes = new Map<number, number>();
  readonly #rows = new Map<string, Row>();

  request(facts: LineFacts): void {
    this.#requests += 1;
    const { code } = facts;
    if (code > 0 && code < 400) return;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    const flags = this.names.flags.name(facts.flagsId);
    const details = facts.column('responseCodeDetails') ?? '-';
    const own = details !== 'via_upstream' && (details !== '-' || facts.column('upstreamHost') === null);
    if (code === 404 && own && (flags.split(',').includes('NR') || details.startsWith('route_not_found')))
      this.#unrouted += 1;
    const path = pathOf(facts.column('path'));
    this.#count(code, path, flags, details, own);
  }

  #count(code: number, path: string, flags: string, details: string, own: boolean): void {
    let key = `${code} ${flags} ${details} ${path}`;
    let row = this.#rows.get(key);
    if (row === undefined && this.#rows.size >= MOST_ROWS) {
      path = OTHER_PATHS;
      key = `${code} ${flags} ${path}`;
      row = this.#rows.get(key);
    }
    if (row === undefined) {
      row = { code, path, flags, details, own, count: 0 };
      this.#rows.set(key, row);
    }
    row.count += 1;
  }

  report(): ErrorReport {
    const codes = Array.from(this.#codes, ([code, count]) => ({ code, count })).sort(
      (a, b) => a.code - b.code,
    );
    const between = (from: number, to: number): number =>
      codes.reduce((sum, { code, count }) => sum + (code >= from && code < to ? count : 0), 0);
    return {
      requests: this.#requests,
      clientErrors: between(400, 500),
      serverErrors: between(500, 1000),
      withoutCode: between(0, 1),
      codes,
      rows: [...this.#rows.values()].sort((a, b) => b.count - a.count),
      unrouted: this.#unrouted,
    };
  }
}

/** Without its query: `/a?x=1` and `/a?x=2` fail alike. */
export function pathOf(path: string | null): string {
  if (path === null) return '-';
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}
