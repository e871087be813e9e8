/** Latency at the fixed rate, and what each step adds: direct, one proxy, two proxies. */
import { measured } from '../harness/statistics.ts';
import type { Percentiles } from '../harness/open-loop.ts';
import type { Cell, Chart, Column, Measured, Row, Section, Table } from '../report/report.ts';
import { cpuPerRequest } from './loads.ts';
import type { LoadOptions } from './loads.ts';
import type { ContenderResult, OpenRound } from './rounds.ts';

const US = 'µs';

export const PERCENTILES: readonly { readonly key: keyof Percentiles; readonly name: string }[] = [
  { key: 'mean', name: 'mean' },
  { key: 'p50', name: 'p50' },
  { key: 'p90', name: 'p90' },
  { key: 'p99', name: 'p99' },
  { key: 'p999', name: 'p99.9' },
  { key: 'max', name: 'max' },
];

/** One contender set against another, round by round. */
export interface Step {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

const STEPS: readonly Step[] = [
  { name: 'first hop: one hop - direct', from: 'direct', to: 'one hop' },
  { name: 'second hop: sidecar - one hop', from: 'one hop', to: 'sidecar' },
  { name: 'both hops: sidecar - direct', from: 'direct', to: 'sidecar' },
  { name: 'both hops: nodeproxy - direct', from: 'direct', to: 'nodeproxy' },
  { name: 'nodeproxy - sidecar', from: 'sidecar', to: 'nodeproxy' },
];

export function latencySection(results: readonly ContenderResult[], load: LoadOptions): Section {
  const [first] = results;
  const requests = first?.open[0]?.requests ?? 0;
  return {
    title: 'Latency at a fixed rate',
    text: [
      `All clients together send ${load.rate} requests/s by a timetable (open loop), ${load.keepAlive ? `over ${load.connections} keep-alive connections` : `each on a connection of its own, ${load.connections} at once at most`}. ` +
        'A latency counts from the place in the timetable to the last byte of the answer: what the client sends late, because a connection or its processor was not free, is part of it.',
      `A round is ${load.seconds} s, ${requests} requests: each figure is one of a round, and p99.9 of a round is close to its longest request.`,
    ],
    parts: [
      latencyTable(results),
      latencyChart(results),
      lagTable(results),
      stepTable(results, STEPS, [NOT_INTERCEPTED]),
    ],
  };
}

export function overRounds<T>(rounds: readonly T[], of: (round: T) => number): Measured | null {
  const figures = rounds.map(of).filter((each) => !Number.isNaN(each));
  return figures.length === 0 ? null : measured(figures);
}

function latencyTable(results: readonly ContenderResult[]): Table {
  return {
    kind: 'table',
    title: 'Latency',
    rows: 'way',
    columns: [
      ...PERCENTILES.map(({ name }): Column => ({ name, unit: US, better: 'lower' })),
      { name: 'achieved', unit: 'requests/s' },
      { name: 'failed' },
    ],
    body: results.map(({ contender, open }): Row => ({
      name: contender.name,
      cells: [
        ...PERCENTILES.map(({ key }) => overRounds(open, ({ latency }) => latency[key])),
        overRounds(open, ({ achievedRate }) => achievedRate),
        open.reduce((sum, { failed }) => sum + failed, 0),
      ],
    })),
    notes: [
      'direct: client pod to server pod. one hop: through the sidecar of the client pod. sidecar: through those of both pods. nodeproxy: through the proxies of both nodes.',
    ],
  };
}

export function latencyChart(results: readonly ContenderResult[]): Chart {
  const shares: readonly (readonly [keyof Percentiles, string])[] = [
    ['p50', '50'],
    ['p90', '90'],
    ['p99', '99'],
    ['p999', '99.9'],
  ];
  return {
    kind: 'chart',
    form: 'bars',
    title: 'Latency by percentile',
    x: { label: 'percentile' },
    y: { label: 'latency', unit: US, scale: 'log' },
    series: results.map(({ contender, open }) => ({
      name: contender.name,
      points: shares.map(([key, x]) =>
        pointOf(
          x,
          overRounds(open, ({ latency }) => latency[key]),
        ),
      ),
    })),
  };
}

function pointOf(x: string, figure: Measured | null): { x: string; y: number; low: number; high: number } {
  const { median, low, high } = figure ?? { median: 0, low: 0, high: 0 };
  return { x, y: median, low, high };
}

export function lagTable(results: readonly ContenderResult[]): Table {
  const shown = PERCENTILES.filter(({ key }) => key !== 'mean' && key !== 'p90');
  return {
    kind: 'table',
    title: 'What the clients themselves were late by',
    rows: 'way',
    columns: shown.map(({ name }) => ({ name, unit: US })),
    body: results.map(({ contender, open }): Row => ({
      name: contender.name,
      cells: shown.map(({ key }) => overRounds(open, ({ lag }) => lag[key])),
    })),
    notes: ['From the place in the timetable to the write of the request: a part of the latency above.'],
    ranked: false,
  };
}

const NOT_INTERCEPTED =
  'No step is an interception: clients send to their proxies themselves. What iptables or eBPF add is measured by `interception`.';

/** Steps whose contenders are both there. */
export function stepTable(
  results: readonly ContenderResult[],
  steps: readonly Step[],
  notes: readonly string[],
): Table {
  const of = (name: string): ContenderResult | undefined =>
    results.find(({ contender }) => contender.name === name);
  const shown = PERCENTILES.filter(({ key }) => key !== 'max' && key !== 'p999');
  return {
    kind: 'table',
    title: 'What each step adds',
    rows: 'step',
    columns: [
      ...shown.map(({ name }): Column => ({ name, unit: US, better: 'lower' })),
      { name: 'throughput, ratio' },
      { name: 'CPU', unit: 'µs/request', better: 'lower' },
    ],
    body: steps.flatMap(({ name, from, to }): Row[] => {
      const [one, other] = [of(from), of(to)];
      if (one === undefined || other === undefined) return [];
      const cells: Cell[] = shown.map(({ key }) => difference(one.open, other.open, key));
      return [{ name, cells: [...cells, throughputRatio(one, other), cpuDifference(one, other)] }];
    }),
    notes: [
      'Differences of the figures of the same round. Ratio of requests/s, and CPU of all processes: of the closed loop.',
      ...notes,
    ],
    ranked: false,
  };
}

function difference(
  from: readonly OpenRound[],
  to: readonly OpenRound[],
  key: keyof Percentiles,
): Measured | null {
  const pairs = to.map(({ latency }, round) => latency[key] - (from[round]?.latency[key] ?? NaN));
  return overRounds(pairs, (each) => each);
}

function throughputRatio(from: ContenderResult, to: ContenderResult): Measured | null {
  const pairs = to.closed.map(
    ({ requestsPerSecond }, round) => requestsPerSecond / (from.closed[round]?.requestsPerSecond ?? NaN),
  );
  return overRounds(pairs, (each) => each);
}

function cpuDifference(from: ContenderResult, to: ContenderResult): Measured | null {
  const pairs = to.closed.map((round, index) => {
    const before = from.closed[index];
    return before === undefined ? NaN : cpuPerRequest(round) - cpuPerRequest(before);
  });
  return overRounds(pairs, (each) => each);
}
