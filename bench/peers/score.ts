/**
 * The suite as one table: for each contender and case its CPU relative to the reference of the case, and as its score the geometric
 * mean over the HTTP cases. Only the cases that all its requests of which were answered count; how many did not is said.
 */
import { cpuOf, cpuRatio, figureOf } from '../contenders/figures.ts';
import type { Outcome } from '../contenders/rounds.ts';
import type { Cell, Chart, Measured, Row, Section } from '../report/report.ts';
import type { PeerCase } from './cases.ts';
import { REFERENCE } from './peers.ts';

export interface CaseOutcome {
  readonly peerCase: PeerCase;
  readonly outcomes: readonly Outcome[];
}

export function scoreSection(results: readonly CaseOutcome[]): Section {
  const http = results.filter(({ peerCase }) => peerCase.layer === 'http');
  const names = [...new Set(http.flatMap(({ outcomes }) => outcomes.map(({ contender }) => contender.name)))];
  return {
    title: 'Score',
    text: [
      `CPU per request relative to ${REFERENCE.http.name} in the same rounds; below 1 is less than it. The score is the geometric mean over the HTTP cases in which no request failed.`,
    ],
    parts: [
      {
        kind: 'table',
        title: `CPU of ${REFERENCE.http.name}`,
        rows: 'proxy',
        columns: [
          { name: 'score', better: 'lower' },
          { name: 'cases in it' },
          ...http.map(({ peerCase }) => ({ name: peerCase.id, better: 'lower' as const })),
        ],
        body: names.map((name) => scoreRow(http, name)),
        notes: ['A score from fewer cases than another cannot be compared with it.'],
      },
      ...connectionsCharts(http),
    ],
  };
}

function scoreRow(results: readonly CaseOutcome[], name: string): Row {
  const ratios = results.map((result) => ratioOf(result, name));
  const counted = results.flatMap((result, index) => {
    const ratio = ratios[index] ?? null;
    return ratio === null || (find(result, name)?.failures ?? 0) > 0 ? [] : [ratio.median];
  });
  const cells: Cell[] = [counted.length === 0 ? null : geometricMean(counted), counted.length, ...ratios];
  return { name, cells };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function find({ outcomes }: CaseOutcome, name: string): Outcome | undefined {
  return outcomes.find(({ contender }) => contender.name === name);
}

function ratioOf(result: CaseOutcome, name: string): Measured | null {
  const outcome = find(result, name);
  const reference = find(result, REFERENCE.http.name);
  return outcome === undefined || reference === undefined ? null : cpuRatio(outcome, reference);
}

/** CPU and throughput by the number of connections, where more than one number was measured. */
function connectionsCharts(results: readonly CaseOutcome[]): Chart[] {
  const byConnections = results.filter(({ peerCase }) => peerCase.id.startsWith('get-'));
  if (byConnections.length < 2) return [];
  const chart = (title: string, unit: string, pick: (outcome: Outcome) => Measured | null): Chart => ({
    kind: 'chart',
    form: 'lines',
    title,
    x: { label: 'connections', scale: 'log' },
    y: { label: title, unit, scale: 'log' },
    series: seriesOf(byConnections, pick),
  });
  return [
    chart('CPU by connections', 'µs/request', (outcome) => figureOf(outcome, cpuOf)),
    chart('Throughput by connections', 'requests/s', (outcome) =>
      figureOf(outcome, ({ load }) => load.requestsPerSecond),
    ),
  ];
}

function seriesOf(
  results: readonly CaseOutcome[],
  pick: (outcome: Outcome) => Measured | null,
): Chart['series'] {
  const names = [
    ...new Set(results.flatMap(({ outcomes }) => outcomes.map(({ contender }) => contender.name))),
  ];
  return names.map((name) => ({
    name,
    points: results.flatMap((result) => {
      const outcome = find(result, name);
      const figure = outcome === undefined ? null : pick(outcome);
      if (figure === null || figure.median <= 0) return [];
      return [{ x: result.peerCase.connections, y: figure.median, low: figure.low, high: figure.high }];
    }),
  }));
}
