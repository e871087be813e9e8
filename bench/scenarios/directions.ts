/**
 * `directions`: what the caller's proxy spends on a request and what the service's does. Both serve every request of the same load at
 * the same time, so their ratio is steadier than either figure.
 */
import { planOf, planOptions, whole } from '../contenders/plan.ts';
import { Rig } from '../contenders/rig.ts';
import { startChain } from '../directions/chain.ts';
import type { Chain, MeshShape } from '../directions/chain.ts';
import { measureChains } from '../directions/rounds.ts';
import type { ChainResult, DirectionRound } from '../directions/rounds.ts';
import { measured, ratios } from '../harness/statistics.ts';
import type { Row, Section, Table } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { BenchRun, Scenario } from '../scenario.ts';

const MOST_CONNECTIONS = 8000;
const MOST_SERVICES = 50_000;
/** Of a mesh's services in Kubernetes, at least. */
const ENDPOINTS = 2;

export const DIRECTIONS: Scenario = {
  name: 'directions',
  title: 'Outbound against inbound',
  summary: "CPU per request of the caller's proxy and of the service's, for a small and a large mesh",
  options: [
    ...planOptions({ rounds: [12, 3], seconds: [3, 1], warmUp: [10, 3] }),
    {
      name: 'services',
      value: '<n>',
      help: 'of the large mesh',
      default: '1500',
      check: whole(1, MOST_SERVICES),
    },
    {
      name: 'connections',
      value: '<n>',
      help: 'of the load',
      default: '64',
      check: whole(1, MOST_CONNECTIONS),
    },
  ],
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const rig = await Rig.open(bench);
  try {
    const chains: Chain[] = [];
    for (const shape of shapes(numberOption(bench, 'services'))) {
      bench.progress.step(`start: ${shape.name}`);
      chains.push(await startChain(rig, shape));
    }
    const results = await measureChains(rig, chains, numberOption(bench, 'connections'), planOf(bench));
    return [section(results)];
  } finally {
    await rig.close();
  }
}

function shapes(services: number): MeshShape[] {
  return [
    { name: 'one service, one endpoint', services: 1, endpoints: 1 },
    { name: `${services} services, ${ENDPOINTS} endpoints each`, services, endpoints: ENDPOINTS },
    {
      name: 'the same, least request and retries',
      services,
      endpoints: ENDPOINTS,
      cluster: { lb_policy: 'LEAST_REQUEST' },
      // As Istio sets them where nobody has said anything.
      route: { retry_policy: { retry_on: 'connect-failure,refused-stream,unavailable', num_retries: 2 } },
    },
  ];
}

function section(results: readonly ChainResult[]): Section {
  return {
    title: 'Two proxies in a row',
    text: [
      'Each request passes the outbound proxy, which chooses among the services of the mesh by the host that is asked for and among the endpoints of that service, and the inbound one, which knows one service. Both write the full log and share one core.',
    ],
    parts: [table(results)],
  };
}

function table(results: readonly ChainResult[]): Table {
  return {
    kind: 'table',
    title: 'CPU of both by what the outbound proxy knows',
    rows: 'mesh',
    columns: [
      { name: 'outbound', unit: 'µs/request', better: 'lower' },
      { name: 'inbound', unit: 'µs/request', better: 'lower' },
      { name: 'outbound / inbound' },
      { name: 'outbound costs more' },
      { name: 'failures' },
    ],
    body: results.map(rowOf),
    notes: [
      'Yes or no where every round says the same.',
      "The inbound proxy has more to read: what the outbound one added to the request's headers.",
    ],
    ranked: false,
  };
}

function rowOf({ chain, rounds, failures }: ChainResult): Row {
  const name = chain.shape.name;
  if (rounds.length === 0) return { name, cells: [null, null, null, null, failures] };
  const of = (pick: (round: DirectionRound) => number): number[] => rounds.map(pick);
  const [outbound, inbound] = [of((round) => round.outbound), of((round) => round.inbound)];
  const ratio = ratios(outbound, inbound);
  const verdict = ratio.low > 1 ? 'yes' : ratio.high < 1 ? 'no' : 'not told apart';
  return { name, cells: [measured(outbound), measured(inbound), ratio, verdict, failures] };
}
