/** Every step with its latency, throughput and CPU, and what it adds to the one before. */
import type { Column, Row, Section, Table } from '../report/report.ts';
import { lagTable, latencyChart, overRounds, stepTable } from '../topology/latency-section.ts';
import { cpuTable } from '../topology/cost-section.ts';
import { cpuPerRequest } from '../topology/loads.ts';
import type { LoadOptions } from '../topology/loads.ts';
import type { ContenderResult } from '../topology/rounds.ts';
import { stepsOf } from './steps.ts';

const US = 'µs';

/** Of the open loop: what is shown of its latency. */
export const SHOWN = ['mean', 'p50', 'p90', 'p99'] as const;

export const FIGURES: readonly Column[] = [
  ...SHOWN.map((name): Column => ({ name, unit: US, better: 'lower' })),
  { name: 'throughput', unit: 'requests/s', better: 'higher' },
  { name: 'CPU', unit: 'µs/request', better: 'lower' },
  { name: 'failed' },
];

export function stepsSection(results: readonly ContenderResult[], load: LoadOptions): Section {
  const steps = stepsOf(results.map(({ contender }) => contender));
  return {
    title: 'What interception costs, step by step',
    text: [
      `Latency: ${load.rate} requests/s by a timetable (open loop) ${load.keepAlive ? `over ${load.connections} keep-alive connections` : `each on a connection of its own, ${load.connections} at once at most`}, ${load.seconds} s a round, counted from the place in the timetable. Throughput and CPU: as fast as it goes (closed loop) over as many connections, ${load.closedSeconds} s a round; CPU is that of all processes, client and service too.`,
      'Rounds are interleaved, and all steps have the same processes: an interception is on while its round is measured and off behind it. An address is replaced when a connection is opened, so with keep-alive a request pays only for what the kernel does to each packet; `--no-keep-alive` has a connection for each. Work of the kernel counts to the process in whose time it is done.',
    ],
    parts: [
      figuresTable('Steps', 'step', results),
      latencyChart(results),
      stepTable(results, steps, [
        'The first rows: each step against the one before it. Then interceptions against two hops that are addressed, and the last against the first.',
      ]),
      cpuTable('CPU by role, at full speed', results, ({ closed }) => closed),
      lagTable(results),
    ],
  };
}

export function figuresTable(title: string, rows: string, results: readonly ContenderResult[]): Table {
  return { kind: 'table', title, rows, columns: FIGURES, body: results.map(rowOf) };
}

function rowOf({ contender, open, closed }: ContenderResult): Row {
  const failed = (rounds: readonly number[]): number => rounds.reduce((sum, each) => sum + each, 0);
  return {
    name: contender.name,
    cells: [
      ...SHOWN.map((key) => overRounds(open, ({ latency }) => latency[key])),
      overRounds(closed, ({ requestsPerSecond }) => requestsPerSecond),
      overRounds(closed, cpuPerRequest),
      failed(open.map((round) => round.failed)) + failed(closed.map((round) => round.failures)),
    ],
  };
}
