/**
 * A peer of the measured proxy in a process of its own: a load generator or a service. It gets its options as one JSON argument and
 * speaks to the part in typed messages; a promise waits for the next message of a kind. It ends with this process, whatever ends that.
 */
import { execFileSync, fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { afterMs } from '../../src/base/clock.ts';

/** Every message that goes either way. */
export interface Message {
  readonly kind: string;
}

export interface ChildOptions {
  readonly module: URL;
  readonly options: unknown;
  readonly core: number;
  readonly signal: AbortSignal;
  /** Messages that nobody waits for, as progress. */
  readonly onMessage?: (message: Message) => void;
}

const KILL_MS = 5000;
const TICKS_PER_SECOND = 100;

export class SoakChild {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #onMessage: (message: Message) => void;
  readonly #waiting = new Map<string, (message: Message) => void>();
  readonly #arrived = new Map<string, Message>();
  #fail: ((reason: Error) => void) | null = null;
  readonly #failed: Promise<never>;
  #stopping = false;

  private constructor({ module, options, signal, onMessage }: ChildOptions) {
    this.#name = module.pathname.replace(/^.*\//, '');
    this.#onMessage = onMessage ?? (() => undefined);
    this.#failed = new Promise((_resolve, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
    // The flags of a test runner are not for it.
    this.#process = fork(module, [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#process.on('message', (message) => this.#take(message as Message));
    this.#process.once('exit', (code, name) => {
      if (!this.#stopping) this.#fail?.(new Error(`${this.#name} ended: ${name ?? `exit code ${code}`}`));
    });
    signal.addEventListener('abort', () => this.#fail?.(signal.reason as Error), { once: true });
  }

  /** Resolves when it has said `ready`. */
  static async start<T extends Message>(options: ChildOptions): Promise<[SoakChild, T]> {
    const child = new SoakChild(options);
    pin(child.#process.pid ?? 0, options.core);
    try {
      return [child, await child.next<T>('ready')];
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  tell(message: Message): void {
    this.#process.send(message);
  }

  /** The next message of that kind, or the one that came since the last call. Rejects when the process or the run ends. */
  next<T extends Message>(kind: string): Promise<T> {
    const message = this.#arrived.get(kind);
    if (message !== undefined) {
      this.#arrived.delete(kind);
      return Promise.resolve(message as T);
    }
    const answer = new Promise<T>((resolve) => this.#waiting.set(kind, (come) => resolve(come as T)));
    return Promise.race([answer, this.#failed]);
  }

  ask<T extends Message>(message: Message, answer: string): Promise<T> {
    this.tell(message);
    return this.next<T>(answer);
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.#process.pid ?? 0);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const killer = afterMs(KILL_MS, () => this.#process.kill('SIGKILL'));
    await exited;
    clearTimeout(killer);
  }

  #take(message: Message): void {
    const waiting = this.#waiting.get(message.kind);
    if (waiting !== undefined) {
      this.#waiting.delete(message.kind);
      waiting(message);
    } else if (message.kind === 'progress') this.#onMessage(message);
    else this.#arrived.set(message.kind, message);
  }
}

/** All threads of a running process to one core. */
export function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

/** User and system time of a process and all its threads. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * How long the thread of the process that waited most was ready to run and had no processor (Linux: the second number of schedstat, in
 * nanoseconds): what the machine did to it, as opposed to what it did.
 */
export function unservedMsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const waits = readdirSync(folder).map((task) => {
    const [, waited = '0'] = readFileSync(`${folder}/${task}/schedstat`, 'utf8').split(' ');
    return Number(waited) / 1e6;
  });
  return Math.max(...waits);
}
