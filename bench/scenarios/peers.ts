/**
 * `peers`: nodeproxy beside nginx, HAProxy and Envoy, and beside what a Node developer would take, at the same work: log, request
 * id, x-forwarded-for, a pool of upstream connections; one worker or process each, on the same core.
 *
 *   for each case: start and warm up all contenders, then rounds A B C A B C ..., then memory; a fresh process for each case
 */
import { caseTable } from '../contenders/case-table.ts';
import type { Contender } from '../contenders/contender.ts';
import { choice, chosen, planOf, planOptions } from '../contenders/plan.ts';
import { Rig } from '../contenders/rig.ts';
import { measureRounds } from '../contenders/rounds.ts';
import { CASES } from '../peers/cases.ts';
import type { PeerCase } from '../peers/cases.ts';
import { PEERS, REFERENCE } from '../peers/peers.ts';
import { scoreSection } from '../peers/score.ts';
import type { CaseOutcome } from '../peers/score.ts';
import type { Section } from '../report/report.ts';
import type { BenchRun, Scenario } from '../scenario.ts';

const NOT_INSTALLABLE =
  'fast-gateway is not among them: one of its dependencies is no longer in the registry. fast-proxy is what it proxies with.';

export const PEERS_SCENARIO: Scenario = {
  name: 'peers',
  title: 'nodeproxy beside other proxies',
  summary: 'CPU, throughput, latency and memory beside nginx, HAProxy, Envoy and Node packages',
  options: [
    choice(
      'contenders',
      'who takes part',
      PEERS.map(({ id }) => id),
    ),
    choice(
      'cases',
      'what is measured',
      CASES.map(({ id }) => id),
    ),
    ...planOptions({ rounds: [5, 2], seconds: [3, 1], warmUp: [4, 1] }),
  ],
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const [names, cases] = [chosen(bench, 'contenders'), chosen(bench, 'cases')];
  bench.progress.note(NOT_INSTALLABLE);
  const rig = await Rig.open(bench);
  try {
    const peers = installed(bench, names);
    const results: CaseOutcome[] = [];
    for (const peerCase of CASES.filter(({ id }) => cases.includes(id))) {
      const contenders = peers.filter(({ layer }) => layer === peerCase.layer).map((peer) => peer.contender);
      const plan = planOf(bench);
      const seconds = Math.max(plan.seconds, peerCase.leastSeconds ?? 0);
      const work = { ...peerCase, name: peerCase.title };
      const outcomes = await measureRounds(rig, contenders, work, { ...plan, seconds });
      results.push({ peerCase, outcomes });
    }
    return sectionsOf(results);
  } finally {
    await rig.close();
  }
}

interface Installed {
  readonly layer: PeerCase['layer'];
  readonly contender: Contender;
}

/** Those that are missing are noted, once. */
function installed({ progress }: BenchRun, names: readonly string[]): Installed[] {
  const found: Installed[] = [];
  for (const { id, http, tcp } of PEERS.filter((peer) => names.includes(peer.id))) {
    for (const [layer, contender] of [['http', http] as const, ['tcp', tcp] as const]) {
      if (contender === undefined) continue;
      const missing = contender.program.missing();
      if (missing === undefined) found.push({ layer, contender });
      else progress.note(`without ${id} (${layer}): ${missing}`);
    }
  }
  return found;
}

function sectionsOf(results: readonly CaseOutcome[]): Section[] {
  const sections = LAYERS.flatMap(({ layer, title, text }): Section[] => {
    const tables = results
      .filter(({ peerCase }) => peerCase.layer === layer)
      .map(({ peerCase, outcomes }) =>
        caseTable({ ...peerCase, reference: REFERENCE[layer].name, outcomes }),
      );
    return tables.length === 0 ? [] : [{ title, text, parts: tables }];
  });
  const http = results.some(({ peerCase }) => peerCase.layer === 'http');
  return http ? [scoreSection(results), ...sections] : sections;
}

const LAYERS: readonly { layer: PeerCase['layer']; title: string; text: readonly string[] }[] = [
  {
    layer: 'http',
    title: 'HTTP',
    text: [
      'nodeproxy with the plain log and Envoy run the same bootstrap file. Latency is that of a closed loop: it follows throughput. HAProxy writes its log line by line, the others in batches. nginx does not write what it buffers to files.',
    ],
  },
  {
    layer: 'tcp',
    title: 'TCP',
    text: ['Without a log. HAProxy and nginx with their default buffers of 16 KiB.'],
  },
];
