/**
 * The report's sections: latency at the rate, throughput, the proxies' memory, and the slowest probes with what the proxies' logs say
 * of them. Rows have the same names in every profile, so that `bench compare` can set two reports side by side.
 */
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../src/diagnose/record.ts';
import type { LoadReport } from '../../bench/harness/autocannon.ts';
import { measured } from '../../bench/harness/statistics.ts';
import type { Cell, Chart, Column, Listing, Row, Section, Table } from '../../bench/report/report.ts';
import type { FoundLine } from './log-lines.ts';
import type { Measurement } from './measure.ts';
import type { Probe, Probes } from './probes.ts';
import type { ProxyState } from './proxies.ts';
import type { Settings, WayName } from './settings.ts';

const MIB = 1024 * 1024;
const RATE_NOTE =
  'The load keeps to its rate, but each connection waits for an answer before its next request: a stall hides the requests that it held back. The probes leave by the clock and see it.';

/** One row a service, one cell a column, from the service's rounds. */
type Figure = readonly [Column, (load: LoadReport) => number];

const LATENCY: readonly Figure[] = [
  [{ name: 'p50', unit: 'µs', better: 'lower' }, ({ latency }) => latency.p50],
  [{ name: 'p90', unit: 'µs', better: 'lower' }, ({ latency }) => latency.p90],
  [{ name: 'p99', unit: 'µs', better: 'lower' }, ({ latency }) => latency.p99],
  [{ name: 'p99.9', unit: 'µs', better: 'lower' }, ({ latency }) => latency.p999],
];
const RATE: Figure = [{ name: 'requests', unit: 'requests/s' }, ({ requestsPerSecond }) => requestsPerSecond];
const THROUGHPUT: Figure = [
  { name: 'requests', unit: 'requests/s', better: 'higher' },
  ({ requestsPerSecond }) => requestsPerSecond,
];
const FAILURES: Figure = [
  { name: 'failures', unit: 'requests', better: 'lower' },
  ({ failures }) => failures,
];

export function latencySection(measurements: readonly Measurement[], { rate }: Settings): Section {
  const figures = [...LATENCY, RATE, FAILURES];
  const body = measurements.map(({ service, atRate }) => rowOf(service, atRate, figures));
  return {
    title: 'Latency at a fixed rate',
    text: [`Each service in turn, ${rate} requests per second over all connections together.`],
    parts: [
      tableOf('Latency by service', body, figures, [RATE_NOTE]),
      chartOf(
        'Latency by service',
        'latency',
        'µs',
        LATENCY.map(([{ name }, figure]) => [
          name,
          measurements.map(({ service, atRate }) => [service, atRate.map(figure)]),
        ]),
      ),
    ],
  };
}

export function throughputSection(measurements: readonly Measurement[]): Section {
  const figures = [THROUGHPUT, ...LATENCY.filter(([{ name }]) => name === 'p50' || name === 'p99'), FAILURES];
  const body = measurements.map(({ service, atFull }) => rowOf(service, atFull, figures));
  const [, requests] = THROUGHPUT;
  return {
    title: 'As fast as it goes',
    text: ['Every connection sends its next request when its last one is answered.'],
    parts: [
      tableOf('Throughput by service', body, figures, [
        'With every core busy, latency is mostly waiting: the latency to compare is that at a fixed rate.',
      ]),
      chartOf('Throughput by service', 'requests', 'requests/s', [
        ['requests', measurements.map(({ service, atFull }) => [service, atFull.map(requests)])],
      ]),
    ],
  };
}

/** `before` and `after` are of the same proxies in the same order; both empty without a proxy. */
export function proxySection(before: readonly ProxyState[], after: readonly ProxyState[]): Section {
  if (after.length === 0)
    return { title: 'Proxies', text: ['There is no proxy on the way: this is the reference.'], parts: [] };
  const rows = after.map(({ name, memoryBytes, requests }, index): Row => {
    const start = before[index]?.requests ?? { outbound: 0, inbound: 0 };
    const cells = [requests.outbound - start.outbound, requests.inbound - start.inbound, memoryBytes / MIB];
    return { name, cells };
  });
  const sum = (cell: number): number => rows.reduce((total, { cells }) => total + Number(cells[cell]), 0);
  return {
    title: 'Proxies',
    text: [`Processes of the same build: ${after.length}.`],
    parts: [
      {
        kind: 'table',
        title: 'Requests and memory by proxy',
        rows: 'proxy',
        ranked: false,
        columns: [
          { name: 'from its pods', unit: 'requests' },
          { name: 'to its pods', unit: 'requests' },
          { name: 'resident', unit: 'MiB', better: 'lower' },
        ],
        body: [...rows, { name: 'all together', cells: [sum(0), sum(1), sum(2)] }],
        notes: [
          'Resident memory is read once, after the last round. Pages of the image that several containers share count in each.',
        ],
      },
    ],
  };
}

