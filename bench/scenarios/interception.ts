/**
 * `interception`: what it costs that requests come to a proxy which they do not name. No proxy, one, two that are addressed; then two
 * to which the kernel brings what is sent to a service: by REDIRECT, by TPROXY, by eBPF, and by eBPF with a sockmap.
 *
 *   stand (pods, sidecars, interceptions) -> warm-up -> rounds of all steps -> rounds by connections -> bytes -> sections
 */
import { chosen } from '../contenders/plan.ts';
import { bytesSection, measureBytes } from '../interception/bytes.ts';
import { countsSection } from '../interception/counts-section.ts';
import { measureCounts } from '../interception/counts.ts';
import { iptablesVersion } from '../interception/iptables.ts';
import { OPTIONS, stepRounds } from '../interception/options.ts';
import { Stand } from '../interception/stand.ts';
import { stepsSection } from '../interception/steps-section.ts';
import { interceptedContenders } from '../interception/steps.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { BenchRun, Scenario } from '../scenario.ts';
import type { NetworkKind } from '../topology/network.ts';
import { measureRounds } from '../topology/rounds.ts';
import { nginxVersion } from '../topology/service.ts';
import { warmUp } from '../topology/warm-up.ts';

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
  const options = stepRounds(bench, stand);
  const sections = [setUpSection(stand)];
  if (parts.includes('steps')) {
    const { results } = await measureRounds(bench, stand.fleet, options);
    sections.push(stepsSection(results, options));
  } else if (parts.includes('counts')) await warmUp(bench, stand.fleet, options);
  if (parts.includes('counts') && interceptedContenders(stand).length > 0)
    sections.push(countsSection(await measureCounts(bench, stand, options)));
  if (parts.includes('bytes'))
    sections.push(bytesSection(await measureBytes(bench, stand, options.contenders)));
  return sections;
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

const INTERCEPTED: readonly string[] = [
  "Intercepted: the client sends to the address of a service, which nobody has, and the first sidecar to the address and port of the pod. REDIRECT: nat OUTPUT in the client's pod and nat PREROUTING in the server's. TPROXY: mark and route to lo in the client's pod, mangle PREROUTING in both, transparent listeners. eBPF: a program at connect(2) of the client's pod replaces both addresses. eBPF + sockmap: the same, and a program at sendmsg(2) hands bytes between application and sidecar of one pod past TCP.",
  'The proxy does not ask for the original destination (no ORIGINAL_DST): a listener has fixed routes, and it serves one service here, told by the host header. So the cost of finding the destination again (getsockopt, or a map as Merbridge has it) is in none of the steps.',
];

function setUpSection(stand: Stand): Section {
  const where =
    stand.fleet.network.kind === 'namespaces'
      ? 'Two pods, each a network namespace on the bridge of its node, the nodes with a link (veth) between them: a client with its sidecar, a service with its sidecar.'
      : 'A client, its sidecar, a service and its sidecar, at addresses of the loopback.';
  return {
    title: 'What runs where',
    text: [
      `${where} direct: client to service. one hop: through the client's sidecar. two hops: through both. There the client and the first sidecar address the next proxy.`,
      ...(interceptedContenders(stand).length === 0 ? [] : INTERCEPTED),
    ],
    parts: [],
  };
}
