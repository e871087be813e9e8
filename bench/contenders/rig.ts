/**
 * The test rig of one run: the upstream on one core, contenders on the other, and everything that was started ended with it.
 *
 *   load (other core) -> contender (proxy core) -> upstream (other core)
 *
 * It owns the processes. One that did not come up is gone already when `start` rejects.
 */
import { existsSync, mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { runLoad, loadTool } from '../harness/load.ts';
import type { Load, LoadResult, LoadTool } from '../harness/load.ts';
import { MeasuredProcess, StartError } from '../harness/process.ts';
import { findProgram, freePort } from '../harness/programs.ts';
import { versionOf } from '../harness/set-up.ts';
import type { BenchRun } from '../scenario.ts';
import { stoodIn } from './contender.ts';
import type { Contender, Program } from './contender.ts';
import { chooseUpstream } from './upstream.ts';

/** A contender that serves. */
export class Running {
  readonly contender: Contender;
  readonly process: MeasuredProcess;
  readonly port: number;
  readonly logs: readonly string[];

  constructor(contender: Contender, process: MeasuredProcess, port: number, logs: readonly string[]) {
    this.contender = contender;
    this.process = process;
    this.port = port;
    this.logs = logs;
  }

  /** What it has logged is not kept; all contenders append, so they write on at the start. */
  emptyLogs(): void {
    for (const log of this.logs) if (existsSync(log)) truncateSync(log);
  }
}

export class Rig {
  readonly bench: BenchRun;
  readonly #processes = new Set<MeasuredProcess>();
  readonly #stated = new Set<string>();
  #upstreamPort = 0;
  #places = 0;

  private constructor(bench: BenchRun) {
    this.bench = bench;
  }

  /** With its upstream serving. */
  static async open(bench: BenchRun): Promise<Rig> {
    const rig = new Rig(bench);
    const { cores, progress } = bench;
    const { contender, note } = chooseUpstream(bench.folder);
    if (note !== undefined) progress.note(note);
    const tool = loadTool();
    const missing = stoodIn(tool);
    if (missing !== undefined) progress.note(missing);
    if (tool === 'wrk') bench.version('wrk', versionOf('wrk', ['-v']) ?? 'unknown');
    const unpinned = findProgram('taskset') === undefined;
    if (unpinned) progress.note('taskset is not installed: nothing is pinned to a core');
    bench.pinned('proxies', unpinned ? 'not pinned' : `core ${cores.proxy}`);
    bench.pinned('upstream and load', unpinned ? 'not pinned' : `core ${cores.other}`);
    rig.#state(contender.program);
    rig.#upstreamPort = (await rig.#start(contender, cores.other)).port;
    return rig;
  }

  /** @throws StartError; the signal's reason. */
  async start(contender: Contender): Promise<Running> {
    const { proxy, all } = this.bench.cores;
    const running = await this.#start(contender, contender.allCores === true ? all : proxy);
    this.#state(contender.program);
    return running;
  }

  async stop({ process }: Running): Promise<void> {
    await process.stop();
    this.#processes.delete(process);
  }

  async load(
    running: Running,
    load: Omit<Load, 'url' | 'core'> & { path: string },
    tool: LoadTool = loadTool(),
  ): Promise<LoadResult> {
    const { signal, cores } = this.bench;
    signal.throwIfAborted();
    const url = `http://127.0.0.1:${running.port}${load.path}`;
    return await runLoad({ ...load, url, core: cores.other, signal }, tool);
  }

  async close(): Promise<void> {
    const all = [...this.#processes];
    this.#processes.clear();
    await Promise.all(all.map((process) => process.stop()));
  }

  async #start(contender: Contender, core: number | readonly number[]): Promise<Running> {
    const missing = contender.program.missing();
    if (missing !== undefined) throw new StartError(missing);
    this.#places += 1;
    const folder = join(this.bench.folder, String(this.#places));
    mkdirSync(folder);
    const port = await freePort();
    const { logs, ...command } = contender.configure({ folder, port, upstreamPort: this.#upstreamPort });
    const { signal } = this.bench;
    const process = await MeasuredProcess.start({ name: contender.name, ...command, core, port, signal });
    this.#processes.add(process);
    return new Running(contender, process, port, logs);
  }

  #state(program: Program): void {
    if (this.#stated.has(program.name)) return;
    this.#stated.add(program.name);
    const version = program.version();
    if (version !== undefined) this.bench.version(program.name, version);
  }
}
