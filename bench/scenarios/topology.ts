/**
 * `topology`: the same requests without a proxy, with a sidecar for each pod, and with one proxy for each node; in namespaces with an
 * address for each pod where root is at hand.
 *
 *   network -> fleet (services, proxies, clients) -> memory at rest -> who works with whom -> rounds -> sections
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { oneOf, UsageError, wholeNumber } from '../../src/cli/option.ts';
import { suggestion } from '../../src/config/suggestion.ts';
import { median } from '../harness/statistics.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { BenchOption, BenchRun, Scenario } from '../scenario.ts';
import { CONTENDERS } from '../topology/contenders.ts';
import type { Contender } from '../topology/contenders.ts';
import { cpuSection, memorySection, throughputSection } from '../topology/cost-section.ts';
import { Fleet } from '../topology/fleet.ts';
import { latencySection } from '../topology/latency-section.ts';
import { matrixSection } from '../topology/matrix-section.ts';
import { measureMatrix } from '../topology/matrix.ts';
import { MOST_PODS, openNetwork } from '../topology/network.ts';
import type { Network, NetworkKind } from '../topology/network.ts';
import { measureRounds, memoryOf } from '../topology/rounds.ts';
import { roundsOptions, shortLength } from '../topology/rounds-options.ts';
import type { ContenderResult } from '../topology/rounds.ts';
import { nginxVersion } from '../topology/service.ts';
import { slowSection } from '../topology/slow-section.ts';

const NAMES = CONTENDERS.map(({ name }) => name);

/** Of one way, however far its workers are then; the report says how far. */
const WARM_UP_SECONDS = 180;
const QUICK_WARM_UP_SECONDS = 20;

const OPTIONS: readonly BenchOption[] = [
  {
    name: 'network',
    value: '<kind>',
    help: 'namespaces (needs root), loopback, or auto: what is possible',
    default: 'auto',
    check: oneOf(['auto', 'namespaces', 'loopback']),
  },
  { name: 'pods', value: '<n>', help: 'on each node', default: '3', check: wholeNumber(1, MOST_PODS) },
  { name: 'only', value: '<a,b,…>', help: `some of: ${NAMES.join(', ')}`, default: 'all', check: badNames },
  {
    name: 'rate',
    value: '<n>',
    help: 'requests/s of the open loop, all clients',
    default: '1200',
    // Its proxies are not long enough under way to be compiled for more: a queue that grows is no latency.
    quick: '600',
    check: wholeNumber(1, 100_000),
  },
  { name: 'connections', value: '<n>', help: 'of all clients', default: '48', check: wholeNumber(1, 10_000) },
  { name: 'no-keep-alive', help: 'a connection for each request' },
  {
    name: 'rounds',
    value: '<n>',
    help: 'of each way',
    default: '11',
    quick: '6',
    check: wholeNumber(1, 1000),
  },
  {
    name: 'seconds',
    value: '<s>',
    help: 'of open loop in a round',
    default: '4',
    quick: '1',
    check: shortLength,
  },
  {
    name: 'closed-seconds',
    value: '<s>',
    help: 'of closed loop in a round',
    default: '2',
    quick: '0.6',
    check: shortLength,
  },
  {
    name: 'warm-up',
    value: '<n>',
    help: 'requests to each worker of each proxy before the rounds',
    default: '30000',
    quick: '6000',
    check: wholeNumber(0, 10_000_000),
  },
  {
    name: 'concurrency',
    value: '<n>',
    help: 'worker threads of each proxy',
    default: '2',
    check: wholeNumber(1, 64),
  },
  {
    name: 'link-delay-ms',
    value: '<ms>',
    help: 'added to the link between the nodes, each way',
    default: '0',
    check: shortLength,
  },
];

export const TOPOLOGY: Scenario = {
  name: 'topology',
  title: 'Topologies: direct, a sidecar per pod, one proxy per node',
  summary:
    'latency, throughput, CPU and memory of direct, sidecar and node proxy, and what the logs say of slow requests',
  options: OPTIONS,
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const network = await openNetwork({
    kind: (bench.options.get('network') ?? 'auto') as NetworkKind | 'auto',
    pods: numberOption(bench, 'pods'),
    note: (text) => bench.progress.note(text),
  });
  try {
    const fleet = await startFleet(bench, network);
    try {
      return await measure(bench, fleet);
    } finally {
      await fleet.stop();
    }
  } finally {
    network.close();
  }
}

