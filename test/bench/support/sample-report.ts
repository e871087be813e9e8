/** A report with everything that reports hold: for the tests of text, comparison and page. The figures are made up. */
import { measured } from '../../../bench/harness/statistics.ts';
import type { Chart, Measured, Report, Section, SetUp, Table } from '../../../bench/report/report.ts';

export function around(median: number, spread: number): Measured {
  return measured([
    median * (1 - spread),
    median * (1 - spread / 3),
    median,
    median * (1 + spread / 2),
    median * (1 + spread),
  ]);
}

export const SET_UP: SetUp = {
  machine: {
    processor: 'Example Processor 9000 @ 2.50GHz',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    kernel: '6.1.0-example',
  },
  versions: { nodeproxy: '0.1.0', node: '26.10.0', v8: '14.6', nginx: '1.22.1', haproxy: '2.6.12' },
  pinning: { proxies: 'core 0', 'client and upstream': 'core 1' },
  options: { rounds: '5', seconds: '3', connections: '64', quick: '' },
  commit: '0123456789ab',
  dirty: false,
};

export const COST_TABLE: Table = {
  kind: 'table',
  title: 'Small GET, 64 keep-alive connections, one worker',
  rows: 'proxy',
  columns: [
    { name: 'CPU', unit: 'µs/request', better: 'lower' },
    { name: 'user', unit: 'µs/request' },
    { name: 'throughput', unit: 'requests/s', better: 'higher' },
    { name: 'of nginx', better: 'lower' },
    { name: 'workers' },
    { name: 'log' },
  ],
  body: [
    {
      name: 'nodeproxy, full log',
      cells: [
        around(17.84, 0.04),
        around(9.1, 0.05),
        around(56_800, 0.02),
        around(1.27, 0.03),
        1,
        'every group',
      ],
    },
    {
      name: 'nodeproxy, no log',
      cells: [around(11.2, 0.03), around(4.6, 0.04), around(88_900, 0.02), around(0.801, 0.02), 1, 'off'],
    },
    {
      name: 'nginx with log',
      cells: [around(14.02, 0.03), around(3.33, 0.08), around(71_000, 0.03), 1, 1, 'the same fields'],
    },
    {
      name: 'haproxy with log',
      cells: [around(14.4, 0.05), around(4, 0.02), around(69_900, 0.03), around(1.03, 0.02), 1, null],
    },
  ],
  notes: ['Each proxy warmed up for 6 s; `wrk` on the other core.', 'HAProxy writes its log through a pipe.'],
};

export const CHARTS: readonly Chart[] = [
  {
    kind: 'chart',
    form: 'bars',
    title: 'Proxies’ memory, a proxy per pod against one per node',
    x: { label: 'pods / services' },
    y: { label: 'PSS of all proxies', unit: 'MiB' },
    series: ['sidecars', 'nodeproxy', 'the talk: sidecars'].map((name, index) => ({
      name,
      points: [30, 50, 100, 101, 102].map((pods, row) => {
        const y = index === 1 ? 300 + row * 20 : pods * (30 + row * 5) * (index === 2 ? 1.4 : 1);
        return {
          x: `${Math.min(pods, 100)} / ${[200, 200, 200, 500, 1500][row]}`,
          y,
          ...(index === 2 ? {} : { low: y * 0.96, high: y * 1.05 }),
        };
      }),
    })),
    notes: ['100 processes were measured on 10 and multiplied.'],
  },
  {
    kind: 'chart',
    form: 'lines',
    title: 'Throughput by connections',
    x: { label: 'connections', scale: 'log' },
    y: { label: 'throughput', unit: 'requests/s' },
    series: ['1 worker', '2 workers, reuse_port', '2 workers, shared socket', '2 workers, exact balance'].map(
      (name, index) => ({
        name,
        points: [1, 2, 4, 8, 16, 32, 64, 128, 256].map((x) => {
          const y = 20_000 * (1 + index * 0.35) * Math.log2(1 + Math.min(x, 48));
          return { x, y, low: y * 0.93, high: y * 1.06 };
        }),
      }),
    ),
  },
  {
    kind: 'chart',
    form: 'bars',
    title: 'Latency by percentile',
    x: { label: 'percentile' },
    y: { label: 'latency', unit: 'µs', scale: 'log' },
    series: ['direct', 'sidecar', 'nodeproxy'].map((name, index) => ({
      name,
      points: ['p50', 'p90', 'p99', 'p99.9'].map((x, row) => {
        const y = 120 * (index + 1) * 3 ** row;
        return { x, y, low: y * 0.8, high: y * 1.3 };
      }),
    })),
  },
  {
    kind: 'chart',
    form: 'bars',
    title: 'CPU per request',
    x: { label: 'proxy, one worker each, on the same core, with its own log to a file' },
    y: { label: 'CPU of the proxy’s process, user and kernel together, per request', unit: 'µs/request' },
    series: [
      {
        name: 'CPU',
        points: [
          'nodeproxy, full log',
          'nodeproxy, plain log',
          'nodeproxy, no log',
          'nginx with log',
          'haproxy with log',
          '@fastify/http-proxy',
          'fast-proxy',
        ].map((x, row) => {
          const y = 11 + 9 * row;
          return { x, y, low: y * 0.9, high: y * 1.04 };
        }),
      },
    ],
  },
];

export const SECTIONS: readonly Section[] = [
  {
    title: 'HTTP/1.1',
    text: [
      'All proxies run on core 0, one of them under load at a time; upstream and client on core 1. Each is warmed up first. Rounds go through all of them in turn, so that a noisy minute of the machine hits each.',
      'Set `--rounds` higher for narrower ranges.',
    ],
    parts: [COST_TABLE, ...CHARTS],
  },
  {
    title: 'The slowest requests',
    text: [],
    parts: [
      {
        kind: 'listing',
        title: 'The ledger of the slowest request',
        lines: [
          '[2026-11-21T08:03:16.622Z] "GET /" 200 25 (20309) loop=949,filter.delay=228,paused.delay=20427,upstream=332,deliver=1612,proxy=1959 paused.delay 20.4ms 80%',
          '',
          '  loop      ▏█▏ 0.9 ms',
        ],
      },
      {
        kind: 'table',
        title: 'Percentiles',
        rows: 'percentile',
        columns: [{ name: 'latency', unit: 'ms', better: 'lower' }],
        body: [
          { name: 'p50', cells: [around(0.9, 0.1)] },
          { name: 'p99', cells: [around(13, 0.1)] },
          { name: 'p99.9', cells: [null] },
        ],
        ranked: false,
      },
    ],
  },
];

export function sampleReport(change: Partial<Report> = {}): Report {
  return {
    scenario: 'sample',
    title: 'What a request costs: nodeproxy beside nginx and HAProxy',
    startedAt: '2026-11-21T08:03:16.622Z',
    seconds: 95.4,
    setUp: SET_UP,
    sections: SECTIONS,
    ...change,
  };
}
