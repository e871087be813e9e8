/**
 * The built proxy as a benchmark runs it: `nodeproxy run` in a process of its own on ports of the kernel's choice, its times taken
 * from its application log and from the kernel, ended by its own pid.
 *
 * Times: the log's lines carry milliseconds of the wall clock, so nothing depends on how often this process looks at the file. When
 * a thread began says `/proc/<pid>/task/<tid>/stat`, in steps of 10 ms.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock, afterMs, delay } from '../../src/base/clock.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const LOOK_EVERY_MS = 25;
/** Asked again to end, then made to. */
const HURRY_MS = 2000;
const KILL_MS = 8000;
/** `USER_HZ`: the unit of times in /proc, fixed at 100 in Linux's interface to user space. */
const MS_PER_TICK = 10;
const START_TIME_FIELD = 19;
const clock = new SystemClock();

export interface MeshProxyOptions {
  /** Its application log and its admin's address go to a folder of this name in `folder`. */
  readonly name: string;
  readonly folder: string;
  /** With an admin. */
  readonly configFile: string;
  readonly concurrency: number;
  /** It and its threads are pinned to these. */
  readonly cores: readonly number[];
  /** Longer than this it is held to have failed. */
  readonly mostStartMs: number;
  readonly args?: readonly string[];
  readonly signal: AbortSignal;
}

/** It did not start: what it said, or that it was not ready in time. */
export class ProxyStartError extends Error {
  override readonly name = 'ProxyStartError';
}

export interface WorkerStart {
  readonly tid: number;
  /** From the thread's first instant to its being ready to accept. */
  readonly ms: number;
}

export class MeshProxy {
  readonly name: string;
  readonly pid: number;
  /** From the start of the process to the last worker's accepting. */
  readonly readyMs: number;
  readonly workers: readonly WorkerStart[];
  /** Of its first listener. */
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #admin: string;

  private constructor(child: ChildProcess, options: MeshProxyOptions, started: Started) {
    this.name = options.name;
    this.pid = started.pid;
    this.readyMs = started.readyMs;
    this.workers = started.workers;
    this.port = started.port;
    this.#admin = started.admin;
    this.#child = child;
  }

  /** @throws ProxyStartError; the process is gone then. */
  static async start(options: MeshProxyOptions): Promise<MeshProxy> {
    const folder = join(options.folder, options.name);
    mkdirSync(folder, { recursive: true });
    const [logFile, adminFile] = [join(folder, 'application.log'), join(folder, 'admin.txt')];
    const command = [process.execPath, BIN, 'run', '-c', options.configFile];
    command.push('--concurrency', String(options.concurrency), '--log-path', logFile);
    command.push('--admin-address-path', adminFile, ...(options.args ?? []));
    const begun = wallNow();
    const child = spawn('taskset', ['-c', options.cores.join(','), ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let problems = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (problems += text));
    try {
      await accepting(child, logFile, options, () => problems);
      const admin = readFileSync(adminFile, 'utf8').trim();
      const started = {
        ...startOf(child.pid ?? 0, textOf(logFile), begun),
        admin,
        port: await portOf(admin),
      };
      return new MeshProxy(child, options, started);
    } catch (error) {
      await end(child);
      throw error;
    }
  }

  /** What an endpoint of the admin answers, as JSON. */
  async admin<T>(path: string): Promise<T> {
    return (await (await fetch(`http://${this.#admin}${path}`)).json()) as T;
  }

  stop(): Promise<void> {
    return end(this.#child);
  }
}

interface Started {
  readonly pid: number;
  readonly readyMs: number;
  readonly workers: readonly WorkerStart[];
  readonly port: number;
  readonly admin: string;
}

/** Resolves when the log says that all workers accept. */
async function accepting(
  child: ChildProcess,
  logFile: string,
  { name, mostStartMs, signal }: MeshProxyOptions,
  problems: () => string,
): Promise<void> {
  const since = clock.now();
  while (!textOf(logFile).includes('all workers accept')) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) {
      const last = `${textOf(logFile)}${problems()}`.trim().split('\n').slice(-2).join(' ');
      throw new ProxyStartError(`${name} ended at its start: ${last}`);
    }
    if (clock.now() - since > mostStartMs)
      throw new ProxyStartError(`${name} was not ready after ${mostStartMs / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
}

function startOf(pid: number, log: string, begun: number): Omit<Started, 'admin' | 'port'> {
  const booted = wallNow() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const workers = Array.from(log.matchAll(/^\[([^\]]+)\].* worker_\d+ ready, tid (\d+)$/gm), (line) => {
    const [, at = '', tid = ''] = line;
    return { tid: Number(tid), ms: logTime(at) - (booted + threadStart(pid, Number(tid))) };
  });
  const ready = /^\[([^\]]+)\].* all workers accept$/m.exec(log)?.[1] ?? '';
  return { pid, readyMs: logTime(ready) - begun, workers };
}

/** Milliseconds after the machine's start. */
function threadStart(pid: number, tid: number): number {
  const fields = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[START_TIME_FIELD]) * MS_PER_TICK;
}

/** `2026-11-21 07:54:49.053`, UTC, in epoch milliseconds. */
export function logTime(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}

function wallNow(): number {
  return clock.now() + clock.wallOffset();
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
  return statuses[0]?.local_address.socket_address.port_value ?? 0;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timers = [
    afterMs(HURRY_MS, () => child.kill('SIGTERM')),
    afterMs(KILL_MS, () => child.kill('SIGKILL')),
  ];
  await ended;
  for (const timer of timers) clearTimeout(timer);
}
