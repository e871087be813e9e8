/**
 * Reads a report's file back. Such a file may come from another version of this program, another program or a broken disk: whatever
 * the comparison relies on is checked first, and what is wrong is said with its place.
 */
import { readFileSync } from 'node:fs';
import type { Report } from './report.ts';

/** @throws Error naming the file, and the place in it that is not as a report is. */
export function readReport(file: string): Report {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    checkReport(value);
    return value;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, place: string) => void;

function checkReport(value: unknown): asserts value is Report {
  fields(value, 'report', {
    scenario: text,
    title: text,
    startedAt: text,
    seconds: figure,
    setUp,
    command: optional(text),
    notes: optional(listOf(text)),
    sections: listOf(section),
  });
}

const setUp: Check = (value, place) =>
  fields(value, place, {
    machine: (machine, at) =>
      fields(machine, at, { processor: text, cores: figure, memoryBytes: figure, kernel: text }),
    versions: texts,
    pinning: texts,
    options: texts,
    environment: optional(texts),
    commit: text,
    dirty: (dirty, at) => demand(typeof dirty === 'boolean', at, 'true or false'),
  });

const section: Check = (value, place) =>
  fields(value, place, {
    title: text,
    parts: listOf((part, at) => {
      const { kind } = objectAt(part, at);
      // Charts and listings are not compared.
      if (kind === 'table') table(part, at);
      else demand(kind === 'chart' || kind === 'listing', `${at}.kind`, 'table, chart or listing');
    }),
  });

const table: Check = (value, place) => {
  fields(value, place, {
    title: text,
    rows: text,
    columns: listOf((column, at) =>
      fields(column, at, { name: text, unit: optional(text), better: optional(text) }),
    ),
    body: listOf((row, at) => fields(row, at, { name: text, cells: listOf(cell) })),
  });
};

const cell: Check = (value, place) => {
  if (value === null || typeof value === 'string' || typeof value === 'number') return;
  fields(value, place, { median: figure, low: figure, high: figure, rounds: figure });
};

function fields(value: unknown, place: string, checks: Readonly<Record<string, Check>>): void {
  const object = objectAt(value, place);
  for (const [name, check] of Object.entries(checks)) check(object[name], `${place}.${name}`);
}

function objectAt(value: unknown, place: string): Fields {
  demand(typeof value === 'object' && value !== null && !Array.isArray(value), place, 'an object');
  return value as Fields;
}

function listOf(check: Check): Check {
  return (value, place) => {
    demand(Array.isArray(value), place, 'a list');
    for (const [index, each] of (value as readonly unknown[]).entries()) check(each, `${place}[${index}]`);
  };
}

function optional(check: Check): Check {
  return (value, place) => {
    if (value !== undefined) check(value, place);
  };
}

const text: Check = (value, place) => demand(typeof value === 'string', place, 'text');
/** JSON has no infinity and no NaN: they were written as `null` and print as a dash. */
const figure: Check = (value, place) =>
  demand(typeof value === 'number' || value === null, place, 'a number');
const texts: Check = (value, place) => {
  for (const [name, each] of Object.entries(objectAt(value, place))) text(each, `${place}.${name}`);
};

function demand(good: boolean, place: string, what: string): void {
  if (!good) throw new Error(`not a report of a benchmark: ${place} is not ${what}`);
}
