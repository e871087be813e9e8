/**
 * The proxy itself, with one service: time from start to ready, memory when idle, with a thousand connections that have each been
 * answered, and after they have gone. The figures whose trend is worth keeping.
 */
import { HeldConnections } from '../harness/mesh-client.ts';
import { slowest } from './alone.ts';
import type { MemoryLab } from './lab.ts';
import { residentOf } from './resident.ts';
import type { Resident } from './resident.ts';

export const FOOTPRINT_CONNECTIONS = 1000;

export interface FootprintRound {
  readonly readyMs: number;
  readonly workerStartMs: number;
  readonly idle: Resident;
  readonly connected: Resident;
  readonly afterwards: Resident;
}

export interface FootprintOptions {
  readonly workers: number;
  readonly rounds: number;
  readonly settleSeconds: number;
}

export async function measureFootprint(lab: MemoryLab, options: FootprintOptions): Promise<FootprintRound[]> {
  const rounds: FootprintRound[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    lab.bench.progress.step('one proxy, one service', round, options.rounds);
    rounds.push(await measureRound(lab, options));
  }
  return rounds;
}

async function measureRound(
  lab: MemoryLab,
  { workers, settleSeconds }: FootprintOptions,
): Promise<FootprintRound> {
  const held = new HeldConnections();
  try {
    const proxy = await lab.start(1, workers);
    await lab.rest(settleSeconds);
    const idle = residentOf(proxy.pid);
    await held.open(proxy.port, FOOTPRINT_CONNECTIONS);
    await lab.rest(settleSeconds);
    const connected = residentOf(proxy.pid);
    held.close();
    await lab.rest(settleSeconds);
    const afterwards = residentOf(proxy.pid);
    return { readyMs: proxy.readyMs, workerStartMs: slowest(proxy), idle, connected, afterwards };
  } finally {
    held.close();
    await lab.stopAll();
  }
}
