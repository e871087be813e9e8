/**
 * `interception`: what it costs that requests come to a proxy which they do not name. No proxy, one, two that are addressed; then two
 * to which the kernel brings what is sent to a service: by REDIRECT, by TPROXY, by eBPF, and by eBPF with a sockmap.
 *
 *   stand (pods, sidecars, interceptions) -> warm-up -> rounds of all steps -> rounds by connections -> bytes -> sections
 */
import { readFileSync } from 'node:fs';
import { oneOf, wholeNumber } from '../../src/cli/option.ts';
import { bytesSection, measureBytes } from '../interception/bytes.ts';
import { countsSection } from '../interception/counts-section.ts';
import type { CountResult } from '../interception/counts-section.ts';
import { iptablesVersion } from '../interception/iptables.ts';
import { Stand, UPSTREAM_CONNECTIONS } from '../interception/stand.ts';
import { stepsSection } from '../interception/steps-section.ts';
import { contendersOf, interceptedContenders } from '../interception/steps.ts';
import { choice, chosen } from '../contenders/plan.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { BenchOption, BenchRun, Scenario } from '../scenario.ts';
import type { NetworkKind } from '../topology/network.ts';
import { runClosed } from '../topology/loads.ts';
import { measureRounds } from '../topology/rounds.ts';
import type { RoundsOptions } from '../topology/rounds.ts';
import { nginxVersion } from '../topology/service.ts';

const PARTS = ['steps', 'counts', 'bytes'];
/** A lone connection has its answer long before the next request then. */
const RATE_PER_CONNECTION = 200;
/** What nginx and the proxies' circuit breakers are configured for. */
const MOST_CONNECTIONS = 8000;
/** What a second of the closed loop is taken for: all connections together, and a lone one. */
const CLOSED_RATE = 4000;
const CLOSED_RATE_PER_CONNECTION = 500;
/** Else its end, when connections are done one by one, would be most of it. */
const REQUESTS_PER_CONNECTION = 3;
/** Of a proxy, beside its clients' connections: those of its pools, programs, logs. */
const OTHER_FILES = 4 * UPSTREAM_CONNECTIONS + 500;
const WARM_UP_SECONDS = 120;
const QUICK_WARM_UP_SECONDS = 10;

const OPTIONS: readonly BenchOption[] = [
  {
    name: 'network',
    value: '<kind>',
    help: 'namespaces (needs root), loopback (nothing can be intercepted there), or auto: what is possible',
    default: 'auto',
    check: oneOf(['auto', 'namespaces', 'loopback']),
  },
  choice('only', 'what is measured', PARTS),
  {
    name: 'counts',
    value: '<n,…>',
    help: 'connections with and without sockmap',
    default: '1,64,1000,5000',
    quick: '1,64',
    check: badCounts,
  },
  { name: 'connections', value: '<n>', help: 'in the steps', default: '48', check: wholeNumber(1, 8000) },
  { name: 'no-keep-alive', help: 'a connection of the client for each request' },
  {
    name: 'rate',
    value: '<n>',
    help: 'requests/s of the open loop at most',
    default: '1200',
    quick: '600',
    check: wholeNumber(1, 100_000),
  },
  {
    name: 'rounds',
    value: '<n>',
    help: 'of each step',
    default: '9',
    quick: '3',
    check: wholeNumber(1, 1000),
  },
  {
    name: 'seconds',
    value: '<s>',
    help: 'of open loop in a round',
    default: '3',
    quick: '0.6',
    check: length,
  },
  {
    name: 'closed-seconds',
    value: '<s>',
    help: 'of closed loop in a round',
    default: '2',
    quick: '0.5',
    check: length,
  },
  {
    name: 'warm-up',
    value: '<n>',
    help: 'requests to each worker of each proxy before the rounds',
    default: '30000',
    quick: '4000',
    check: wholeNumber(0, 10_000_000),
  },
  {
    name: 'concurrency',
    value: '<n>',
    help: 'worker threads of each proxy',
    default: '1',
    check: wholeNumber(1, 64),
  },
];

export const INTERCEPTION: Scenario = {
  name: 'interception',
  title: 'Interception: REDIRECT, TPROXY, eBPF, sockmap',
  summary: 'what each hop and each kind of interception adds, and sockmap at few and many connections',
  options: OPTIONS,
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const { all, other } = bench.cores;
  const others = all.filter((core) => core !== other);
  const proxyCores = others.length === 0 ? all : others;
  bench.pinned('proxies', `cores ${proxyCores.join(' ')}`);
  bench.pinned('client and service', `core ${other}`);
  noteVersions(bench);
  bench.progress.step('starting pods and sidecars');
  const stand = await Stand.open({
    kind: (bench.options.get('network') ?? 'auto') as NetworkKind | 'auto',
    note: (text) => bench.progress.note(text),
    folder: bench.folder,
    service: nginxVersion() === undefined ? 'demo' : 'nginx',
    concurrency: numberOption(bench, 'concurrency'),
    proxyCores,
    otherCores: [other],
    signal: bench.signal,
  });
  try {
    return await measure(bench, stand);
  } finally {
    await stand.close();
  }
}

