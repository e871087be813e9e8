/** The slow requests: how many the ledgers explain, where their time went, and the ten slowest of each way line by line. */
import { measured } from '../harness/statistics.ts';
import type { Chart, Listing, Row, Section, Table } from '../report/report.ts';
import { EXPLAINED_SHARE, PART_NAMES, explain, largestPart } from './explain.ts';
import type { Explanation, PartName } from './explain.ts';
import type { ContenderResult } from './rounds.ts';

const SHOWN = 10;

export function slowSection(results: readonly ContenderResult[]): Section {
  const proxied = results.filter(({ contender }) => contender.hops > 0);
  const explained = proxied.map((result) => ({
    result,
    tenfold: tenfoldOf(result),
    slowest: slowestOf(result),
  }));
  return {
    title: 'Slow requests and what the logs say of them',
    text: [
      'Every request has an x-request-id of its own, given by the client, so a slow one is found again in the log of each proxy that it passed. Its ledger says where its time went; what is left is told apart by who awaited it:',
      'client: sent late by the client itself. loop: its bytes lay in the kernel while the worker did something else, garbage collections among it (before its first read, too, which no total contains: `waited`). proxy: all other segments of a ledger but `upstream` and `body`. between: the first proxy awaited the second, which did not have it (network and kernel between them). service: awaited by the last proxy. rest: in no ledger (network and kernel on the side of the client, and its own reading).',
      `Explained: of the time after it was sent, ${EXPLAINED_SHARE * 100} % or more stand in ledgers (between and rest do not count). A request that its client sent late by half of its latency or more is the client's: no proxy can know of that.`,
    ],
    parts: [
      explainedTable(explained),
      partsChart(explained),
      ...explained
        .filter(isFullWay)
        .map(({ result, slowest }) => slowestLines(result.contender.name, slowest)),
    ],
  };
}

interface Explained {
  readonly result: ContenderResult;
  readonly tenfold: readonly Explanation[];
  readonly slowest: readonly Explanation[];
}

/** The shorter ways are steps on the way to these. */
function isFullWay({ result }: Explained): boolean {
  return result.contender.hops === 2;
}

function tenfoldOf({ open }: ContenderResult): Explanation[] {
  return open.flatMap(({ slow }) =>
    slow.filter(({ latencyUs, p50Us }) => latencyUs > 10 * p50Us).map((each) => explain(each)),
  );
}

function slowestOf({ open }: ContenderResult): Explanation[] {
  const all = open.flatMap(({ slow }) => slow);
  return all
    .toSorted((a, b) => b.latencyUs - a.latencyUs)
    .slice(0, SHOWN)
    .map((each) => explain(each));
}

function explainedTable(list: readonly Explained[]): Table {
  return {
    kind: 'table',
    title: 'Requests over ten times the median of their round',
    rows: 'way',
    columns: [
      { name: 'requests' },
      { name: 'over 10 x p50' },
      { name: 'looked at' },
      { name: "the client's" },
      { name: 'explained by ledgers' },
      { name: 'not explained' },
      { name: "explained, of those not the client's", unit: '%', better: 'higher' },
      { name: 'mostly' },
    ],
    body: list.map(({ result, tenfold }): Row => {
      const count = (judgement: Explanation['judgement']): number =>
        tenfold.filter((each) => each.judgement === judgement).length;
      const [client, explained, unexplained] = [count('client'), count('explained'), count('unexplained')];
      const rest = explained + unexplained;
      return {
        name: result.contender.name,
        cells: [
          result.open.reduce((sum, { requests }) => sum + requests, 0),
          result.open.reduce((sum, { tenfold: many }) => sum + many, 0),
          tenfold.length,
          client,
          explained,
          unexplained,
          rest === 0 ? null : measured([(explained / rest) * 100]),
          mostlyText(tenfold),
        ],
      };
    }),
    notes: [
      'Of all rounds together. Mostly: how many have what as their largest part. Of a round with very many, the slowest are looked at.',
    ],
    ranked: false,
  };
}

function mostlyText(list: readonly Explanation[]): string {
  const counts = new Map<PartName, number>();
  for (const each of list) counts.set(largestPart(each), (counts.get(largestPart(each)) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.length === 0 ? '-' : sorted.map(([name, count]) => `${name} ${count}`).join(', ');
}

function partsChart(list: readonly Explained[]): Chart {
  return {
    kind: 'chart',
    form: 'bars',
    title: 'Where the time of requests over ten times the median went',
    x: { label: 'part' },
    y: { label: 'share of their latency', unit: '%' },
    series: list.map(({ result, tenfold }) => {
      const all = tenfold.reduce((sum, { request }) => sum + request.latencyUs, 0);
      return {
        name: result.contender.name,
        points: PART_NAMES.map((name) => ({
          x: name,
          y: all === 0 ? 0 : (tenfold.reduce((sum, { parts }) => sum + parts[name], 0) / all) * 100,
        })),
      };
    }),
    notes: [
      'All such requests of all rounds together, by latency: a request of twice the latency counts twice.',
    ],
  };
}

function judgementText(judgement: Explanation['judgement']): string {
  return judgement === 'client' ? "the client's" : judgement;
}

/** Single requests: no two runs have the same, so they are no rows that could be compared. */
function slowestLines(name: string, slowest: readonly Explanation[]): Listing {
  return {
    kind: 'listing',
    title: `The slowest ten: ${name}`,
    lines: slowest.flatMap(({ request, parts, judgement, inLedgers }, index) => [
      ...(index === 0 ? [] : ['']),
      `${index + 1}. ${request.id}, round ${request.round + 1}: ${request.latencyUs} µs at the client, ${judgementText(judgement)}`,
      `   ${PART_NAMES.map((part) => `${part} ${Math.round(parts[part])}`).join(', ')} µs; ${Math.round(inLedgers * 100)} % of the time after its sending in ledgers`,
      ...request.hops.flatMap((hop) =>
        hop === null
          ? ['   no line of it was found']
          : [
              `   ${hop.proxy}: waited ${hop.waitedUs} µs, then ${hop.totalUs} µs: ${hop.ledger.map(({ segment, us }) => `${segment}=${us}`).join(',')}`,
              `   ${hop.line}`,
            ],
      ),
    ]),
  };
}
