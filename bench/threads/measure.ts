/**
 * The rounds of the threads benchmark: one proxy for each mode and number of workers, all started before the first round, and for
 * each number of connections one after the other under load.
 *
 *   for each round, for each number of connections:  proxy A, proxy B, ...
 *
 * A round's connections are new ones, so each is another throw of the kernel's dice. Requests and connections are counted by the
 * lines of the log; the log's file is written soon after, so a count waits until it has stopped growing.
 */
import { join } from 'node:path';
import { delay } from '../../src/base/clock.ts';
import { runAutocannon } from '../harness/autocannon.ts';
import type { LoadReport } from '../harness/autocannon.ts';
import { MeshProxy } from '../harness/mesh-proxy.ts';
import type { BenchRun } from '../scenario.ts';
import { MODES, writeThreadsConfig } from './modes.ts';
import type { Mode, ModeName } from './modes.ts';
import { GrownLog } from './thread-counts.ts';
import type { WorkerLoad } from './thread-counts.ts';

export interface ThreadsOptions {
  readonly workers: readonly number[];
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly workUs: number;
}

/** One proxy under so many connections, once. */
export interface ThreadsRound {
  readonly loads: readonly WorkerLoad[];
  readonly report: LoadReport;
}

export interface ThreadsResult {
  readonly mode: ModeName;
  readonly workers: number;
  readonly connections: number;
  readonly rounds: ThreadsRound[];
}

interface Contender {
  readonly mode: Mode;
  readonly workers: number;
  readonly proxy: MeshProxy;
  readonly log: GrownLog;
}

const START_LIMIT_MS = 60_000;
const FLUSH_MS = 50;
/** Lines are in the file at the latest so long after their requests. */
const COUNT_AFTER_MS = 5 * FLUSH_MS;
const WARM_UP_SECONDS = { full: 3, quick: 1 };
const WARM_UP_CONNECTIONS = 64;

export async function measureThreads(bench: BenchRun, options: ThreadsOptions): Promise<ThreadsResult[]> {
  const contenders: Contender[] = [];
  try {
    for (const workers of options.workers) {
      // One worker has nothing to share: the mode makes no difference.
      for (const mode of workers === 1 ? MODES.slice(0, 1) : MODES)
        contenders.push(await startContender(bench, mode, workers, options.workUs));
    }
    for (const contender of contenders) {
      bench.progress.step(`warm-up: ${contender.proxy.name}`);
      await shoot(
        bench,
        contender,
        WARM_UP_CONNECTIONS,
        bench.quick ? WARM_UP_SECONDS.quick : WARM_UP_SECONDS.full,
      );
    }
    return await rounds(bench, contenders, options);
  } finally {
    await Promise.all(contenders.map(({ proxy }) => proxy.stop()));
  }
}

async function rounds(
  bench: BenchRun,
  contenders: readonly Contender[],
  options: ThreadsOptions,
): Promise<ThreadsResult[]> {
  const results = options.connections.flatMap((connections) =>
    contenders.map(({ mode, workers }): ThreadsResult => ({
      mode: mode.name,
      workers,
      connections,
      rounds: [],
    })),
  );
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [index, result] of results.entries()) {
      const { mode, workers, connections } = result;
      const contender = contenders.find((each) => each.mode.name === mode && each.workers === workers);
      if (contender === undefined) continue;
      bench.progress.step(
        `${contender.proxy.name}, ${connections} connections`,
        round * results.length + index,
        options.rounds * results.length,
      );
      result.rounds.push(await measureRound(bench, contender, connections, options.seconds));
    }
  }
  return results;
}

async function measureRound(
  bench: BenchRun,
  contender: Contender,
  connections: number,
  seconds: number,
): Promise<ThreadsRound> {
  contender.log.skip();
  const report = await shoot(bench, contender, connections, seconds);
  return { loads: contender.log.loads(contender.proxy.workers.map(({ tid }) => tid)), report };
}

/** Closed loop; its lines are in the file when it resolves. */
async function shoot(
  bench: BenchRun,
  { proxy }: Contender,
  connections: number,
  seconds: number,
): Promise<LoadReport> {
  bench.signal.throwIfAborted();
  const url = `http://127.0.0.1:${proxy.port}/`;
  const pinned = ['taskset', '-c', String(bench.cores.other)];
  const report = await runAutocannon({ url, connections, seconds }, pinned, bench.signal);
  if (report.failures > 0) throw new Error(`${proxy.name}: ${report.failures} failed requests`);
  await delay(COUNT_AFTER_MS);
  return report;
}

async function startContender(
  bench: BenchRun,
  mode: Mode,
  workers: number,
  workUs: number,
): Promise<Contender> {
  const name = workers === 1 ? '1 worker' : `${workers} workers, ${mode.name}`;
  const folder = join(bench.folder, name.replaceAll(/[ ,]+/g, '-'));
  const accessLog = join(folder, 'access.log');
  const configFile = writeThreadsConfig({ mode, workUs, folder, accessLog });
  const proxy = await MeshProxy.start({
    name,
    folder,
    configFile,
    concurrency: workers,
    cores: proxyCores(bench),
    mostStartMs: START_LIMIT_MS,
    args: ['--file-flush-interval-msec', String(FLUSH_MS)],
    signal: bench.signal,
  });
  return { mode, workers, proxy, log: new GrownLog(accessLog) };
}

/** All but the client's, where that leaves two: workers on one core would only take turns. */
export function proxyCores({ cores }: Pick<BenchRun, 'cores'>): readonly number[] {
  const others = cores.all.filter((core) => core !== cores.other);
  return others.length > 1 ? others : cores.all;
}
