/**
 * The built proxy of a part, as a user starts it: a process pinned to one core, its ports and figures asked of its admin. Its standard
 * input is a pipe that ends with this process, and it with that.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterMs, delay } from '../../src/base/clock.ts';
import { cpuSecondsOf } from './child.ts';
import type { JsonObject } from './http-config.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;
const START_MS = 30_000;
const LOOK_EVERY_MS = 10;
const FLUSH_MS = 200;
/** Asked again to end, then made to. */
const HURRY_MS = 1000;
const KILL_MS = 15_000;
const MOST_PROBLEMS = 50;

export interface SoakProxyOptions {
  readonly folder: string;
  readonly bootstrap: JsonObject;
  readonly concurrency: number;
  readonly core: number;
  /** Further arguments of Node, before the command. */
  readonly nodeArgs?: readonly string[];
}

export interface Memory {
  readonly residentBytes: number;
  /** Used heap of all workers together. */
  readonly heapBytes: number;
}

export class SoakProxy {
  readonly port: number;
  readonly child: ChildProcess;
  readonly #admin: string;
  readonly #logFile: string;

  private constructor(child: ChildProcess, admin: string, port: number, logFile: string) {
    this.child = child;
    this.#admin = admin;
    this.port = port;
    this.#logFile = logFile;
  }

  static async start(options: SoakProxyOptions): Promise<SoakProxy> {
    const { bootstrap, concurrency, core, nodeArgs = [] } = options;
    // One of its own: a log of the last proxy in the folder would say that this one accepts.
    const folder = mkdtempSync(join(options.folder, 'proxy-'));
    const [configFile, logFile, addressFile] = ['proxy.json', 'proxy.log', 'admin.txt'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    writeFileSync(configFile, JSON.stringify(bootstrap, null, 2));
    const args = ['-c', String(core), process.execPath, ...nodeArgs, '--import', END_WITH_PARENT, BIN];
    args.push('run', '-c', configFile, '--concurrency', String(concurrency), '--log-path', logFile);
    args.push('--admin-address-path', addressFile, '--file-flush-interval-msec', String(FLUSH_MS));
    const child = spawn('taskset', args, { stdio: ['pipe', 'ignore', 'pipe', 'ipc'] });
    let problems = '';
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (problems = (problems + text).slice(-4000)));
    for (let waited = 0; !textOf(logFile).includes('all workers accept'); waited += LOOK_EVERY_MS) {
      if (child.exitCode !== null || waited > START_MS) {
        child.kill('SIGKILL');
        throw new Error(`the proxy did not start:\n${problems}${textOf(logFile)}`);
      }
      await delay(LOOK_EVERY_MS);
    }
    const admin = textOf(addressFile).trim();
    return new SoakProxy(child, admin, await portOf(admin), logFile);
  }

  get pid(): number {
    const { pid } = this.child;
    // To the kernel 0 would be this process and all its kin.
    if (pid === undefined) throw new Error('the proxy has no process');
    return pid;
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Counters and gauges by name; what was never touched is absent. */
  async stats(): Promise<ReadonlyMap<string, number>> {
    const { stats } = (await this.#ask('/stats?format=json')) as {
      stats: { name?: string; value?: number }[];
    };
    return new Map(
      stats.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value ?? 0] as const])),
    );
  }

  async memory(): Promise<Memory> {
    const { total_physical_bytes: resident, threads } = (await this.#ask('/memory')) as {
      total_physical_bytes: string;
      threads: { name: string; heap_used: string }[];
    };
    const workers = threads.filter(({ name }) => name.startsWith('worker'));
    return {
      residentBytes: Number(resident),
      heapBytes: workers.reduce((sum, { heap_used: used }) => sum + Number(used), 0),
    };
  }

  /** Warnings and worse of its own log: what a reader must know of a run that failed. */
  problems(): string[] {
    return textOf(this.#logFile)
      .split('\n')
      .filter((line) => /\]\[(warning|error|critical)\]/.test(line))
      .slice(0, MOST_PROBLEMS);
  }

  /** Resolves when it has ended and its log is whole. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timers = [
      afterMs(HURRY_MS, () => this.child.kill('SIGTERM')),
      afterMs(KILL_MS, () => this.child.kill('SIGKILL')),
    ];
    await ended;
    for (const timer of timers) clearTimeout(timer);
  }

  async #ask(path: string): Promise<unknown> {
    const answer = await fetch(`http://${this.#admin}${path}`);
    if (!answer.ok) throw new Error(`admin ${path}: status ${answer.status}`);
    return answer.json();
  }
}

/** '' while there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function portOf(admin: string): Promise<number> {
  const answer = await fetch(`http://${admin}/listeners?format=json`);
  const { listener_statuses: statuses } = (await answer.json()) as {
    listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
  };
  const [first] = statuses;
  if (first === undefined) throw new Error('the proxy has no listener');
  return first.local_address.socket_address.port_value;
}
