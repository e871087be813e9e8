/** The talk's table with ours in it, and the growth per pod, as a section of the report. */
import { measured } from '../harness/statistics.ts';
import type { Chart, Column, Measured, Row, Section, Table } from '../report/report.ts';
import { CONNECTIONS_PER_POD } from './growth.ts';
import type { Growth, GrowthPoint } from './growth.ts';
import { MIB } from './resident.ts';
import type { ScaleResult, ScaleRound } from './scales.ts';
import { TALK_NODES } from './talk.ts';

const COLUMNS: readonly Column[] = [
  { name: 'sidecars', unit: 'MiB' },
  { name: `${TALK_NODES} node proxies`, unit: 'MiB', better: 'lower' },
  { name: 'reduction', unit: '%', better: 'higher' },
  { name: `reduction on ${TALK_NODES} machines`, unit: '%', better: 'higher' },
  { name: 'sidecars run at once' },
  { name: 'talk: sidecars', unit: 'GB' },
  { name: 'talk: node proxies', unit: 'GB' },
  { name: 'talk: reduction', unit: '%' },
  { name: "reaches the talk's" },
];

export function scaleSection(results: readonly ScaleResult[], workers: number): Section {
  return {
    title: 'A sidecar per pod against a proxy per node',
    text: [
      `Every row is a mesh of so many pods and services on ${TALK_NODES} nodes. With sidecars, each pod has a proxy that knows all services; ` +
        `with one proxy per node there are ${TALK_NODES}. All are this proxy, with the same configuration and ${workers} workers each, ` +
        'idle after their start. What is added up is PSS, in which a page that several processes share counts once.',
      "The talk's figures are those of Envoy on another machine (Istio 1.8.4, 16 cores, 32 GB): its reduction can be compared, its bytes " +
        'cannot.',
    ],
    parts: [scaleTable(results), scaleChart(results)],
  };
}

/** The reduction that a row's rounds give; both columns count. */
export function reductionOf(rounds: readonly ScaleRound[]): { machine: Measured; nodes: Measured } {
  const share = (part: number, whole: number): number => (1 - part / whole) * 100;
  return {
    machine: measured(rounds.map((round) => share(round.nodeProxies, round.sidecars))),
    nodes: measured(rounds.map((round) => share(round.nodeProxiesOnNodes, round.sidecarsOnNodes))),
  };
}

/** Rounds of a talk's percentage: 92.6 % there is printed as 93. */
const ROUNDING = 0.5;

/** Of the worst round, by PSS on one machine and with the nodes on machines of their own. */
export function reaches({ scale, rounds }: ScaleResult): 'yes' | 'yes, apart no' | 'no' {
  const { machine, nodes } = reductionOf(rounds);
  const least = scale.reduction - ROUNDING;
  if (machine.low < least) return 'no';
  return nodes.low < least ? 'yes, apart no' : 'yes';
}

export function scaleName({ scale: { pods, services } }: ScaleResult): string {
  return `${pods} pods, ${services} services`;
}

function scaleTable(results: readonly ScaleResult[]): Table {
  const body = results.map((result): Row => {
    const { scale, rounds, ran } = result;
    const { machine, nodes } = reductionOf(rounds);
    return {
      name: scaleName(result),
      cells: [
        mebibytes(rounds.map(({ sidecars }) => sidecars)),
        mebibytes(rounds.map(({ nodeProxies }) => nodeProxies)),
        machine,
        nodes,
        ran === scale.pods ? `${ran}` : `${ran}, multiplied`,
        scale.sidecars,
        scale.nodeProxies,
        scale.reduction,
        reaches(result),
      ],
    };
  });
  const notes = [
    `On ${TALK_NODES} machines nothing is shared between nodes: the pages that all processes share (the program itself) then count once per ` +
      'node on both sides, which makes the sidecars look better. "Reaches the talk\'s" asks the lowest round of both reductions, with ' +
      `${ROUNDING} % for the talk's rounding; "apart no": only where they share one machine.`,
  ];
  const calculated = results.filter(({ scale, ran }) => ran < scale.pods);
  if (calculated.length > 0) {
    notes.push(
      `Calculated: ${calculated.map(scaleName).join('; ')}. There the number of sidecars in the column "run at once" was measured, and for ` +
        'each further one the pages that one of them has for itself were added; the shared pages were not multiplied.',
    );
  }
  return {
    kind: 'table',
    title: "The talk's table, measured",
    rows: 'mesh',
    columns: COLUMNS,
    body,
    notes,
  };
}

function scaleChart(results: readonly ScaleResult[]): Chart {
  const series = (name: string, of: (round: ScaleRound) => number): Chart['series'][number] => ({
    name,
    points: results.map((result) => {
      const { median, low, high } = mebibytes(result.rounds.map(of));
      return { x: `${result.scale.pods} / ${result.scale.services}`, y: median, low, high };
    }),
  });
  return {
    kind: 'chart',
    form: 'bars',
    title: 'Memory of all proxies of the mesh',
    x: { label: 'pods / services' },
    y: { label: 'PSS of all proxies', unit: 'MiB' },
    series: [
      series('sidecars', ({ sidecars }) => sidecars),
      series(`${TALK_NODES} node proxies`, ({ nodeProxies }) => nodeProxies),
    ],
  };
}

export function growthSection(sidecars: Growth, nodeProxy: Growth, services: number): Section {
  const slopes = (growth: Growth): Measured => mebibytes(growth.slopes);
  return {
    title: 'Growth with the pods of a node',
    text: [
      `One node, ${services} services. A further pod is a further sidecar, or ${CONNECTIONS_PER_POD} more keep-alive connections to the proxy of ` +
        'the node, each answered once. Everything here ran at once; the slope is that of the line fitted through the points of a round.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'What a pod costs',
        rows: 'proxy',
        columns: [{ name: 'slope per pod', unit: 'MiB', better: 'lower' }, { name: 'bar' }, { name: 'held' }],
        body: [
          {
            name: 'a sidecar per pod',
            cells: [slopes(sidecars), 'above 0', slopes(sidecars).low > 0 ? 'yes' : 'no'],
          },
          {
            name: 'one proxy per node',
            cells: [slopes(nodeProxy), 'below 1 MiB', slopes(nodeProxy).high < 1 ? 'yes' : 'no'],
          },
        ],
      },
      growthChart([
        { name: 'a sidecar per pod', points: sidecars.points },
        { name: 'one proxy per node', points: nodeProxy.points },
      ]),
    ],
  };
}

function growthChart(lines: readonly { name: string; points: readonly GrowthPoint[] }[]): Chart {
  return {
    kind: 'chart',
    form: 'lines',
    title: 'Memory of a node by its pods',
    x: { label: 'pods on the node' },
    y: { label: 'PSS of all proxies', unit: 'MiB' },
    series: lines.map(({ name, points }) => ({
      name,
      points: points.map(({ pods, pss }) => {
        const { median, low, high } = mebibytes(pss);
        return { x: pods, y: median, low, high };
      }),
    })),
  };
}

export function mebibytes(bytes: readonly number[]): Measured {
  return measured(bytes.map((each) => each / MIB));
}
