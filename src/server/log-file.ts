/**
 * One log file: whole batches in order, reopened on demand, alive through errors. Lives in the file's thread.
 *
 * States of a batch: it is written to its end, or the target is `busy` (a pipe whose reader is slow: try again), or the rest
 * of it is lost (disk full, file not to be opened). If an error cuts a line in half, the missing half is kept and goes first
 * when writing works again, so the file never has half lines in its middle.
 */
import type { Clock } from '../api/event.ts';
import { atLineStart, lineEnd, LogTarget, type LogCalls } from './log-target.ts';

/** Between attempts at opening a file that could not be opened. */
const OPEN_AGAIN_MS = 1000;

export interface LogFileOptions {
  readonly path: string;
  readonly calls: LogCalls;
  readonly clock: Clock;
  /** The first error of a kind, '' when writing works again. */
  readonly onProblem: (error: string) => void;
}

/** `from`: how far the batch has gone; `lostFrom` < 0: nothing was lost. */
export interface WriteOutcome {
  readonly status: 'done' | 'busy';
  readonly from: number;
  readonly lostFrom: number;
}

export class LogFile {
  readonly #options: LogFileOptions;
  #target: LogTarget | null = null;
  #openedAt = Number.NEGATIVE_INFINITY;
  /** Second half of a line whose first half is in the file. */
  #halfLine: Buffer | null = null;
  #problem = '';

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#open();
  }

  /** Writes `bytes` from `from` on, as far as it goes. */
  write(bytes: Buffer, from: number): WriteOutcome {
    const target = this.#target ?? this.#openAgain();
    if (target === null) return this.#lose(bytes, from);
    let at = from;
    try {
      this.#finishHalfLine(target);
      while (at < bytes.length) at += target.write(bytes, at);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EAGAIN') return { status: 'busy', from: at, lostFrom: -1 };
      this.#tell(code);
      if (!atLineStart(bytes, at)) this.#keepHalfLine(target, bytes, at);
      // The reader of a pipe is gone: whoever comes next begins with a whole line.
      if (code === 'EPIPE') this.#close();
      return this.#lose(bytes, at);
    }
    this.#tell('');
    return { status: 'done', from: at, lostFrom: -1 };
  }

  /** Opens the path anew (it was renamed, for rotation). '' or the error; then writing goes on in the old file. */
  reopen(): string {
    const before = this.#target;
    try {
      if (before !== null) this.#finishHalfLine(before);
    } catch {
      // The half line stays half in the old file, which is full.
    }
    this.#halfLine = null;
    const error = this.#open();
    if (error === '') before?.close();
    return error;
  }

  close(): void {
    try {
      if (this.#target !== null) this.#finishHalfLine(this.#target);
    } catch {
      // Nothing more can be done for it.
    }
    this.#close();
  }

  #open(): string {
    this.#openedAt = this.#options.clock.now();
    try {
      this.#target = LogTarget.open(this.#options.path, this.#options.calls);
      return '';
    } catch (error) {
      const code = codeOf(error);
      this.#tell(code);
      return code;
    }
  }

  #openAgain(): LogTarget | null {
    if (this.#options.clock.now() - this.#openedAt < OPEN_AGAIN_MS) return null;
    this.#open();
    return this.#target;
  }

  #close(): void {
    this.#target?.close();
    this.#target = null;
    this.#halfLine = null;
  }

  #finishHalfLine(target: LogTarget): void {
    while (this.#halfLine !== null) {
      const written = target.write(this.#halfLine, 0);
      this.#halfLine = written < this.#halfLine.length ? this.#halfLine.subarray(written) : null;
    }
  }

  #keepHalfLine(target: LogTarget, bytes: Buffer, at: number): void {
    this.#halfLine = target.stream ? null : Buffer.from(bytes.subarray(at, lineEnd(bytes, at)));
  }

  #lose(bytes: Buffer, at: number): WriteOutcome {
    // The half line that is kept is not lost.
    const lostFrom = this.#halfLine !== null && !atLineStart(bytes, at) ? lineEnd(bytes, at) : at;
    return { status: 'done', from: bytes.length, lostFrom: lostFrom < bytes.length ? lostFrom : -1 };
  }

  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onProblem(problem);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
}
