/**
 * The talk's table, measured: all sidecars of a mesh against the proxies of its four nodes, everything idle after its start.
 *
 *   for each round, for each number of services:  4 node proxies at once -> as many sidecars at once as are to run
 *
 * A proxy's memory depends on the services that it knows, not on the pods elsewhere, so the rows with the same number of services
 * share the measured processes; a row with more pods than ran at once is calculated from them, and says so.
 */
import type { MeshProxy } from '../harness/mesh-proxy.ts';
import type { MemoryLab } from './lab.ts';
import { measureTogether, onNodes, onOneMachine } from './together.ts';
import type { Together } from './together.ts';
import { TALK_NODES } from './talk.ts';
import type { TalkScale } from './talk.ts';

export interface ScaleOptions {
  readonly scales: readonly TalkScale[];
  readonly rounds: number;
  readonly workers: number;
  /** Most sidecars at once. */
  readonly atOnce: number;
  readonly settleSeconds: number;
}

/** One round of one row; bytes. */
export interface ScaleRound {
  readonly sidecars: number;
  readonly nodeProxies: number;
  /** With the shared pages once per node. */
  readonly sidecarsOnNodes: number;
  readonly nodeProxiesOnNodes: number;
}

export interface ScaleResult {
  readonly scale: TalkScale;
  /** Sidecars that ran at once. */
  readonly ran: number;
  readonly rounds: readonly ScaleRound[];
}

export async function measureScales(lab: MemoryLab, options: ScaleOptions): Promise<ScaleResult[]> {
  const { scales, rounds, atOnce } = options;
  const sizes = [...new Set(scales.map(({ services }) => services))];
  const results = scales.map((scale) => ({
    scale,
    ran: Math.min(scale.pods, atOnce),
    rounds: [] as ScaleRound[],
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, services] of sizes.entries()) {
      const what = `round ${round + 1} of ${rounds}: sidecars and node proxies that know ${services} services`;
      lab.bench.progress.step(what, round * sizes.length + index, rounds * sizes.length);
      const nodes = await runTogether(lab, services, TALK_NODES, options);
      const samples = new Map<number, Together>();
      for (const row of results.filter(({ scale }) => scale.services === services)) {
        const sample = samples.get(row.ran) ?? (await runTogether(lab, services, row.ran, options));
        samples.set(row.ran, sample);
        row.rounds.push(roundOf(row.scale.pods, sample, nodes));
      }
    }
  }
  return results;
}

export function roundOf(pods: number, sample: Together, nodes: Together): ScaleRound {
  return {
    sidecars: onOneMachine(sample, pods),
    nodeProxies: nodes.pss,
    sidecarsOnNodes: onNodes(sample, pods, TALK_NODES),
    nodeProxiesOnNodes: onNodes(nodes, TALK_NODES, TALK_NODES),
  };
}

async function runTogether(
  lab: MemoryLab,
  services: number,
  count: number,
  { workers, settleSeconds }: ScaleOptions,
): Promise<Together> {
  const proxies: MeshProxy[] = [];
  try {
    // One after the other: starting all at once would only make all of them slow.
    for (let index = 0; index < count; index += 1) proxies.push(await lab.start(services, workers));
    await lab.rest(settleSeconds);
    return measureTogether(proxies);
  } finally {
    await lab.stopAll();
  }
}