async function startFleet(bench: BenchRun, network: Network): Promise<Fleet> {
  const { all, other } = bench.cores;
  const others = all.filter((core) => core !== other);
  const proxyCores = others.length === 0 ? all : others;
  bench.pinned('proxies', `cores ${proxyCores.join(' ')}`);
  bench.pinned('clients and services', `core ${other}`);
  const nginx = nginxVersion();
  if (nginx === undefined)
    bench.progress.note('nginx is not installed: the services are the demo service, in Node');
  else bench.version('nginx', nginx);
  bench.pinned('pods', network.kind === 'namespaces' ? 'network namespaces' : 'addresses of the loopback');
  const folder = join(bench.folder, 'fleet');
  mkdirSync(folder);
  bench.progress.step(`starting ${network.servers.length * 2 + 2} proxies`);
  return Fleet.start({
    network,
    folder,
    service: nginx === undefined ? 'demo' : 'nginx',
    concurrency: numberOption(bench, 'concurrency'),
    linkDelayMs: numberOption(bench, 'link-delay-ms'),
    proxyCores,
    otherCores: [other],
    signal: bench.signal,
  });
}

async function measure(bench: BenchRun, fleet: Fleet): Promise<Section[]> {
  const options = roundsOptions(
    bench,
    contendersOf(bench.options.get('only') ?? 'all'),
    bench.quick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS,
  );
  const idle = memoryOf(fleet);
  const matrix = await measureMatrix(bench, fleet);
  const { results, loaded, warmUps } = await measureRounds(bench, fleet, options);
  noteLateClients(bench, results);
  const pods = fleet.network.clients.length;
  return [
    setUpSection(bench, fleet),
    latencySection(results, options),
    throughputSection(results, options),
    cpuSection(results, options, warmUps),
    memorySection({ pods, concurrency: numberOption(bench, 'concurrency'), idle, loaded }),
    slowSection(results),
    matrixSection(matrix),
  ];
}

/** A client that is late measures whoever took its core. */
function noteLateClients(bench: BenchRun, results: readonly ContenderResult[]): void {
  const late = results.flatMap(({ open }) => open.map(({ lag }) => lag.p99 / 1000));
  const usual = median(late);
  if (usual < LATE_MS) return;
  bench.progress.note(
    `the clients were late by ${usual.toFixed(0)} ms themselves (p99 of the median round): something else used their core, and latencies are its as much as the proxies'`,
  );
}

/** Ten times what an idle machine needs to wake a process. */
const LATE_MS = 5;

function contendersOf(only: string): readonly Contender[] {
  if (only === 'all') return CONTENDERS;
  return only.split(',').map((name) => {
    const found = CONTENDERS.find((each) => each.name === name);
    if (found === undefined) throw new UsageError(`no way ${name}${suggestion(name, NAMES)}`);
    return found;
  });
}

function setUpSection(bench: BenchRun, { network }: Fleet): Section {
  const delay = numberOption(bench, 'link-delay-ms');
  const how =
    network.kind === 'namespaces'
      ? 'Each pod and each node is a network namespace with an address of its own; pods hang on a bridge of their node, the nodes on a link (veth).'
      : 'Each pod is an address of the loopback, from which its client sends and on which its service and its sidecar listen; there is no link, and no namespace.';
  return {
    title: 'What runs where',
    text: [
      `${how} Node 1 has ${network.clients.length} client pods, node 2 as many server pods with a service each; the client of a pod asks the service of its number.`,
      'All processes run from the beginning to the end, and every way uses the same ones: those that are on no way of the moment stand idle. Every proxy is the same program with the same log (the diagnostic one, in microseconds). Requests are sent to the proxies themselves: nothing is intercepted, and there is no TLS between proxies.',
      delay === 0
        ? 'The link adds no delay.'
        : `Everything between the nodes passes a relay in user space that holds each piece of bytes for ${delay} ms, each way; connections themselves are opened without a delay.`,
    ],
    parts: [],
  };
}

function badNames(text: string): string | null {
  try {
    contendersOf(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
