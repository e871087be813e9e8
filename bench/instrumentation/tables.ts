/** Tables of the scenario `instrumentation`: each log beside the one it is compared with, round by round. */
import { notesOf, SIDE_BY_SIDE } from '../contenders/case-table.ts';
import {
  compared,
  comparedSideBySide,
  cpuOf,
  cpuRatio,
  cpuRatioSideBySide,
  figureOf,
} from '../contenders/figures.ts';
import type { Outcome, Round } from '../contenders/rounds.ts';
import type { Cell, Chart, Column, Table } from '../report/report.ts';

const US_PER_MS = 1000;

interface Field {
  readonly column: Column;
  readonly cell: (outcome: Outcome) => Cell;
}

/** Share by which a figure of a round is above that of another, in percent. */
export function more(pick: (round: Round) => number): (round: Round, other: Round) => number {
  return (round, other) => (pick(round) / pick(other) - 1) * 100;
}

export function throughputOf({ load }: Round): number {
  return load.requestsPerSecond;
}

export function p99Of({ load }: Round): number {
  return load.latency.p99;
}

/** CPU first: what the proxy spends. `against`: name of the log that the others are compared with. */
export function cpuTable(title: string, outcomes: readonly Outcome[], against: string): Table {
  return table(title, outcomes, [...cpuFields(outcomes, against), lineField()]);
}

/** What a client notices of it, beside what the proxy spends. */
export function clientTable(title: string, outcomes: readonly Outcome[], against: string): Table {
  const fields = [...clientFields(outcomes, against), ...cpuFields(outcomes, against).slice(0, 1)];
  return table(title, outcomes, fields);
}

/** Both, for the ladder: measured in the same rounds. */
export function ladderTable(title: string, outcomes: readonly Outcome[], against: string): Table {
  const fields = [...cpuFields(outcomes, against), ...clientFields(outcomes, against), lineField()];
  return table(title, outcomes, fields);
}

export function differenceChart(title: string, outcomes: readonly Outcome[], against: string): Chart {
  const base = find(outcomes, against);
  const points = outcomes.flatMap((outcome) => {
    if (base === undefined || outcome === base) return [];
    const figure = (base.sideBySide.length > 0 ? comparedSideBySide : compared)(outcome, base, extra);
    if (figure === null) return [];
    return [{ x: outcome.contender.name, y: figure.median, low: figure.low, high: figure.high }];
  });
  return {
    kind: 'chart',
    form: 'bars',
    title,
    x: { label: 'log' },
    y: { label: `CPU more than ${against}`, unit: 'µs/request' },
    series: [{ name: `more than ${against}`, points }],
  };
}

function table(title: string, outcomes: readonly Outcome[], fields: readonly Field[]): Table {
  return {
    kind: 'table',
    title,
    rows: 'log',
    columns: fields.map(({ column }) => column),
    body: outcomes.map((outcome) => ({
      name: outcome.contender.name,
      cells: fields.map(({ cell }) => cell(outcome)),
    })),
    notes: [
      ...(outcomes.some(({ sideBySide }) => sideBySide.length > 0) ? [SIDE_BY_SIDE] : []),
      ...outcomes.flatMap(notesOf),
    ],
    ranked: false,
  };
}

function extra(round: Round, other: Round): number {
  return cpuOf(round) - cpuOf(other);
}

function find(outcomes: readonly Outcome[], name: string): Outcome | undefined {
  return outcomes.find(({ contender }) => contender.name === name);
}

/** The one compared with has no difference to itself. */
function against(
  base: Outcome | undefined,
  compare: (round: Round, other: Round) => number,
): (outcome: Outcome) => Cell {
  return (outcome) => (base === undefined || outcome === base ? null : compared(outcome, base, compare));
}

function cpuFields(outcomes: readonly Outcome[], name: string): Field[] {
  const base = find(outcomes, name);
  return [
    {
      column: { name: 'CPU', unit: 'µs/request', better: 'lower' },
      cell: (outcome) => figureOf(outcome, cpuOf),
    },
    {
      column: { name: `more than ${name}`, unit: 'µs/request', better: 'lower' },
      cell: against(base, extra),
    },
    {
      column: { name: `of ${name}`, better: 'lower' },
      cell: (outcome) => (base === undefined ? null : cpuRatio(outcome, base)),
    },
    ...sideBySideFields(base),
  ];
}

function sideBySideFields(base: Outcome | undefined): Field[] {
  if (base === undefined || base.sideBySide.length === 0) return [];
  return [
    {
      column: { name: 'more, side by side', unit: 'µs/request', better: 'lower' },
      cell: (outcome) => (outcome === base ? null : comparedSideBySide(outcome, base, extra)),
    },
    {
      column: { name: 'ratio, side by side', better: 'lower' },
      cell: (outcome) => cpuRatioSideBySide(outcome, base),
    },
  ];
}

function clientFields(outcomes: readonly Outcome[], name: string): Field[] {
  const base = find(outcomes, name);
  return [
    {
      column: { name: 'throughput', unit: 'requests/s', better: 'higher' },
      cell: (outcome) => figureOf(outcome, throughputOf),
    },
    {
      column: { name: 'throughput lost', unit: '%', better: 'lower' },
      cell: against(base, (round, other) => -more(throughputOf)(round, other)),
    },
    {
      column: { name: 'p99', unit: 'ms', better: 'lower' },
      cell: (outcome) => figureOf(outcome, (round) => p99Of(round) / US_PER_MS),
    },
    { column: { name: 'p99 added', unit: '%', better: 'lower' }, cell: against(base, more(p99Of)) },
    {
      column: { name: 'core used', unit: '%' },
      cell: (outcome) => figureOf(outcome, ({ busy }) => busy * 100),
    },
  ];
}

function lineField(): Field {
  return { column: { name: 'line', unit: 'bytes' }, cell: ({ lineBytes }) => lineBytes };
}
