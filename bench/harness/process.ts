/**
 * Processes under measurement: started pinned to a core, their CPU time and memory read from /proc, ended by pid.
 *
 * One that is not installed, ends at its start or never listens is a `StartError` with its last words; nothing of it is left
 * then. CPU time is the kernel's sum over all threads, in steps of 10 ms: a round is long enough when it is hundreds of them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { SystemClock, afterMs, delay } from '../../src/base/clock.ts';
import { residentOf } from '../memory/resident.ts';
import { pinnedTo } from './programs.ts';

/** `USER_HZ`: the unit of utime and stime in /proc/<pid>/stat, fixed at 100 in Linux's interface to user space. */
const TICKS_PER_SECOND = 100;
/** Places of utime and stime behind the name of the process (proc_pid_stat(5): fields 14 and 15, the third is the first there). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const READY_PAUSE_MS = 50;
const READY_LIMIT_MS = 15_000;
/** Asked again to end, then made to. */
const HURRY_MS = 1500;
const KILL_MS = 5000;
const LAST_WORDS_CHARACTERS = 4096;
const clock = new SystemClock();

export interface CpuTime {
  /** Seconds in user mode and in the kernel, all threads of the process. */
  readonly user: number;
  readonly system: number;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Core, or cores, that the process and its threads are pinned to. */
  readonly core: number | readonly number[];
  /** Local port that answers when it is ready. */
  readonly port: number;
  /** Standard output is appended to this file; absent = dropped. */
  readonly stdout?: string;
  /** Its children are measured with it (nginx: the worker). */
  readonly measureChildren?: boolean;
  readonly signal?: AbortSignal;
}

/** It did not come up; the message says what it said. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export class MeasuredProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #withChildren: boolean;
  #words = '';

  private constructor(options: StartOptions, child: ChildProcess) {
    this.name = options.name;
    this.#child = child;
    this.#withChildren = options.measureChildren ?? false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-LAST_WORDS_CHARACTERS);
    });
  }

  /** @throws StartError; the signal's reason. The process is gone then. */
  static async start(options: StartOptions): Promise<MeasuredProcess> {
    options.signal?.throwIfAborted();
    const output = options.stdout === undefined ? 'ignore' : openSync(options.stdout, 'a');
    const [command = '', ...args] = [...pinnedTo(options.core), options.command, ...options.args];
    const child = spawn(command, args, { stdio: ['ignore', output, 'pipe'] });
    if (typeof output === 'number') closeSync(output);
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    const started = new MeasuredProcess(options, child);
    try {
      const error = await Promise.race([failed, started.#ready(options)]);
      if (error !== undefined) throw new StartError(`${options.name} cannot be started: ${error.message}`);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  get pids(): number[] {
    const own = this.#child.pid;
    if (own === undefined) return [];
    return this.#withChildren ? [own, ...childrenOf(own)] : [own];
  }

  get ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The end of what it wrote to standard error, on one line. */
  get lastWords(): string {
    return this.#words.trim().split('\n').slice(-2).join(' ').trim();
  }

  /** @throws where it has ended. */
  cpu(): CpuTime {
    const times = this.pids.map((pid) => cpuTimeOf(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    return {
      user: times.reduce((sum, { user }) => sum + user, 0),
      system: times.reduce((sum, { system }) => sum + system, 0),
    };
  }

  /** Proportional set size in bytes: shared pages count by their share. @throws where it has ended. */
  pss(): number {
    return this.pids.reduce((sum, pid) => sum + residentOf(pid).pss, 0);
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const pids = this.pids;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timers = [
      afterMs(HURRY_MS, () => this.#child.kill('SIGTERM')),
      afterMs(KILL_MS, () => pids.forEach(kill)),
    ];
    await exited;
    for (const timer of timers) clearTimeout(timer);
  }

  async #ready({ name, port, signal }: StartOptions): Promise<undefined> {
    const since = clock.now();
    while (!(await answers(port))) {
      signal?.throwIfAborted();
      if (this.ended) throw new StartError(`${name} ended at its start: ${this.lastWords}`);
      if (clock.now() - since > READY_LIMIT_MS)
        throw new StartError(`${name} does not listen on port ${port}: ${this.lastWords}`);
      await delay(READY_PAUSE_MS);
    }
    if (this.ended) throw new StartError(`${name} ended, and something else listens on port ${port}`);
    return undefined;
  }
}

/** What /proc/<pid>/stat says. @throws where it is no such text. */
export function cpuTimeOf(stat: string): CpuTime {
  // The name in parentheses may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (at: number): number => Number(fields[at]) / TICKS_PER_SECOND;
  const time = { user: seconds(USER_TIME), system: seconds(SYSTEM_TIME) };
  if (Number.isNaN(time.user + time.system)) throw new Error('no CPU time in /proc/<pid>/stat');
  return time;
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const direct = text === '' ? [] : text.split(/\s+/).map(Number);
    return direct.flatMap((child) => [child, ...childrenOf(child)]);
  } catch {
    // Ended meanwhile: then it has none.
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself, which is what was wanted.
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
