/** What a request and a pod cost: throughput, CPU by role, outbound against inbound, memory of all proxies. */
import type { Chart, Column, Measured, Row, Section, Table } from '../report/report.ts';
import { measured } from '../harness/statistics.ts';
import { overRounds } from './latency-section.ts';
import { cpuPerRequest } from './loads.ts';
import type { CpuSplit, LoadOptions } from './loads.ts';
import type { ContenderResult, MemoryReading } from './rounds.ts';
import type { WarmUp } from './warm-up.ts';

const MIB = 1024 * 1024;
const US_PER_SECOND = 1e6;

type Role = keyof CpuSplit;

const ROLES: readonly { readonly role: Role; readonly name: string }[] = [
  { role: 'outbound', name: "clients' proxies" },
  { role: 'inbound', name: "servers' proxies" },
  { role: 'services', name: 'services' },
  { role: 'clients', name: 'clients' },
];

interface CpuRound {
  readonly requests: number;
  readonly cpu: CpuSplit;
}

export interface Memory {
  readonly pods: number;
  readonly concurrency: number;
  readonly idle: MemoryReading;
  readonly loaded: readonly MemoryReading[];
}

export function throughputSection(results: readonly ContenderResult[], load: LoadOptions): Section {
  return {
    title: 'Throughput',
    text: [
      `Closed loop by autocannon: ${load.connections} connections of all clients together${load.keepAlive ? '' : ', each of one request'}, each sends its next request when its last one is answered, for ${load.closedSeconds} s a round. ` +
        'Clients and services share their cores, so where proxies are few the clients are the limit, not what is measured.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'Closed loop',
        rows: 'way',
        columns: [
          { name: 'throughput', unit: 'requests/s', better: 'higher' },
          { name: 'p99 of the slowest client', unit: 'µs', better: 'lower' },
          { name: 'failed' },
        ],
        body: results.map(({ contender, closed }): Row => ({
          name: contender.name,
          cells: [
            overRounds(closed, ({ requestsPerSecond }) => requestsPerSecond),
            overRounds(closed, ({ p99 }) => p99),
            closed.reduce((sum, { failures }) => sum + failures, 0),
          ],
        })),
        notes: [
          "Latencies are recorded in microseconds from each answer's own time, not from autocannon's histogram of whole milliseconds.",
        ],
      },
    ],
  };
}

export function cpuSection(
  results: readonly ContenderResult[],
  load: LoadOptions,
  warmUps: readonly WarmUp[],
): Section {
  return {
    title: 'CPU per request',
    text: [
      'Time on a processor of each process, by role, divided by the requests of the round, from the scheduler (sum_exec_runtime, nanoseconds). Proxies that are on no way of the round are not counted.',
      ...warmUps.map(
        ({ contender, requestsPerWorker, seconds }) =>
          `Before the first round each worker of a proxy of ${contender} had served ${requestsPerWorker} requests, for ${seconds} s. Code is compiled while it runs: a worker that has served fewer is dearer, and the first rounds are.`,
      ),
      'Outbound work (routes by host, a choice of clusters) against inbound work (one route) is told by the two roles of proxies of one way, which serve the same requests at the same rate.',
    ],
    parts: [
      cpuTable(`At ${load.rate} requests/s (open loop)`, results, ({ open }) => open),
      cpuTable('At full speed (closed loop)', results, ({ closed }) => closed),
      cpuChart(results),
      directionTable(results, load),
    ],
  };
}

function perRequest(rounds: readonly CpuRound[], of: (cpu: CpuSplit) => number): Measured | null {
  return overRounds(rounds, ({ requests, cpu }) => (of(cpu) / requests) * US_PER_SECOND);
}

