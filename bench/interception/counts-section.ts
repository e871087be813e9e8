/**
 * What a sockmap does at few and at many connections, as ratios of the same round, beside what the talk on Merbridge says. The
 * figures that they are made of stand below them, by connections.
 */
import { ratios } from '../harness/statistics.ts';
import type { Cell, Measured, Row, Section, Table } from '../report/report.ts';
import { cpuPerRequest } from '../topology/loads.ts';
import type { LoadOptions } from '../topology/loads.ts';
import type { ContenderResult } from '../topology/rounds.ts';
import { UPSTREAM_CONNECTIONS } from './stand.ts';
import { SHOWN, figuresTable } from './steps-section.ts';

/** Of one number of connections. */
export interface CountResult {
  readonly load: LoadOptions;
  readonly results: readonly ContenderResult[];
}

const SOCKMAP = 'eBPF + sockmap';
/** Merbridge takes the place of iptables; its sockmap alone is told by eBPF without it. */
const REFERENCES = ['eBPF', 'REDIRECT'];
const TALK = '5 to 12 %';

export function countsSection(counts: readonly CountResult[]): Section {
  return {
    title: 'With and without sockmap, by connections',
    text: [
      'The talk on Merbridge states 5 to 12 % less latency and no other loss, without its measurement. Latency is that of the open loop, at a rate that is below what the proxies can do; at one connection it is 200 requests/s, so that requests do not wait for each other.',
      'With the sockmap, bytes between application and proxy of one pod go from socket to socket. Between the pods they go by TCP in all of these, as they would between nodes.',
      `A proxy opens ${UPSTREAM_CONNECTIONS} connections to a cluster at most, Envoy's default: beyond that requests of its clients wait for one, on all ways alike.`,
    ],
    parts: [
      ...(counts.some(({ results }) => results.some(({ contender }) => contender.name === SOCKMAP))
        ? [ratioTable(counts)]
        : []),
      ...counts.map(({ load, results }) =>
        figuresTable(
          `${countText(load.connections)} at ${load.rate} requests/s, and at full speed`,
          'step',
          results,
        ),
      ),
    ],
  };
}

export function countText(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}

function ratioTable(counts: readonly CountResult[]): Table {
  return {
    kind: 'table',
    title: 'Sockmap: ratios',
    rows: 'connections',
    columns: [
      ...SHOWN.map((name) => ({ name: `${name}, ratio`, better: 'lower' as const })),
      { name: 'throughput, ratio', better: 'higher' },
      { name: 'CPU, ratio', better: 'lower' },
      { name: 'mean less by', unit: '%' },
      { name: 'the talk' },
    ],
    body: counts.flatMap(({ load, results }) => REFERENCES.flatMap((name) => ratioRow(load, results, name))),
    notes: [
      'Ratio of a round to the reference in the same round; in brackets the smallest and the largest. A range that holds 1 tells nothing.',
      `Of eBPF: the sockmap alone. Of REDIRECT: all of what Merbridge does. ${TALK} is the talk's "in general", whatever it was compared with.`,
    ],
    ranked: false,
  };
}

function ratioRow(
  { connections }: LoadOptions,
  results: readonly ContenderResult[],
  reference: string,
): Row[] {
  const named = (name: string): ContenderResult | undefined =>
    results.find(({ contender }) => contender.name === name);
  const [one, other] = [named(SOCKMAP), named(reference)];
  if (one === undefined || other === undefined) return [];
  const means = openRatio(one, other, 'mean');
  const cells: Cell[] = [
    ...SHOWN.map((key) => openRatio(one, other, key)),
    ratios(
      one.closed.map(({ requestsPerSecond }) => requestsPerSecond),
      other.closed.map(({ requestsPerSecond }) => requestsPerSecond),
    ),
    ratios(one.closed.map(cpuPerRequest), other.closed.map(cpuPerRequest)),
    lessBy(means),
    TALK,
  ];
  return [{ name: `${countText(connections)}, of ${reference}`, cells }];
}

function openRatio(one: ContenderResult, other: ContenderResult, key: (typeof SHOWN)[number]): Measured {
  return ratios(
    one.open.map(({ latency }) => latency[key]),
    other.open.map(({ latency }) => latency[key]),
  );
}

/** In percent; the largest ratio is the smallest gain. */
function lessBy({ median, low, high, rounds }: Measured): Measured {
  const percent = (ratio: number): number => (1 - ratio) * 100;
  return { median: percent(median), low: percent(high), high: percent(low), rounds };
}
