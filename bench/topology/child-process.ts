/**
 * A process of a run (a proxy, a service, a relay): started in its place on its cores, ended by its own id, and by the kernel where
 * the benchmark itself was killed. Whether it listens is read from /proc, which shows the sockets of its own namespace.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SystemClock, afterMs, delay } from '../../src/base/clock.ts';
import type { Place } from './network.ts';

const LOOK_EVERY_MS = 20;
const START_LIMIT_MS = 60_000;
/** Asked again to end, then made to. */
const HURRY_MS = 200;
const KILL_MS = 5000;
/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';
const clock = new SystemClock();

export interface ChildOptions {
  readonly name: string;
  readonly place: Place;
  readonly cores: readonly number[];
  readonly command: readonly string[];
  readonly signal: AbortSignal;
}

export class Child {
  readonly name: string;
  readonly #child: ChildProcess;
  #problems = '';

  constructor({ name, place, cores, command }: ChildOptions) {
    this.name = name;
    const args = ['-c', cores.join(','), ...place.command, ...command];
    // Its input is a pipe that ends with this process.
    this.#child = spawn('taskset', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#child.once('error', (error) => (this.#problems += error.message));
    this.#child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.#problems = (this.#problems + text).slice(-2000)));
  }

  /** @throws where it has none: 0 would mean this process to the kernel. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} has no process: ${this.#problems}`);
    return pid;
  }

  /** Resolves when `ready` says so. @throws where it ends before, or is not ready in time. */
  async until(ready: () => boolean, signal: AbortSignal, problems = (): string => ''): Promise<void> {
    const began = clock.now();
    while (!ready()) {
      signal.throwIfAborted();
      const late = clock.now() - began > START_LIMIT_MS;
      if (this.#ended() || late) {
        const said = `${problems()}${this.#problems}`.trim().split('\n').slice(-3).join(' ');
        throw new Error(`${this.name} ${late ? 'is not ready' : 'ended at its start'}: ${said}`);
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** On this address itself. */
  listens(address: string, port: number): boolean {
    return isListening(this.pid, address, port);
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined || this.#ended()) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timers = [
      afterMs(HURRY_MS, () => this.#child.kill('SIGTERM')),
      afterMs(KILL_MS, () => this.#child.kill('SIGKILL')),
    ];
    await ended;
    for (const timer of timers) clearTimeout(timer);
  }

  #ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** In the process's network namespace. */
function isListening(pid: number, address: string, port: number): boolean {
  const hex = (value: number, digits: number): string =>
    value.toString(16).toUpperCase().padStart(digits, '0');
  // The kernel prints the four bytes as one number of its own byte order, which is little-endian on x64 and arm64.
  const bytes = address.split('.').map((part) => hex(Number(part), 2));
  const local = `${bytes.toReversed().join('')}:${hex(port, 4)}`;
  const pattern = new RegExp(`^\\s*\\d+: ${local} [\\dA-F:]+ ${LISTENING} `, 'm');
  try {
    return pattern.test(readFileSync(`/proc/${pid}/net/tcp`, 'utf8'));
  } catch {
    return false;
  }
}
