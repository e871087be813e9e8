/** One proxy by size of the mesh and number of workers: tables, charts, and the talk's columns beside them. */
import { measured } from '../harness/statistics.ts';
import type { Cell, Chart, Measured, Row, Section, Table } from '../report/report.ts';
import type { AloneResult, AloneRound, Stage } from './alone.ts';
import { SOME } from './alone.ts';
import { mebibytes } from './scale-section.ts';
import { TALK_SIZES } from './talk.ts';

type StageName = 'idle' | 'some' | 'all';

const STAGES: readonly { readonly name: StageName; readonly title: string }[] = [
  { name: 'idle', title: 'idle' },
  { name: 'some', title: `${SOME} services used` },
  { name: 'all', title: 'all services used' },
];

export function aloneSection(results: readonly AloneResult[]): Section {
  const failed = results.filter(({ failure }) => failure !== null);
  return {
    title: 'One proxy that knows a whole mesh',
    text: [
      'Every service is a static cluster of 2 endpoints and a virtual host with one route; every worker is an own thread. Memory is that ' +
        'of the whole process some seconds after the last thing that happened to it. "Used": each service was asked for once through each ' +
        'of the workers; the pods close their connections, so no sockets are counted. Where a dash stands the mesh was too large for that (--use-all).',
      'The start is from the start of the process to the last worker that accepts; that of a worker from the first instant of its thread ' +
        '(the kernel tells it in steps of 10 ms) to the line in the application log that says it is ready, the slowest one.',
      ...failed.map(
        ({ services, workers, failure }) =>
          `Not measured: ${services} services with ${workersText(workers)}: ${failure ?? ''}.`,
      ),
    ],
    parts: [...sizesTables(results), besideTalk(results), sizesChart(results), decodedTable(results)],
  };
}

function workersText(workers: number): string {
  return workers === 1 ? '1 worker' : `${workers} workers`;
}

/** Of the rounds that came to this stage; null: none did. */
export function residentAt({ rounds }: AloneResult, stage: StageName, what: 'rss' | 'pss'): Measured | null {
  const found = rounds.map((round) => round[stage]?.resident[what]).filter((each) => each !== undefined);
  return found.length === 0 ? null : mebibytes(found);
}

function timeOf({ rounds }: AloneResult, of: (round: AloneRound) => number): Cell {
  return rounds.length === 0 ? null : measured(rounds.map(of));
}

function sizesTables(results: readonly AloneResult[]): Table[] {
  const workers = [...new Set(results.map((result) => result.workers))];
  return workers.map((count): Table => ({
    kind: 'table',
    title: `One proxy with ${workersText(count)}`,
    rows: 'services',
    columns: [
      { name: 'start to ready', unit: 'ms', better: 'lower' },
      { name: 'start of a worker', unit: 'ms', better: 'lower' },
      ...STAGES.flatMap(({ title }) =>
        ['RSS', 'PSS'].map((what) => ({ name: `${title}, ${what}`, unit: 'MiB', better: 'lower' as const })),
      ),
    ],
    body: results
      .filter((result) => result.workers === count)
      .map((result): Row => ({
        name: String(result.services),
        cells: [
          timeOf(result, ({ readyMs }) => readyMs),
          timeOf(result, ({ workerStartMs }) => workerStartMs),
          ...STAGES.flatMap(({ name }) => [residentAt(result, name, 'rss'), residentAt(result, name, 'pss')]),
        ],
      })),
  }));
}

function besideTalk(results: readonly AloneResult[]): Table {
  const workers = [...new Set(results.map((result) => result.workers))];
  const rows = TALK_SIZES.filter(({ services }) => results.some((result) => result.services === services));
  return {
    kind: 'table',
    title: "Beside the talk's sidecar and waypoint",
    rows: 'mesh',
    columns: [
      ...workers.map((count) => ({ name: `${workersText(count)}, idle`, unit: 'MiB' })),
      { name: 'talk: sidecar' },
      { name: 'talk: waypoint' },
    ],
    body: rows.map(({ pods, services, sidecar, waypoint }): Row => ({
      name: `${pods} pods, ${services} services`,
      cells: [
        ...workers.map((count) => {
          const found = results.find((result) => result.services === services && result.workers === count);
          return found === undefined ? null : residentAt(found, 'idle', 'rss');
        }),
        sidecar,
        waypoint,
      ],
    })),
    notes: [
      "Ours: resident size (RSS). The talk's are of Envoy under Istio 1.19 on another machine, without load; it does not say by which measure.",
    ],
  };
}

function sizesChart(results: readonly AloneResult[]): Chart {
  const workers = [...new Set(results.map((result) => result.workers))];
  return {
    kind: 'chart',
    form: 'lines',
    title: 'Resident size by number of services',
    x: { label: 'services' },
    y: { label: 'RSS', unit: 'MiB' },
    series: workers.flatMap((count) =>
      (['idle', 'all'] as const).map((stage) => ({
        name: `${workersText(count)}, ${stage === 'idle' ? 'idle' : 'all services used'}`,
        points: results
          .filter((result) => result.workers === count)
          .flatMap((result) => {
            const figure = residentAt(result, stage, 'rss');
            if (figure === null) return [];
            return [{ x: result.services, y: figure.median, low: figure.low, high: figure.high }];
          }),
      })),
    ),
  };
}

function decodedTable(results: readonly AloneResult[]): Table {
  return {
    kind: 'table',
    title: 'Services that a worker has decoded',
    rows: 'mesh',
    columns: STAGES.map(({ title }) => ({ name: title })),
    body: results.map((result): Row => ({
      name: `${result.services} services, ${workersText(result.workers)}`,
      cells: STAGES.map(({ name }) => decodedText(result.rounds.map((round) => round[name]))),
    })),
    notes: [
      'Clusters, from the gauges `thread_local_cluster_manager.worker_N.clusters_inflated`, one number for each worker; of the last round. ' +
        'Virtual hosts are decoded likewise, and have gauges of their own: `thread_local_route_tables.worker_N.virtual_hosts_inflated`.',
    ],
  };
}

function decodedText(stages: readonly (Stage | null)[]): string {
  const decoded = stages.at(-1)?.decoded ?? null;
  return decoded === null ? '-' : decoded.join(', ');
}
