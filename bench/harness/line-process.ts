/**
 * A child that takes commands as lines of JSON on its standard input and answers in lines of JSON: the load generators, which stay
 * alive from round to round so that their code is compiled when it counts.
 *
 * Its input ends when this process ends, and it ends then: none outlives a killed run. One question at a time.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterMs } from '../../src/base/clock.ts';

const KILL_MS = 3000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class LineProcess {
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #waiting: Waiting | null = null;
  #problems = '';

  /** `prefix`: the command that it runs under, as `['taskset', '-c', '1']` or `['ip', 'netns', 'exec', 'pod']`. */
  constructor(name: string, program: string, prefix: readonly string[]) {
    this.name = name;
    const args = ['--disable-warning=ExperimentalWarning', program];
    const [command = process.execPath, ...rest] = [...prefix, process.execPath, ...args];
    this.#child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    // A child that is gone says so by its exit; a write to it must not be an error that nobody catches.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#problems = (this.#problems + text).slice(-2000)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answered(line));
    this.#child.once('error', (error) => this.#failed(error));
    this.#child.once('close', () => this.#failed(new Error(`${name} ended: ${this.#problems.trim()}`)));
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the next line. Rejects where the child ends or answers with `{ "error": … }`. */
  ask(question: unknown, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== null) throw new Error(`${this.name} is asked twice`);
      if (signal?.aborted === true) throw signal.reason;
      if (this.#ended()) throw new Error(`${this.name} has ended: ${this.#problems.trim()}`);
      const abort = (): void => this.#failed(signal?.reason as Error);
      const done = (): void => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting = {
        resolve: (answer) => {
          done();
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined || this.#ended()) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    const timer = afterMs(KILL_MS, () => this.#child.kill('SIGKILL'));
    await ended;
    clearTimeout(timer);
  }

  #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #answered(line: string): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    try {
      const answer = JSON.parse(line) as { error?: string };
      if (answer.error === undefined) waiting.resolve(answer);
      else waiting.reject(new Error(`${this.name}: ${answer.error}`));
    } catch {
      waiting.reject(new Error(`${this.name} answered: ${line.slice(0, 200)}`));
    }
  }

  #failed(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

/** The child's side: each line is answered by what `answer` gives for it; the process ends with its input. */
export function answerLines(answer: (question: unknown) => Promise<object>): void {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    void Promise.resolve()
      .then(() => answer(JSON.parse(line)))
      .catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }))
      .then((value) => process.stdout.write(`${JSON.stringify(value)}\n`));
  });
  lines.on('close', () => process.exit());
}
