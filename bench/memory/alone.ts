/**
 * One proxy that knows a mesh of a given size: how long it takes to start, and what it holds when idle, after a hundred services and
 * after all of them have been used through each of its workers.
 *
 *   start -> settle -> idle -> use 100 -> settle -> use the others -> settle
 *
 * Its gauges `clusters_inflated` tell how many services each worker has taken out of the shared memory.
 */
import { MeshClient } from '../harness/mesh-client.ts';
import type { MeshProxy } from '../harness/mesh-proxy.ts';
import { ProxyStartError } from '../harness/mesh-proxy.ts';
import type { MemoryLab } from './lab.ts';
import { residentOf } from './resident.ts';
import type { Resident } from './resident.ts';

export interface AloneOptions {
  readonly sizes: readonly number[];
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly settleSeconds: number;
  /** All services are used in meshes of up to so many. */
  readonly mostUsed: number;
}

/** Services that are used first. */
export const SOME = 100;

export interface Stage {
  readonly resident: Resident;
  /** Services decoded, by worker; null: the proxy does not tell. */
  readonly decoded: readonly number[] | null;
}

export interface AloneRound {
  readonly readyMs: number;
  /** The slowest worker. */
  readonly workerStartMs: number;
  readonly idle: Stage;
  /** Null where the mesh has no more than that. */
  readonly some: Stage | null;
  /** Null where it has none, or too many. */
  readonly all: Stage | null;
}

export interface AloneResult {
  readonly services: number;
  readonly workers: number;
  readonly rounds: readonly AloneRound[];
  /** Why a round gave nothing; the others of this size are not tried then. */
  readonly failure: string | null;
}

export async function measureAlone(lab: MemoryLab, options: AloneOptions): Promise<AloneResult[]> {
  const cells = options.sizes.flatMap((services) =>
    options.workers.map((workers) => ({
      services,
      workers,
      rounds: [] as AloneRound[],
      failure: null as string | null,
    })),
  );
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [index, cell] of cells.entries()) {
      if (cell.failure !== null) continue;
      const { services, workers } = cell;
      lab.bench.progress.step(
        `one proxy, ${services} services, ${workers} workers`,
        round * cells.length + index,
        options.rounds * cells.length,
      );
      try {
        cell.rounds.push(await measureRound(lab, services, workers, options));
      } catch (error) {
        if (lab.bench.signal.aborted || !(error instanceof ProxyStartError)) throw error;
        cell.failure = error.message;
        lab.bench.progress.note(`${services} services, ${workers} workers: ${error.message}`);
      }
    }
  }
  return cells;
}

async function measureRound(
  lab: MemoryLab,
  services: number,
  workers: number,
  { settleSeconds, mostUsed }: AloneOptions,
): Promise<AloneRound> {
  const proxy = await lab.start(services, workers);
  try {
    await lab.rest(settleSeconds);
    const idle = await stageOf(proxy, workers);
    const { some, all } = await useServices(lab, proxy, { services, workers, settleSeconds, mostUsed });
    return { readyMs: proxy.readyMs, workerStartMs: slowest(proxy), idle, some, all };
  } finally {
    await lab.stop(proxy);
  }
}

interface Use {
  readonly services: number;
  readonly workers: number;
  readonly settleSeconds: number;
  readonly mostUsed: number;
}

async function useServices(
  lab: MemoryLab,
  proxy: MeshProxy,
  { services, workers, settleSeconds, mostUsed }: Use,
): Promise<Pick<AloneRound, 'some' | 'all'>> {
  if (services === 0) return { some: null, all: null };
  const client = await MeshClient.open(proxy.port, workers);
  try {
    const { signal } = lab.bench;
    let some: Stage | null = null;
    if (services > SOME) {
      await client.use(0, SOME, signal);
      await lab.rest(settleSeconds);
      some = await stageOf(proxy, workers);
    }
    if (services > mostUsed) return { some, all: null };
    await client.use(some === null ? 0 : SOME, services, signal);
    await lab.rest(settleSeconds);
    return { some, all: await stageOf(proxy, workers) };
  } finally {
    await client.close();
  }
}

export function slowest(proxy: Pick<MeshProxy, 'workers'>): number {
  return Math.max(...proxy.workers.map(({ ms }) => ms));
}

async function stageOf(proxy: MeshProxy, workers: number): Promise<Stage> {
  // Memory first: the question itself costs some.
  const resident = residentOf(proxy.pid);
  return { resident, decoded: await decodedOf(proxy, workers) };
}

interface StatsAnswer {
  readonly stats: readonly { readonly name?: string; readonly value?: number }[];
}

async function decodedOf(proxy: MeshProxy, workers: number): Promise<number[] | null> {
  const { stats } = await proxy.admin<StatsAnswer>('/stats?format=json&filter=clusters_inflated');
  const values = new Map(stats.map(({ name, value }) => [name, value]));
  const byWorker = Array.from({ length: workers }, (_, worker) =>
    values.get(`thread_local_cluster_manager.worker_${worker}.clusters_inflated`),
  );
  return byWorker.every((value) => value !== undefined) ? byWorker : null;
}
