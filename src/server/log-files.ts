/**
 * Main's side of the log files: one thread per path, shared by all workers that log there.
 *
 *   worker --log-open path--> main: `open(path)` --log-port--> worker ====lines====> file thread
 *
 * Owns the threads. Rotation (`SIGUSR1`, `/reopen_logs`) and the end of a drain are questions that every thread acknowledges.
 * A thread that dies is reported; the workers' ports close, they ask again, and get a new thread.
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Counter, StatsScope } from '../api/stats.ts';
import type { FromLogThread, LogThreadData, ToLogThread } from './log-messages.ts';

/** The file's thread has little to keep: the batches lie outside of its heap. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/** `error` '' = writing works again. */
export interface LogFileProblem {
  readonly path: string;
  readonly error: string;
}

export interface LogFilesOptions {
  readonly stats: StatsScope;
  /** For the application log. */
  readonly onProblem: (problem: LogFileProblem) => void;
  /** How long a flush or close waits for the reader of a pipe. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 2000;

interface LogThread {
  readonly path: string;
  readonly worker: Worker;
  /** Answers that are awaited, by their number. */
  readonly awaited: Map<number, (error: string) => void>;
}

/** Beside this file, in `src` as in `dist`. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './log-thread.ts' : './log-thread.js',
  import.meta.url,
);

export class LogFiles {
  readonly #options: LogFilesOptions;
  readonly #reopenFailed: Counter;
  readonly #threads = new Map<string, LogThread>();
  #nextAck = 1;
  #closing = false;

  constructor(options: LogFilesOptions) {
    this.#options = options;
    this.#reopenFailed = options.stats.scope('filesystem').counter('reopen_failed');
  }

  /** Files that have a thread now. */
  get paths(): readonly string[] {
    return [...this.#threads.keys()];
  }

  /** A port for one worker: transfer it with `log-port`. Null: the process is ending. */
  open(path: string): MessagePort | null {
    if (this.#closing) return null;
    const thread = this.#threads.get(path) ?? this.#start(path);
    const { port1, port2 } = new MessageChannel();
    const message: ToLogThread = { kind: 'port', port: port1 };
    thread.worker.postMessage(message, [port1]);
    return port2;
  }

  /** Resolves when every file has been opened anew, with the problems met. Lines sent before are in the old files. */
  async reopenAll(): Promise<readonly LogFileProblem[]> {
    const problems = await this.#askAll('reopen');
    for (const _problem of problems) this.#reopenFailed.inc();
    return problems;
  }

  /** Resolves when everything that workers had sent is written, with the problems met. */
  flushAll(): Promise<readonly LogFileProblem[]> {
    return this.#askAll('flush');
  }

  /** Writes everything, closes the files, ends the threads. No `open` after it. */
  async close(): Promise<readonly LogFileProblem[]> {
    this.#closing = true;
    const problems = await this.#askAll('close');
    await Promise.all([...this.#threads.values()].map((thread) => thread.worker.terminate()));
    this.#threads.clear();
    return problems;
  }

  #start(path: string): LogThread {
    const workerData: LogThreadData = { path, giveUpMs: this.#options.giveUpMs ?? GIVE_UP_MS };
    const worker = new Worker(ENTRY, {
      name: `log ${path}`,
      workerData,
      resourceLimits: THREAD_LIMITS,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const thread: LogThread = { path, worker, awaited: new Map() };
    this.#threads.set(path, thread);
    worker.on('message', (message: FromLogThread) => this.#onMessage(thread, message));
    worker.on('error', (error) =>
      this.#options.onProblem({ path, error: `its thread died: ${String(error)}` }),
    );
    worker.on('exit', () => this.#onExit(thread));
    worker.unref();
    return thread;
  }

  #onMessage(thread: LogThread, message: FromLogThread): void {
    if (message.kind === 'problem') {
      this.#options.onProblem({ path: thread.path, error: message.error });
      return;
    }
    const answer = thread.awaited.get(message.ack);
    thread.awaited.delete(message.ack);
    answer?.(message.error);
  }

  #onExit(thread: LogThread): void {
    if (this.#threads.get(thread.path) === thread) this.#threads.delete(thread.path);
    for (const answer of thread.awaited.values()) answer('its thread has ended');
    thread.awaited.clear();
  }

  async #askAll(kind: 'reopen' | 'flush' | 'close'): Promise<LogFileProblem[]> {
    const threads = [...this.#threads.values()];
    const answers = await Promise.all(
      threads.map(async (thread) => ({ path: thread.path, error: await this.#ask(thread, kind) })),
    );
    return answers.filter((answer) => answer.error !== '');
  }

  #ask(thread: LogThread, kind: 'reopen' | 'flush' | 'close'): Promise<string> {
    const ack = this.#nextAck++;
    const message: ToLogThread = { kind, ack };
    thread.worker.ref();
    return new Promise<string>((resolve) => {
      thread.awaited.set(ack, (error) => {
        thread.worker.unref();
        resolve(error);
      });
      thread.worker.postMessage(message);
    });
  }
}
