/**
 * Two reports of one scenario side by side: the ratio of the medians of each figure, and whether rounds that scatter as these do may have
 * both of them by chance. Where anything but the commit differs there is nothing to compare, and the reasons are named instead.
 */
import { printable } from '../../src/diagnose/waterfall/printable.ts';
import { differences } from '../harness/set-up.ts';
import { figureText, isMeasured, measuredText } from './figures.ts';
import { isRepeat, scatterOf } from './repeat.ts';
import type { Scatter } from './repeat.ts';
import type { Cell, Column, Report, Row, Table } from './report.ts';
import { commitText } from './set-up-text.ts';
import { tableLines } from './text.ts';

export interface Comparison {
  readonly text: string;
  readonly comparable: boolean;
}

/** What a pair of figures says. */
type Verdict = 'same' | 'better' | 'worse' | 'apart' | 'no range';

interface Counts {
  readonly verdicts: Map<Verdict, number>;
  readonly missing: string[];
}

export function compareText(one: Report, other: Report): Comparison {
  const reasons = reasonsAgainst(one, other);
  if (reasons.length > 0) {
    const lines = ['These reports cannot be compared:', ...reasons.map((reason) => `  ${printable(reason)}`)];
    return { text: lines.join('\n'), comparable: false };
  }
  const counts: Counts = { verdicts: new Map(), missing: [] };
  const tables = pairedTables(one, other, counts.missing);
  const parts = tables.flatMap(([title, left, right]) => {
    const table = comparedTable(title, left, right, counts);
    return table.body.length === 0 ? [] : ['', ...tableLines(table)];
  });
  const lines = [...headings(one, other), ...parts, '', ...summary(counts)];
  return { text: lines.join('\n'), comparable: true };
}

/** Two runs of one scenario have one title, unless it names what they differ in. */
function headings(one: Report, other: Report): string[] {
  const whenOf = ({ setUp, startedAt }: Report): string => `commit ${commitText(setUp)}, ${startedAt}`;
  const lines =
    one.title === other.title
      ? [`${one.title}: two runs`, `first:  ${whenOf(one)}`, `second: ${whenOf(other)}`]
      : [
          `${one.scenario}: two runs`,
          `first:  ${one.title}, ${whenOf(one)}`,
          `second: ${other.title}, ${whenOf(other)}`,
        ];
  return lines.map((line) => printable(line));
}

function reasonsAgainst(one: Report, other: Report): string[] {
  const scenario =
    one.scenario === other.scenario
      ? []
      : [`scenario: ${one.scenario} in the first, ${other.scenario} in the second`];
  return [...scenario, ...differences(one.setUp, other.setUp)];
}

/** Tables of the same section and title; the n-th of a title goes with the n-th. */
function pairedTables(one: Report, other: Report, missing: string[]): (readonly [string, Table, Table])[] {
  const left = tablesOf(one);
  const right = tablesOf(other);
  noteMissing(left, right, 'table', missing);
  return [...left].flatMap(([key, table]) => {
    const partner = right.get(key);
    return partner === undefined ? [] : [[key, table, partner] as const];
  });
}

function tablesOf(report: Report): Map<string, Table> {
  const tables = report.sections.flatMap((section) =>
    section.parts.flatMap((part) =>
      part.kind === 'table' ? [{ name: `${section.title}: ${part.title}`, part }] : [],
    ),
  );
  return new Map([...byName(tables)].map(([key, { part }]) => [key, part]));
}

/** By name; a second one of the same name becomes `name (2)`. */
function byName<T extends { readonly name: string }>(list: readonly T[]): Map<string, T> {
  const named = new Map<string, T>();
  for (const each of list) {
    let key = each.name;
    for (let count = 2; named.has(key); count += 1) key = `${each.name} (${count})`;
    named.set(key, each);
  }
  return named;
}

function noteMissing(
  left: ReadonlyMap<string, unknown>,
  right: ReadonlyMap<string, unknown>,
  what: string,
  missing: string[],
): void {
  for (const key of left.keys()) if (!right.has(key)) missing.push(`${what} "${key}" is in the first alone`);
  for (const key of right.keys()) if (!left.has(key)) missing.push(`${what} "${key}" is in the second alone`);
}

