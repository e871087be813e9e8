/** The table of one case: a row for each contender that was started, and notes on those that were not or failed requests. */
import type { Cell, Column, Table } from '../report/report.ts';
import { cpuOf, cpuRatio, cpuRatioSideBySide, figureOf } from './figures.ts';
import type { Outcome } from './rounds.ts';

const US_PER_MS = 1000;
const MIB = 2 ** 20;
export const SIDE_BY_SIDE =
  'Side by side: CPU in rounds in which all were loaded at once on their one core, so that what else the machine did befell all alike.';
/** Below it the upstream or the client was the limit, so throughput is theirs. */
const SATURATED = 0.9;

export interface CaseTable {
  readonly title: string;
  /** What the CPU time is of; a download of 1 MiB is a `MiB`. */
  readonly unit: 'request' | 'MiB';
  /** Name of the contender that the others are divided by; it may be absent from the outcomes. */
  readonly reference: string;
  readonly outcomes: readonly Outcome[];
  readonly notes?: readonly string[];
}

interface Field {
  readonly column: Column;
  readonly cell: (outcome: Outcome) => Cell;
}

export function caseTable({ title, unit, reference, outcomes, notes = [] }: CaseTable): Table {
  const fields = fieldsOf(unit, outcomes, reference);
  return {
    kind: 'table',
    title,
    rows: 'proxy',
    columns: fields.map(({ column }) => column),
    body: outcomes.map((outcome) => ({
      name: outcome.contender.name,
      cells: fields.map(({ cell }) => cell(outcome)),
    })),
    notes: [
      ...(outcomes.some(({ sideBySide }) => sideBySide.length > 0) ? [SIDE_BY_SIDE] : []),
      ...outcomes.flatMap(notesOf),
      ...saturationNote(outcomes),
      ...notes,
    ],
  };
}

function fieldsOf(unit: 'request' | 'MiB', outcomes: readonly Outcome[], reference: string): Field[] {
  const cost = `µs/${unit}`;
  const base = find(outcomes, reference);
  return [
    {
      column: { name: 'CPU', unit: cost, better: 'lower' },
      cell: (outcome) => figureOf(outcome, cpuOf),
    },
    {
      column: { name: `of ${reference}`, better: 'lower' },
      cell: (outcome) => (base === undefined ? null : cpuRatio(outcome, base)),
    },
    ...(base === undefined || base.sideBySide.length === 0
      ? []
      : [
          {
            column: { name: 'side by side', better: 'lower' as const },
            cell: (outcome: Outcome) => cpuRatioSideBySide(outcome, base),
          },
        ]),
    { column: { name: 'user', unit: cost }, cell: (outcome) => figureOf(outcome, ({ user }) => user) },
    { column: { name: 'system', unit: cost }, cell: (outcome) => figureOf(outcome, ({ system }) => system) },
    {
      column: { name: 'throughput', unit: `${unit === 'MiB' ? 'MiB' : 'requests'}/s`, better: 'higher' },
      cell: (outcome) => figureOf(outcome, ({ load }) => load.requestsPerSecond),
    },
    {
      column: { name: 'core used', unit: '%' },
      cell: (outcome) => figureOf(outcome, ({ busy }) => busy * 100),
    },
    {
      column: { name: 'p50', unit: 'ms', better: 'lower' },
      cell: (outcome) => figureOf(outcome, ({ load }) => load.latency.p50 / US_PER_MS),
    },
    {
      column: { name: 'p99', unit: 'ms', better: 'lower' },
      cell: (outcome) => figureOf(outcome, ({ load }) => load.latency.p99 / US_PER_MS),
    },
    { column: { name: 'failures' }, cell: ({ failures }) => failures },
    {
      column: { name: 'PSS after', unit: 'MiB', better: 'lower' },
      cell: ({ pss }) => (pss === null ? null : pss / MIB),
    },
  ];
}

function find(outcomes: readonly Outcome[], name: string): Outcome | undefined {
  return outcomes.find(({ contender }) => contender.name === name);
}

/** Why a contender has no figures, or which of its requests failed. */
export function notesOf({ contender, problem, faults, rounds }: Outcome): string[] {
  const failed = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`);
  const silent = rounds.filter((round) => round?.load.requests === 0).length;
  return [
    ...(silent === 0 ? [] : [`${contender.name}: not one answer in ${silent} of ${rounds.length} rounds.`]),
    ...(problem === undefined ? [] : [`${contender.name}: ${problem}.`]),
    ...(failed.length === 0 ? [] : [`${contender.name}, failed requests: ${failed.join(', ')}.`]),
  ];
}

function saturationNote(outcomes: readonly Outcome[]): string[] {
  const idle = outcomes.filter((outcome) => (figureOf(outcome, ({ busy }) => busy)?.median ?? 1) < SATURATED);
  if (idle.length === 0) return [];
  const names = idle.map(({ contender }) => contender.name).join(', ');
  return [`Not the limit of their throughput, which was the load's or the upstream's: ${names}.`];
}
