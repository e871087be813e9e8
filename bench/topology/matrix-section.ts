/** Interoperation of all fronts, attribution to pods, and the bytes that a proxy copies. */
import type { Cell, Row, Section, Table } from '../report/report.ts';
import type { ChainCount, Copied, MatrixCell } from './matrix.ts';
import { FRONTS } from './proxy-config.ts';

/** What every cell of a count says of itself. */
export function isRight({ requests, counted, lines }: ChainCount): boolean {
  return counted === requests && lines === requests;
}

export function passes({ failed, outbound, inbound }: MatrixCell): boolean {
  return failed === 0 && [...outbound, ...inbound].every(isRight);
}

export function matrixSection(cells: readonly MatrixCell[]): Section {
  return {
    title: 'Who works with whom',
    text: [
      'Each of three fronts (plain: no proxy; sidecar: that of the pod; nodeproxy: that of the node) on the side of the clients with each on the side of the servers. No front knows of the other side: what a proxy forwards is what a client sends.',
      'A pod is known by its address (filter chains by source_prefix_ranges on the side of the clients, by prefix_ranges on the side of the servers), and has statistics, routes and a log file of its own, also where one process serves all pods. Each pod sends another number of requests.',
    ],
    parts: [matrixTable(cells), attributionTable(cells), bytesTable(cells)],
  };
}

function matrixTable(cells: readonly MatrixCell[]): Table {
  return {
    kind: 'table',
    title: 'Interoperation',
    rows: 'client side',
    columns: FRONTS.map((front) => ({ name: `to ${front}` })),
    body: FRONTS.map((client): Row => ({
      name: client,
      cells: FRONTS.map((server): Cell => {
        const cell = cells.find(({ way }) => way.client === client && way.server === server);
        if (cell === undefined) return null;
        const { requests, failed } = cell;
        return failed === 0 ? `passes (${requests})` : `${failed} of ${requests} failed`;
      }),
    })),
    notes: ['In brackets: requests, all of them answered with 200.'],
  };
}

function attributionTable(cells: readonly MatrixCell[]): Table {
  const cell = cells.find(({ way }) => way.client === 'nodeproxy' && way.server === 'nodeproxy');
  const rows = (side: string, counts: readonly ChainCount[]): Row[] =>
    counts.map((count) => ({
      name: `${count.pod}, ${side}`,
      cells: [count.requests, count.counted, count.lines, isRight(count) ? 'yes' : 'no'],
    }));
  return {
    kind: 'table',
    title: 'One process, several pods: what is counted and logged for each',
    rows: 'pod',
    columns: [{ name: 'requests' }, { name: 'counted' }, { name: 'lines' }, { name: 'right' }],
    body:
      cell === undefined
        ? []
        : [...rows('proxy of node 1', cell.outbound), ...rows('proxy of node 2', cell.inbound)],
    notes: [
      "Counted: downstream_rq_total of the pod's chain. Lines: those in the pod's log that carry ids of its own requests.",
      `All nine ways: ${cells.filter(passes).length} of ${cells.length} without a failure and with every count right.`,
    ],
  };
}

function bytesTable(cells: readonly MatrixCell[]): Table {
  const row = (name: string, copied: Copied | null | undefined): Row[] =>
    copied === null || copied === undefined
      ? []
      : [{ name, cells: [copied.read, copied.written, copied.read + copied.written] }];
  const of = (front: 'sidecar' | 'nodeproxy'): MatrixCell | undefined =>
    cells.find(({ way }) => way.client === front && way.server === front);
  const unit = 'bytes/request';
  return {
    kind: 'table',
    title: 'Bytes copied between the kernel and a proxy',
    rows: 'proxies',
    columns: [
      { name: 'read', unit },
      { name: 'written', unit },
      { name: 'both', unit, better: 'lower' },
    ],
    body: (['sidecar', 'nodeproxy'] as const).flatMap((front) => [
      ...row(`${front}, clients' side`, of(front)?.copied.outbound),
      ...row(`${front}, servers' side`, of(front)?.copied.inbound),
    ]),
    notes: [
      'From the counters of bytes received and sent of listeners and clusters: heads and bodies in both directions, each read once and written once by each proxy. The log and acknowledgements are not counted.',
      'What a sockmap changes in this is measured by `interception`.',
    ],
    ranked: false,
  };
}