async function measure(bench: BenchRun, stand: Stand): Promise<Section[]> {
  const parts = chosen(bench, 'only');
  const options = roundsOptions(bench, stand);
  const sections = [setUpSection(stand)];
  if (parts.includes('steps')) {
    const { results } = await measureRounds(bench, stand.fleet, options);
    sections.push(stepsSection(results, options));
  }
  if (parts.includes('counts') && interceptedContenders(stand).length > 0)
    sections.push(countsSection(await measureCounts(bench, stand, options)));
  if (parts.includes('bytes'))
    sections.push(bytesSection(await measureBytes(bench, stand, options.contenders)));
  return sections;
}

async function measureCounts(bench: BenchRun, stand: Stand, options: RoundsOptions): Promise<CountResult[]> {
  const names = ['redirect', 'ebpf', 'sockmap'];
  const contenders = interceptedContenders(stand).filter(({ way }) =>
    names.includes(way.interception?.name ?? ''),
  );
  const counts: CountResult[] = [];
  const most = mostConnections();
  for (const connections of (bench.options.get('counts') ?? '').split(',').map(Number)) {
    if (connections > most) {
      bench.progress.note(`no ${connections} connections: a process may open too few files (ulimit -n)`);
      continue;
    }
    const load = {
      ...options,
      contenders,
      connections,
      rate: Math.min(options.rate, connections * RATE_PER_CONNECTION),
      closedRequests: closedRequests(options.closedSeconds, connections),
      warmUpRequests: 0,
    };
    for (const { name, way } of contenders) {
      bench.progress.step(`pools for ${connections} connections: ${name}`);
      await runClosed(stand.fleet, way, load, bench.signal);
    }
    counts.push({ load, results: (await measureRounds(bench, stand.fleet, load)).results });
  }
  return counts;
}

function closedRequests(seconds: number, connections: number): number {
  const rate = Math.min(CLOSED_RATE, connections * CLOSED_RATE_PER_CONNECTION);
  return Math.round(Math.max(seconds * rate, connections * REQUESTS_PER_CONNECTION));
}

/** So many clients may a proxy have, by what the system allows a process. */
function mostConnections(): number {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Math.min(MOST_CONNECTIONS, Number(limit ?? Infinity) - OTHER_FILES);
}

function roundsOptions(bench: BenchRun, stand: Stand): RoundsOptions {
  return {
    contenders: contendersOf(stand),
    rounds: numberOption(bench, 'rounds'),
    warmUpRequests: numberOption(bench, 'warm-up'),
    warmUpSeconds: bench.quick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS,
    concurrency: numberOption(bench, 'concurrency'),
    rate: numberOption(bench, 'rate'),
    connections: numberOption(bench, 'connections'),
    seconds: numberOption(bench, 'seconds'),
    closedSeconds: numberOption(bench, 'closed-seconds'),
    keepAlive: !bench.options.has('no-keep-alive'),
  };
}

function noteVersions(bench: BenchRun): void {
  const nginx = nginxVersion();
  if (nginx === undefined)
    bench.progress.note('nginx is not installed: the service is the demo service, in Node');
  else bench.version('nginx', nginx);
  const iptables = iptablesVersion();
  if (iptables === undefined) return;
  bench.version('iptables', iptables);
  if (iptables.includes('legacy'))
    bench.progress.note(
      'iptables is the legacy one: its tables stay in the pods behind their first rule, and all steps pay for them',
    );
}

function setUpSection({ fleet }: Stand): Section {
  const where =
    fleet.network.kind === 'namespaces'
      ? 'Two pods, each a network namespace on the bridge of its node, the nodes with a link (veth) between them: a client with its sidecar, a service with its sidecar.'
      : 'A client, its sidecar, a service and its sidecar, at addresses of the loopback.';
  return {
    title: 'What runs where',
    text: [
      `${where} direct: client to service. one hop: through the client's sidecar. two hops: through both. There the client and the first sidecar address the next proxy.`,
      "Intercepted: the client sends to the address of a service, which nobody has, and the first sidecar to the address and port of the pod. REDIRECT: nat OUTPUT in the client's pod and nat PREROUTING in the server's. TPROXY: mark and route to lo in the client's pod, mangle PREROUTING in both, transparent listeners. eBPF: a program at connect(2) of the client's pod replaces both addresses. eBPF + sockmap: the same, and a program at sendmsg(2) hands bytes between application and sidecar of one pod past TCP.",
      'The proxy does not ask for the original destination (no ORIGINAL_DST): it serves one service here, told by the host header, so the cost of finding the destination again (getsockopt, or a map as Merbridge has it) is in none of the steps.',
    ],
    parts: [],
  };
}

function badCounts(text: string): string | null {
  const good = text.split(',').every((each) => /^[1-9]\d*$/.test(each) && Number(each) <= MOST_CONNECTIONS);
  return good ? null : `expected numbers from 1 to ${MOST_CONNECTIONS}, with commas between them`;
}

function length(text: string): string | null {
  return /^\d+(?:\.\d+)?$/.test(text) && Number(text) <= 3600 ? null : 'expected a number up to 3600';
}
