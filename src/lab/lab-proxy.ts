/**
 * The proxy of a lab: `nodeproxy run` in a process of its own, as a user starts it, on a port of the kernel's choice that is asked of
 * the admin. It never outlives this process.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterMs, delay } from '../base/clock.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
/** `.ts` where the sources run, `.js` where `dist/` does: the proxy is to be the same. */
const EXTENSION = extname(fileURLToPath(import.meta.url));
const END_WITH_PARENT = new URL(`./end-with-parent${EXTENSION}`, import.meta.url).href;

const START_MS = 30_000;
const LOOK_EVERY_MS = 10;
/** The log's lines are in the file soon after their requests; all of them when the proxy has ended. */
const FLUSH_MS = 20;
/** Asked again to end, then made to. */
const HURRY_MS = 1000;
const KILL_MS = 6000;

export class LabError extends Error {
  override readonly name = 'LabError';
}

export interface LabProxyOptions {
  /** Holds the configuration; the proxy's application log and address go there too. */
  readonly folder: string;
  readonly configFile: string;
  readonly concurrency: number;
  readonly args: readonly string[];
}

export class LabProxy {
  /** Of the listener. */
  readonly port: number;
  /** Host and port. */
  readonly adminAddress: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, adminAddress: string) {
    this.#child = child;
    this.port = port;
    this.adminAddress = adminAddress;
  }

  static async start(options: LabProxyOptions): Promise<LabProxy> {
    const addressFile = join(options.folder, 'admin.txt');
    const logFile = applicationLogFile(options.folder);
    const args = ['--import', END_WITH_PARENT, BIN, 'run', '-c', options.configFile];
    args.push('--concurrency', String(options.concurrency), '--file-flush-interval-msec', String(FLUSH_MS));
    args.push('--admin-address-path', addressFile, '--log-path', logFile, ...options.args);
    const child = spawn(process.execPath, args, {
      env: EXTENSION === '.ts' ? { ...process.env, NODEPROXY_SOURCE: '1' } : process.env,
      stdio: ['pipe', 'ignore', 'pipe'],
      // Ctrl-C is the lab's: it still needs the proxy to end in order.
      detached: true,
    });
    let problems = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (problems += text));
    for (let waited = 0; !textOf(logFile).includes('all workers accept'); waited += LOOK_EVERY_MS) {
      if (child.exitCode !== null || waited > START_MS) {
        child.kill('SIGKILL');
        throw new LabError(`the proxy did not start:\n${problems}${textOf(logFile)}`);
      }
      await delay(LOOK_EVERY_MS);
    }
    const adminAddress = textOf(addressFile).trim();
    return new LabProxy(child, await portOf(adminAddress), adminAddress);
  }

  get pid(): number {
    const { pid } = this.#child;
    // To the kernel 0 would be this process and all its kin.
    if (pid === undefined) throw new LabError('the proxy of the lab has no process');
    return pid;
  }

  /** Resolves when it has ended and its log is whole. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timers = [
      afterMs(HURRY_MS, () => this.#child.kill('SIGTERM')),
      afterMs(KILL_MS, () => this.kill()),
    ];
    await ended;
    for (const timer of timers) clearTimeout(timer);
  }

  /** At once, with no word of its own: on the way out of this process. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What the proxy says of itself, as opposed to its access log. */
export function applicationLogFile(folder: string): string {
  return join(folder, 'application.log');
}

/** '' while there is none. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function portOf(adminAddress: string): Promise<number> {
  const answer = await fetch(`http://${adminAddress}/listeners?format=json`);
  const { listener_statuses: statuses } = (await answer.json()) as {
    listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
  };
  const [first] = statuses;
  if (first === undefined) throw new LabError('the proxy of the lab has no listener');
  return first.local_address.socket_address.port_value;
}
