/** The bar of the instrumented log: what a client loses by it, in the mean of all rounds, against the plain one and against none. */
import type { Outcome, Round } from '../contenders/rounds.ts';
import type { Row, Table } from '../report/report.ts';
import { more, p99Of, throughputOf } from './tables.ts';

const MOST_PERCENT = 5;

export function barsTable(outcomes: readonly Outcome[], log: string, others: readonly string[]): Table {
  return {
    kind: 'table',
    title: `What the client loses by the log "${log}", mean of all rounds`,
    rows: 'bar',
    columns: [{ name: 'measured', unit: '%' }, { name: 'bar' }, { name: 'rounds' }, { name: 'held' }],
    body: others.flatMap((other) => [
      row(outcomes, { log, other, what: 'throughput lost', lost: (a, b) => -more(throughputOf)(a, b) }),
      row(outcomes, { log, other, what: 'p99 added', lost: more(p99Of) }),
    ]),
    notes: [
      'The client (autocannon, on the other core) needs more CPU for a request than the proxy: throughput is its own where the proxy\'s core is not used up, see "core used".',
    ],
    ranked: false,
  };
}

interface Loss {
  readonly log: string;
  readonly other: string;
  readonly what: string;
  readonly lost: (round: Round, other: Round) => number;
}

function row(outcomes: readonly Outcome[], { log, other, what, lost }: Loss): Row {
  const rounds = pairs(outcomes, log, other).map(([round, base]) => lost(round, base));
  const name = `${what} against "${other}"`;
  const bar = `at most ${MOST_PERCENT} %`;
  const figures = rounds.filter((value) => Number.isFinite(value));
  if (figures.length === 0) return { name, cells: [null, bar, 0, 'not measured'] };
  const mean = figures.reduce((sum, value) => sum + value, 0) / figures.length;
  return { name, cells: [mean, bar, figures.length, mean <= MOST_PERCENT ? 'yes' : 'no'] };
}

function pairs(outcomes: readonly Outcome[], log: string, other: string): [Round, Round][] {
  const roundsOf = (name: string) => outcomes.find(({ contender }) => contender.name === name)?.rounds ?? [];
  const base = roundsOf(other);
  return roundsOf(log).flatMap((round, index): [Round, Round][] => {
    const against = base[index] ?? null;
    return round === null || against === null ? [] : [[round, against]];
  });
}
