/**
 * How memory grows with the pods of one node, all services alike: a sidecar more for each pod, or the node's proxy with the
 * connections of one pod more.
 *
 * Both are measured at several numbers of pods, in one go from few to many, and fitted by a line: its slope is what a pod costs.
 */
import { HeldConnections } from '../harness/mesh-client.ts';
import type { MeshProxy } from '../harness/mesh-proxy.ts';
import type { MemoryLab } from './lab.ts';
import { measureTogether, slope } from './together.ts';

export interface GrowthOptions {
  readonly services: number;
  readonly workers: number;
  /** Pods on the node, rising. */
  readonly pods: readonly number[];
  readonly rounds: number;
  readonly settleSeconds: number;
}

export interface GrowthPoint {
  readonly pods: number;
  /** Bytes, one entry a round. */
  readonly pss: number[];
}

export interface Growth {
  readonly points: readonly GrowthPoint[];
  /** Bytes per pod, one entry a round. */
  readonly slopes: readonly number[];
}

/** Keep-alive connections that a pod holds to its node's proxy. */
export const CONNECTIONS_PER_POD = 4;

export async function measureGrowth(
  lab: MemoryLab,
  options: GrowthOptions,
): Promise<{ readonly sidecars: Growth; readonly nodeProxy: Growth }> {
  const sidecars = options.pods.map((pods): GrowthPoint => ({ pods, pss: [] }));
  const nodeProxy = options.pods.map((pods): GrowthPoint => ({ pods, pss: [] }));
  for (let round = 0; round < options.rounds; round += 1) {
    lab.bench.progress.step(`round ${round + 1} of ${options.rounds}: growth with the pods of a node`);
    await growSidecars(lab, options, sidecars);
    await growNodeProxy(lab, options, nodeProxy);
  }
  return { sidecars: fitted(sidecars), nodeProxy: fitted(nodeProxy) };
}

async function growSidecars(
  lab: MemoryLab,
  { services, workers, settleSeconds }: GrowthOptions,
  points: readonly GrowthPoint[],
): Promise<void> {
  const running: MeshProxy[] = [];
  try {
    for (const { pods, pss } of points) {
      while (running.length < pods) running.push(await lab.start(services, workers));
      await lab.rest(settleSeconds);
      pss.push(measureTogether(running).pss);
    }
  } finally {
    await lab.stopAll();
  }
}

async function growNodeProxy(
  lab: MemoryLab,
  { services, workers, settleSeconds }: GrowthOptions,
  points: readonly GrowthPoint[],
): Promise<void> {
  const held = new HeldConnections();
  try {
    const proxy = await lab.start(services, workers);
    let connected = 0;
    for (const { pods, pss } of points) {
      await held.open(proxy.port, (pods - connected) * CONNECTIONS_PER_POD);
      connected = pods;
      await lab.rest(settleSeconds);
      pss.push(measureTogether([proxy]).pss);
    }
  } finally {
    held.close();
    await lab.stopAll();
  }
}

export function fitted(points: readonly GrowthPoint[]): Growth {
  const rounds = points[0]?.pss.length ?? 0;
  const slopes = Array.from({ length: rounds }, (_, round) =>
    slope(points.map(({ pods, pss }) => ({ x: pods, y: pss[round] ?? 0 }))),
  );
  return { points, slopes };
}
