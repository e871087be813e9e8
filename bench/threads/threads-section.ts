/** The threads benchmark as sections: who did the work with few and with many connections, and what it costs in latency. */
import { measured } from '../harness/statistics.ts';
import type { LoadReport } from '../harness/autocannon.ts';
import type { Cell, Chart, Column, Measured, Row, Section, Series, Table } from '../report/report.ts';
import type { ThreadsResult, ThreadsRound } from './measure.ts';
import { MODES } from './modes.ts';
import type { ModeName } from './modes.ts';
import { chanceOf, imbalanceOf } from './thread-counts.ts';

const EXPLANATION: readonly string[] = [
  'reuse_port (the default): every worker has a listening socket of its own, and the kernel hashes the addresses and ports of a new ' +
    'connection to choose one. Nobody looks at who is busy: with few connections the dice are often unlucky, and an unlucky worker stays ' +
    'loaded as long as its connections live. With many the shares come close to each other.',
  'Shared socket (enable_reuse_port: false): all workers wait on one socket (EPOLLEXCLUSIVE), the kernel wakes one of them, and the one ' +
    'that is awake takes what has come. While there is little to do the same worker tends to be woken again; a worker that is busy does not ' +
    'accept. So shares differ with load and timing.',
  'Exact balance (connection_balance_config: { exact_balance: {} }): the worker that accepted looks at the connections that each has now ' +
    'and hands the new one to the worker with the fewest. Connections are even to within one; requests are even only as far as the ' +
    'connections are alike.',
];

const BALANCE_COLUMNS: readonly Column[] = [
  { name: 'requests, max/mean', better: 'lower' },
  { name: 'requests, max/min', better: 'lower' },
  { name: 'connections, max/mean', better: 'lower' },
  { name: 'workers idle' },
  { name: 'by chance', unit: '%' },
];

const LATENCY: readonly { readonly name: keyof LoadReport['latency']; readonly title: string }[] = [
  { name: 'p50', title: 'p50' },
  { name: 'p90', title: 'p90' },
  { name: 'p99', title: 'p99' },
  { name: 'p999', title: 'p99.9' },
];

export function threadsSections(
  results: readonly ThreadsResult[],
  { workUs, cores }: { readonly workUs: number; readonly cores: string },
): Section[] {
  const counts = [...new Set(results.map(({ workers }) => workers))].toSorted((a, b) => a - b);
  const shared = counts.filter((workers) => workers > 1);
  const most = counts.at(-1) ?? 1;
  return [
    {
      title: 'Who does the work',
      text: [
        ...EXPLANATION,
        `The client holds its connections for the whole of a round and sends the next request when the last one is answered; every request ` +
          `computes for ${workUs} µs on its worker, as filters do. Workers are sorted from the busiest to the least busy of each round, ` +
          'because another one is unlucky each time.',
      ],
      parts: [
        ...shared.flatMap((workers) => shareCharts(results, workers)),
        ...shared.map((workers) => balanceTable(results, workers)),
      ],
    },
    {
      title: 'What it costs',
      text: [
        'The requests of one worker wait for each other. A worker that has more than its share of the connections is slower for all of ' +
          'them, however idle its neighbour is; that is what an uneven spread costs, as long as the idle one has a core to run on.',
        `Here the proxies had ${cores}. Where there are more threads than cores, the scheduler spreads the work as well, and the modes come ` +
          'closer to each other.',
      ],
      parts: [
        latencyChart(results, most),
        throughputChart(results, most),
        ...counts.map((workers) => latencyTable(results, workers)),
      ],
    },
  ];
}

function of(results: readonly ThreadsResult[], workers: number): ThreadsResult[] {
  return results.filter((result) => result.workers === workers);
}

function modesOf(results: readonly ThreadsResult[]): ModeName[] {
  return MODES.map(({ name }) => name).filter((name) => results.some(({ mode }) => mode === name));
}

/** Few: as many connections as give each worker two; many: the most there are. */
export function fewAndMany(connections: readonly number[], workers: number): { few: number; many: number } {
  const sorted = connections.toSorted((a, b) => a - b);
  const many = sorted.at(-1) ?? 0;
  return { few: sorted.find((each) => each >= 2 * workers) ?? many, many };
}

function shareCharts(results: readonly ThreadsResult[], workers: number): Chart[] {
  const here = of(results, workers);
  const { few, many } = fewAndMany(
    here.map(({ connections }) => connections),
    workers,
  );
  return [...new Set([few, many])].map((connections): Chart => ({
    kind: 'chart',
    form: 'bars',
    title: `Requests per worker: ${workers} workers, ${connections} connections`,
    x: { label: 'worker, busiest first' },
    y: { label: 'share of the requests', unit: '%' },
    series: modesOf(here).map((mode): Series => ({
      name: mode,
      points: sharesOf(
        here.find((result) => result.mode === mode && result.connections === connections)?.rounds ?? [],
      ).map(({ median, low, high }, place) => ({ x: placeText(place), y: median, low, high })),
    })),
    notes: [`Even would be ${(100 / workers).toFixed(0)} % each.`],
  }));
}

