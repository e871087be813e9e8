/**
 * Processes under measurement: started pinned to a core, their CPU time and memory read from /proc, ended by pid.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delay } from '../../src/base/clock.ts';

/** `USER_HZ`: the unit of utime and stime in /proc/<pid>/stat, fixed at 100 in Linux's interface to user space. */
const TICKS_PER_SECOND = 100;
const READY_TRIES = 200;
const READY_PAUSE_MS = 50;

export interface CpuTime {
  /** Seconds in user mode and in the kernel, all threads and waited-for children of the process. */
  readonly user: number;
  readonly system: number;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Core that the process and its threads are pinned to. */
  readonly core: number;
  /** Local port that answers when it is ready. */
  readonly port: number;
  /** Standard output goes there; absent = dropped. */
  readonly stdout?: string;
  /** The measured process is the last descendant of the one started (nginx: the worker). */
  readonly measureChildren?: boolean;
}

export class MeasuredProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #withChildren: boolean;

  private constructor(options: StartOptions, child: ChildProcess) {
    this.name = options.name;
    this.#child = child;
    this.#withChildren = options.measureChildren ?? false;
  }

  static async start(options: StartOptions): Promise<MeasuredProcess> {
    const output = options.stdout === undefined ? 'ignore' : openSync(options.stdout, 'a');
    const child = spawn('taskset', ['-c', String(options.core), options.command, ...options.args], {
      stdio: ['ignore', output, 'inherit'],
    });
    if (typeof output === 'number') closeSync(output);
    const started = new MeasuredProcess(options, child);
    await waitForPort(options.port, options.name);
    return started;
  }

  get pids(): number[] {
    const own = this.#child.pid ?? 0;
    return this.#withChildren ? [own, ...childrenOf(own)] : [own];
  }

  cpu(): CpuTime {
    let user = 0;
    let system = 0;
    for (const pid of this.pids) {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      user += Number(fields[11]) / TICKS_PER_SECOND;
      system += Number(fields[12]) / TICKS_PER_SECOND;
    }
    return { user, system };
  }

  /** Proportional set size in bytes: shared pages count by their share. */
  pss(): number {
    let kilobytes = 0;
    for (const pid of this.pids) {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    }
    return kilobytes * 1024;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killer = delay(5000).then(() => this.#child.kill('SIGKILL'));
    await Promise.race([exited, killer]);
    await exited;
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const direct = text === '' ? [] : text.split(/\s+/).map(Number);
  return direct.flatMap((child) => [child, ...childrenOf(child)]);
}

async function waitForPort(port: number, name: string): Promise<void> {
  for (let attempt = 0; attempt < READY_TRIES; attempt += 1) {
    if (await answers(port)) return;
    await delay(READY_PAUSE_MS);
  }
  throw new Error(`${name} does not listen on port ${port}`);
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