function comparedTable(title: string, left: Table, right: Table, counts: Counts): Table {
  const rows = byName(left.body);
  const partners = byName(right.body);
  noteMissing(rows, partners, `row of "${title}":`, counts.missing);
  noteMissing(byName(left.columns), byName(right.columns), `column of "${title}":`, counts.missing);
  const scatter = scatterByColumn(left, right);
  const body: Row[] = [];
  for (const [name, row] of rows) {
    const partner = partners.get(name);
    if (partner !== undefined) body.push(...comparedRows(name, row, partner, left, right, scatter, counts));
  }
  const columns: Column[] = ['figure', 'first', 'second', 'second / first', 'medians'].map((name) => ({
    name,
  }));
  return { kind: 'table', title, rows: left.rows, columns, body };
}

/** Of both runs together. */
function scatterByColumn(left: Table, right: Table): Map<string, Scatter | null> {
  const cells = new Map<string, Cell[]>();
  for (const { columns, body } of [left, right])
    for (const [index, key] of [...byName(columns).keys()].entries())
      cells.set(key, [...(cells.get(key) ?? []), ...body.map((row) => row.cells[index] ?? null)]);
  return new Map(Array.from(cells, ([key, list]) => [key, scatterOf(list)]));
}

function comparedRows(
  name: string,
  row: Row,
  partner: Row,
  left: Table,
  right: Table,
  scatter: ReadonlyMap<string, Scatter | null>,
  { verdicts, missing }: Counts,
): Row[] {
  const partners = [...byName(right.columns).keys()];
  return [...byName(left.columns)].flatMap(([key, column], index) => {
    const at = partners.indexOf(key);
    if (at < 0) return [];
    const [a, b] = [row.cells[index] ?? null, partner.cells[at] ?? null];
    const where = `${left.title}, ${name}, ${key}`;
    if ((right.columns[at]?.unit ?? '') !== (column.unit ?? '')) {
      missing.push(`${where}: the units differ`);
      return [];
    }
    const [from, to] = [medianOf(a), medianOf(b)];
    if (from === undefined || to === undefined) {
      if (a !== b) missing.push(`${where}: ${cellWords(a)} in the first, ${cellWords(b)} in the second`);
      return [];
    }
    // What was set, not measured, as the number of services.
    if (typeof a === 'number' && a === b && column.better === undefined) return [];
    const verdict = verdictOn(a, b, column, scatter.get(key) ?? null);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    const figure = column.unit === undefined ? key : `${key} [${column.unit}]`;
    const ratio = from === 0 ? (to === 0 ? '1.00' : '–') : figureText(to / from);
    return [{ name, cells: [figure, cellWords(a), cellWords(b), ratio, verdict] }];
  });
}

function medianOf(cell: Cell): number | undefined {
  const value = isMeasured(cell) ? cell.median : cell;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function cellWords(cell: Cell): string {
  if (cell === null) return 'nothing';
  if (typeof cell === 'string') return `"${cell}"`;
  return isMeasured(cell) ? measuredText(cell) : figureText(cell);
}

/** `same`: these rounds cannot tell the two apart. */
function verdictOn(one: Cell, other: Cell, { better }: Column, scatter: Scatter | null): Verdict {
  if (!isMeasured(one) || !isMeasured(other) || one.rounds < 2 || other.rounds < 2) return 'no range';
  if (scatter !== null && isRepeat(one, other, scatter)) return 'same';
  if (better === undefined) return 'apart';
  return other.median < one.median === (better === 'lower') ? 'better' : 'worse';
}

const MEANING: Readonly<Record<Verdict, string>> = {
  same: 'the medians are no further apart than the scatter of the rounds explains (99 %)',
  better: 'the second is better, by more than the scatter of the rounds explains',
  worse: 'the second is worse, by more than the scatter of the rounds explains',
  apart: 'further apart than the scatter of the rounds explains',
  'no range': 'fewer than two rounds, nothing to judge by',
};

function summary({ verdicts, missing }: Counts): string[] {
  const words = Object.entries(MEANING) as [Verdict, string][];
  const lines = words.flatMap(([verdict, meaning]) => {
    const count = verdicts.get(verdict);
    return count === undefined ? [] : [`${String(count).padStart(5)} ${verdict}: ${meaning}`];
  });
  if (lines.length === 0) lines.push('No figure is in both reports.');
  return missing.length === 0
    ? lines
    : [...lines, '', 'Not compared:', ...missing.map((text) => `  ${printable(text)}`)];
}