export function cpuTable(
  title: string,
  results: readonly ContenderResult[],
  of: (result: ContenderResult) => readonly CpuRound[],
): Table {
  const unit = 'µs/request';
  const relayed = results.some((result) => of(result).some(({ cpu }) => cpu.relay > 0));
  const columns: Column[] = ROLES.map(({ name }) => ({ name, unit, better: 'lower' }));
  return {
    kind: 'table',
    title,
    rows: 'way',
    columns: [
      ...columns,
      { name: 'all of these', unit, better: 'lower' },
      ...(relayed ? [{ name: 'relay', unit }] : []),
    ],
    body: results.map((result): Row => {
      const rounds = of(result);
      const absent = (role: Role): boolean => rounds.every(({ cpu }) => cpu[role] === 0);
      return {
        name: result.contender.name,
        cells: [
          ...ROLES.map(({ role }) => (absent(role) ? null : perRequest(rounds, (cpu) => cpu[role]))),
          overRounds(rounds, cpuPerRequest),
          ...(relayed ? [perRequest(rounds, ({ relay }) => relay)] : []),
        ],
      };
    }),
  };
}

function cpuChart(results: readonly ContenderResult[]): Chart {
  return {
    kind: 'chart',
    form: 'bars',
    title: 'CPU per request at full speed',
    x: { label: 'way' },
    y: { label: 'CPU', unit: 'µs/request' },
    series: ROLES.map(({ role, name }) => ({
      name,
      points: results.map(({ contender, closed }) => {
        const { median, low, high } = perRequest(closed, (cpu) => cpu[role]) ?? {
          median: 0,
          low: 0,
          high: 0,
        };
        return { x: contender.name, y: median, low, high };
      }),
    })),
  };
}

function directionTable(results: readonly ContenderResult[], load: LoadOptions): Table {
  const both = results.filter(({ contender }) => contender.hops === 2);
  const kinds = [
    { name: `at ${load.rate} requests/s`, of: ({ open }: ContenderResult): readonly CpuRound[] => open },
    { name: 'at full speed', of: ({ closed }: ContenderResult): readonly CpuRound[] => closed },
  ];
  return {
    kind: 'table',
    title: 'Outbound against inbound',
    rows: 'way',
    columns: [
      { name: 'outbound', unit: 'µs/request' },
      { name: 'inbound', unit: 'µs/request' },
      { name: 'outbound / inbound' },
      { name: 'outbound costs more' },
    ],
    body: both.flatMap((result) =>
      kinds.map(({ name, of }): Row => {
        const rounds = of(result);
        const ratio = overRounds(rounds, ({ cpu }) => cpu.outbound / cpu.inbound);
        const verdict =
          ratio === null ? null : ratio.low > 1 ? 'yes' : ratio.high < 1 ? 'no' : 'not told apart';
        return {
          name: `${result.contender.name}, ${name}`,
          cells: [
            perRequest(rounds, ({ outbound }) => outbound),
            perRequest(rounds, ({ inbound }) => inbound),
            ratio,
            verdict,
          ],
        };
      }),
    ),
    notes: [
      'Yes or no where every round says the same. The outbound proxies know three destinations for each server pod here; a mesh of many services is what `memory` measures.',
    ],
    ranked: false,
  };
}

export function memorySection({ pods, concurrency, idle, loaded }: Memory): Section {
  const mib = (readings: readonly MemoryReading[], of: (reading: MemoryReading) => number): Measured =>
    measured(readings.map((reading) => of(reading) / MIB));
  const row = (name: string, count: number, of: (reading: MemoryReading) => number): Row => ({
    name,
    cells: [
      count,
      mib([idle], of),
      loaded.length === 0 ? null : mib(loaded, of),
      loaded.length === 0 ? null : mib(loaded, (reading) => of(reading) / count),
    ],
  });
  return {
    title: 'Memory of all proxies',
    text: [
      `Proportional set size (PSS) of all proxies of a kind together: ${pods} pods on each of the two nodes, ${concurrency} worker threads in each process. Idle: all have just started and served nothing; after load: at the end of each round. `,
    ],
    parts: [
      {
        kind: 'table',
        title: 'PSS',
        rows: 'proxies',
        columns: [
          { name: 'processes' },
          { name: 'idle', unit: 'MiB', better: 'lower' },
          { name: 'after load', unit: 'MiB', better: 'lower' },
          { name: 'after load, each', unit: 'MiB' },
        ],
        body: [
          row('a sidecar per pod', pods * 2, ({ sidecars }) => sidecars),
          row('one proxy per node', 2, ({ nodes }) => nodes),
        ],
        notes: [
          'Idle is one reading. All processes ran at once and share the pages of the program, which PSS divides among them.',
        ],
      },
    ],
  };
}
