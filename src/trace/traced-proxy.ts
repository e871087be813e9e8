/**
 * One proxy of a trace as its parent holds it: starts the process, learns its ports, reads what it logged, ends it.
 *
 * The application log is written synchronously, so what was said before an answer was sent is in the file when the answer arrives;
 * `mark` and `linesSince` cut out what one request left there.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterMs } from '../base/clock.ts';
import { parseLogLine } from './log-line.ts';
import type { LogLine } from './log-line.ts';

const START_MS = 30_000;
const KILL_MS = 5000;
/** `.ts` where the sources run, `.js` where `dist/` does. */
const EXTENSION = extname(fileURLToPath(import.meta.url));
const ENTRY = fileURLToPath(new URL(`./traced-process${EXTENSION}`, import.meta.url));

export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** What the process is told on its command line. */
export interface TracedProcessOptions {
  readonly configFile: string;
  readonly applicationLog: string;
  readonly accessLog: string;
}

/** What it says over the channel. */
export type FromTracedProcess =
  | { readonly kind: 'live'; readonly ports: readonly number[] }
  | { readonly kind: 'failed'; readonly message: string };

export interface TracedProxyOptions {
  /** How the trace calls it: `outbound`. */
  readonly name: string;
  readonly configFile: string;
  /** For its logs. */
  readonly folder: string;
}

export class TracedProxy {
  readonly name: string;
  readonly ports: readonly number[];
  readonly #child: ChildProcess;
  readonly #files: TracedProcessOptions;

  private constructor(
    name: string,
    child: ChildProcess,
    files: TracedProcessOptions,
    ports: readonly number[],
  ) {
    this.name = name;
    this.ports = ports;
    this.#child = child;
    this.#files = files;
  }

  static async start({ name, configFile, folder }: TracedProxyOptions): Promise<TracedProxy> {
    const files = {
      configFile,
      applicationLog: join(folder, `${name}.application.log`),
      accessLog: join(folder, `${name}.access.log`),
    };
    const child = fork(ENTRY, [JSON.stringify(files)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    try {
      return new TracedProxy(name, child, files, await portsOf(child, name));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Where its application log stands now; bytes. */
  mark(): number {
    return textOf(this.#files.applicationLog).length;
  }

  linesSince(mark: number): LogLine[] {
    const lines = textOf(this.#files.applicationLog).subarray(mark).toString('utf8').split('\n');
    // Behind the last line feed: nothing, or a line that is being written.
    return lines.slice(0, -1).flatMap((line) => parseLogLine(line) ?? []);
  }

  /** Complete once the proxy has ended. */
  accessLogLines(): string[] {
    const text = textOf(this.#files.accessLog).toString('utf8').trimEnd();
    return text === '' ? [] : text.split('\n');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = afterMs(KILL_MS, () => this.#child.kill('SIGKILL'));
    await ended;
    clearTimeout(timer);
  }
}

function portsOf(child: ChildProcess, name: string): Promise<readonly number[]> {
  let problems = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (problems = (problems + text).slice(-4096)));
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new TraceError(`the traced proxy (${name}) did not start: ${why}`));
    const timer = afterMs(START_MS, () => fail(`it was not ready after ${START_MS / 1000} s`));
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? code}${problems === '' ? '' : `:\n${problems}`}`);
    });
    child.once('message', (message: FromTracedProcess) => {
      clearTimeout(timer);
      if (message.kind === 'live') resolve(message.ports);
      else fail(message.message);
    });
  });
}

/** Empty while there is none. */
function textOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