function placeText(place: number): string {
  return place === 0 ? 'busiest' : `number ${place + 1}`;
}

/** Per cent of the requests, busiest worker first; each place over all rounds. */
export function sharesOf(rounds: readonly Pick<ThreadsRound, 'loads'>[]): Measured[] {
  const sorted = rounds.map(({ loads }) => {
    const total = loads.reduce((sum, { requests }) => sum + requests, 0);
    return loads.map(({ requests }) => (requests / total) * 100).toSorted((a, b) => b - a);
  });
  const places = sorted[0]?.length ?? 0;
  return Array.from({ length: places }, (_, place) => measured(sorted.map((shares) => shares[place] ?? 0)));
}

function balanceTable(results: readonly ThreadsResult[], workers: number): Table {
  return {
    kind: 'table',
    title: `Balance of ${workers} workers`,
    rows: 'mode, connections',
    columns: BALANCE_COLUMNS,
    body: of(results, workers).map((result): Row => ({ name: rowName(result), cells: balanceCells(result) })),
    notes: [
      `max/mean: the busiest worker by the mean, 1 is even, ${workers} means that one had all. max/min is that of \`nodeproxy logs threads\`. ` +
        'By chance: how probable a spread of the connections at least as uneven is if each worker were drawn alike (chi-square); hashes are ' +
        'such a draw, so small values are rare there.',
    ],
  };
}

function rowName({ mode, connections }: ThreadsResult): string {
  return `${mode}, ${connections}`;
}

function balanceCells({ rounds }: ThreadsResult): Cell[] {
  const requests = rounds.map(({ loads }) => loads.map((load) => load.requests));
  const connections = rounds.map(({ loads }) => loads.map((load) => load.connections));
  const ratios = requests.map((counts) => imbalanceOf(counts).maxToMin);
  const idle = requests.map((counts) => counts.filter((count) => count === 0).length);
  return [
    measured(requests.map((counts) => imbalanceOf(counts).maxToMean)),
    ratios.every(Number.isFinite) ? measured(ratios) : 'a worker had none',
    measured(connections.map((counts) => imbalanceOf(counts).maxToMean)),
    measured(idle),
    measured(connections.map((counts) => chanceOf(counts) * 100)),
  ];
}

function latencyTable(results: readonly ThreadsResult[], workers: number): Table {
  return {
    kind: 'table',
    title: `Latency and throughput, ${workers === 1 ? '1 worker' : `${workers} workers`}`,
    rows: 'mode, connections',
    columns: [
      ...LATENCY.map(({ title }) => ({ name: title, unit: 'µs', better: 'lower' as const })),
      { name: 'throughput', unit: 'requests/s', better: 'higher' },
    ],
    body: of(results, workers).map((result): Row => ({
      name: workers === 1 ? String(result.connections) : rowName(result),
      cells: [
        ...LATENCY.map(({ name }) => measured(result.rounds.map(({ report }) => report.latency[name]))),
        measured(result.rounds.map(({ report }) => report.requestsPerSecond)),
      ],
    })),
  };
}

function latencyChart(results: readonly ThreadsResult[], workers: number): Chart {
  return {
    ...linesOf(results, workers, ({ latency }) => latency.p99),
    title: `Latency by connections, ${workers} workers`,
    y: { label: 'p99', unit: 'µs', scale: 'log' },
  };
}

function throughputChart(results: readonly ThreadsResult[], workers: number): Chart {
  return {
    ...linesOf(results, workers, ({ requestsPerSecond }) => requestsPerSecond),
    title: `Throughput by connections, ${workers} workers`,
    y: { label: 'throughput', unit: 'requests/s' },
  };
}

function linesOf(
  results: readonly ThreadsResult[],
  workers: number,
  figure: (report: LoadReport) => number,
): Omit<Chart, 'title' | 'y'> {
  const line = (name: string, list: readonly ThreadsResult[]): Series => ({
    name,
    points: list.map(({ connections, rounds }) => {
      const { median, low, high } = measured(rounds.map(({ report }) => figure(report)));
      return { x: connections, y: median, low, high };
    }),
  });
  const here = of(results, workers);
  const alone = workers === 1 ? [] : of(results, 1);
  return {
    kind: 'chart',
    form: 'lines',
    x: { label: 'connections', scale: 'log' },
    series: [
      ...modesOf(here).map((mode) =>
        line(
          mode,
          here.filter((result) => result.mode === mode),
        ),
      ),
      ...(alone.length === 0 ? [] : [line('1 worker', alone)]),
    ],
  };
}