/** Its table is of this profile alone: no row of it means the same in another report. */
export function slowSection(
  { slowest, sent, failed }: Probes,
  found: readonly FoundLine[],
  profile: WayName,
): Section {
  const lines = slowest.map(({ id }) => found.filter((each) => each.id === id));
  const rows = slowest.flatMap((probe, index) => slowRows(probe, index, lines[index] ?? []));
  const table: Table = {
    kind: 'table',
    title: `Where the time of the slowest went, ${profile}`,
    rows: 'probe',
    ranked: false,
    columns: [
      { name: 'seen by the client', unit: 'µs' },
      { name: 'in the kernel before', unit: 'ms' },
      { name: 'in the proxy', unit: 'µs' },
      { name: 'largest part' },
      { name: 'ledger', unit: 'µs' },
    ],
    body: rows,
  };
  const listings = slowest.flatMap(({ id, service }, index): Listing[] => {
    const mine = lines[index] ?? [];
    if (mine.length === 0) return [];
    const title = `${index + 1}: ${service}, x-request-id ${id}`;
    return [{ kind: 'listing', title, lines: mine.map(({ proxy, line }) => `${proxy}: ${line}`) }];
  });
  return {
    title: 'The slowest probes',
    text: [
      `${sent} single requests beside the load at a fixed rate, ${failed} of them failed. A proxy's time holds all that lies behind it, the next proxy as well; it begins when the proxy reads, so what the bytes had waited in the kernel until then stands beside it.`,
    ],
    parts: [table, ...listings],
  };
}

/** How long the request's first bytes lay in the kernel before the proxy's total begins. */
function waitedMs({ downstreamReads }: LogRecord): number | null {
  const first = downstreamReads?.[0];
  if (first?.kind !== 'read' || first.waited === null || first.waited === undefined) return null;
  return first.unit === 'us' ? first.waited / 1000 : first.waited;
}

/** One for each proxy that it left a line in. */
function slowRows({ service, us }: Probe, index: number, lines: readonly FoundLine[]): Row[] {
  const name = `${index + 1}: ${service}`;
  if (lines.length === 0) return [{ name, cells: [us, null, null, null, null] }];
  return lines.map(({ proxy, line }, hop): Row => {
    const record = parseRecord(line, proxy, 1);
    const ledger = isUnreadable(record) ? [] : (record.ledger ?? []);
    const largest = ledger.toSorted((a, b) => b.us - a.us)[0];
    const cells: Cell[] = [
      hop === 0 ? us : null,
      isUnreadable(record) ? null : waitedMs(record),
      ledger.length === 0 ? null : ledger.reduce((sum, each) => sum + each.us, 0),
      largest?.segment ?? null,
      ledger.map(({ segment, us: part }) => `${segment}=${part}`).join(' ') || null,
    ];
    return { name: `${name}, ${proxy}`, cells };
  });
}

function rowOf(name: string, rounds: readonly LoadReport[], figures: readonly Figure[]): Row {
  return { name, cells: figures.map(([, figure]) => measured(rounds.map(figure))) };
}

function tableOf(
  title: string,
  body: readonly Row[],
  figures: readonly Figure[],
  notes: readonly string[],
): Table {
  const columns = figures.map(([column]) => column);
  return { kind: 'table', title, rows: 'service', columns, body, notes, ranked: false };
}

/** Series: name, then for each service its rounds. */
function chartOf(
  title: string,
  what: string,
  unit: string,
  series: readonly (readonly [string, readonly (readonly [string, readonly number[]])[]])[],
): Chart {
  return {
    kind: 'chart',
    form: 'bars',
    title,
    x: { label: 'service' },
    y: { label: what, unit },
    series: series.map(([name, points]) => ({
      name,
      points: points.map(([x, rounds]) => {
        const { median: y, low, high } = measured(rounds);
        return { x, y, low, high };
      }),
    })),
  };
}
