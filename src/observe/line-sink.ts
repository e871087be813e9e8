/**
 * A worker's end of one log file: gathers lines into batches and hands whole batches to the file's thread.
 *
 *   write(line) -> batch (256 KiB) --full, or the flush interval has passed--> port        memory <--acknowledged-- port
 *
 * Invariants: a batch holds whole lines; batches of at most `maxOutstandingBytes` of memory are on their way or waiting for the
 * port; beyond that lines are dropped and counted. Nothing here waits, whatever the file does: logging never blocks the loop.
 */
import type { Dispatcher, Timer } from '../api/event.ts';
import type { LineBytes, LineSink } from '../api/observe.ts';
import type { Counter, Gauge, StatsScope } from '../api/stats.ts';
import type { LinePort, LinesMessage, TakenMessage } from './line-port.ts';
import { LineWriter } from './line-writer.ts';

/**
 * A batch of this size goes out at once. Envoy's is 64 KiB; here each hand-over wakes a thread (some 100 µs in a profile of a
 * worker under load), so four times that is gathered.
 */
export const BATCH_BYTES = 256 * 1024;

/** Memory of one sink's batches in flight: some 10,000 instrumented lines. */
const MAX_OUTSTANDING_BYTES = 8 * 1024 * 1024;

/** Batches of memory kept for reuse; more than in flight when the thread keeps up. */
const MAX_SPARE = 2;

/** Looked up once per thread; shared by all sinks. Names are Envoy's, but for `write_dropped`: Envoy drops nothing. */
export class LineSinkStats {
  readonly writeBuffered: Counter;
  readonly writeCompleted: Counter;
  readonly writeFailed: Counter;
  readonly flushedByTimer: Counter;
  /** Bytes given to file threads and not yet written. */
  readonly writeTotalBuffered: Gauge;
  readonly dropped: Counter;

  constructor(stats: StatsScope) {
    const filesystem = stats.scope('filesystem');
    this.writeBuffered = filesystem.counter('write_buffered');
    this.writeCompleted = filesystem.counter('write_completed');
    this.writeFailed = filesystem.counter('write_failed');
    this.flushedByTimer = filesystem.counter('flushed_by_timer');
    this.writeTotalBuffered = filesystem.gauge('write_total_buffered');
    this.dropped = stats.scope('access_log_file').counter('write_dropped');
  }
}

export interface BatchedLinesOptions {
  readonly dispatcher: Pick<Dispatcher, 'createTimer'>;
  readonly flushIntervalMs: number;
  readonly stats: LineSinkStats;
  /** The port is gone (its thread has died): another is needed. */
  readonly onPortClosed?: () => void;
  readonly batchBytes?: number;
  readonly maxOutstandingBytes?: number;
}

export class BatchedLines implements LineSink {
  readonly #stats: LineSinkStats;
  readonly #timer: Timer;
  readonly #flushIntervalMs: number;
  readonly #batchBytes: number;
  readonly #maxOutstanding: number;
  readonly #onPortClosed: () => void;
  readonly #spare: ArrayBuffer[] = [];
  /** Of lines that come as text. */
  readonly #text = new LineWriter();
  #port: LinePort | null = null;
  /** Full batches that wait for the port to arrive. Counted as outstanding. */
  #waiting: LinesMessage[] = [];
  /** Not acknowledged yet: memory (what is bounded), bytes of text in it, lines. */
  #outstandingMemory = 0;
  #outstandingText = 0;
  #outstandingLines = 0;
  #batch: Buffer | null = null;
  #used = 0;
  #lines = 0;

  constructor(options: BatchedLinesOptions) {
    this.#stats = options.stats;
    this.#flushIntervalMs = options.flushIntervalMs;
    this.#batchBytes = options.batchBytes ?? BATCH_BYTES;
    this.#maxOutstanding = options.maxOutstandingBytes ?? MAX_OUTSTANDING_BYTES;
    this.#onPortClosed = options.onPortClosed ?? (() => undefined);
    this.#timer = options.dispatcher.createTimer(() => {
      this.#onTimer();
    });
  }

  /** Memory in flight. */
  get outstandingBytes(): number {
    return this.#outstandingMemory;
  }

  /** Lines written before it came go out now. */
  attach(port: LinePort): void {
    this.#port = port;
    port.on('message', (message) => this.#onTaken(port, message));
    port.on('close', () => this.#onClosed(port));
    port.unref();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) port.postMessage(batch, [batch.memory]);
  }

  write(line: string): void {
    this.#text.begin();
    this.#text.text(line);
    this.writeLine(this.#text);
  }

  writeLine(line: LineBytes): void {
    if (line.length > this.#batchBytes - this.#used && !this.#makeRoom(line)) return;
    const batch = (this.#batch ??= this.#take());
    if (this.#lines === 0) this.#timer.enable(this.#flushIntervalMs);
    line.copyTo(batch, this.#used);
    this.#used += line.length;
    this.#lines += 1;
    this.#stats.writeBuffered.inc();
  }

  flush(): void {
    this.#send();
  }

  /** The line does not fit: sends what there is. False: it was dropped, or has gone out by itself. */
  #makeRoom(line: LineBytes): boolean {
    if (!this.#maySend()) {
      this.#stats.dropped.inc();
      return false;
    }
    this.#send();
    if (line.length <= this.#batchBytes) return true;
    this.#batch = Buffer.allocUnsafeSlow(line.length);
    line.copyTo(this.#batch, 0);
    this.#used = line.length;
    this.#lines = 1;
    this.#stats.writeBuffered.inc();
    this.#send();
    return false;
  }

  #maySend(): boolean {
    return this.#outstandingMemory + this.#batchBytes <= this.#maxOutstanding;
  }

  #onTimer(): void {
    if (!this.#maySend()) {
      this.#timer.enable(this.#flushIntervalMs);
      return;
    }
    this.#stats.flushedByTimer.inc();
    this.#send();
  }

  #take(): Buffer {
    const spare = this.#spare.pop();
    return spare === undefined ? Buffer.allocUnsafeSlow(this.#batchBytes) : Buffer.from(spare);
  }

  #send(): void {
    const batch = this.#batch;
    if (batch === null || this.#lines === 0) return;
    const memory = batch.buffer;
    if (!(memory instanceof ArrayBuffer)) return;
    const message: LinesMessage = { kind: 'lines', memory, length: this.#used, lines: this.#lines };
    this.#timer.disable();
    this.#outstandingMemory += memory.byteLength;
    this.#outstandingText += this.#used;
    this.#outstandingLines += this.#lines;
    this.#stats.writeTotalBuffered.add(this.#used);
    this.#batch = null;
    this.#used = 0;
    this.#lines = 0;
    if (this.#port === null) this.#waiting.push(message);
    else this.#port.postMessage(message, [memory]);
  }

  #onTaken(port: LinePort, { memory, length, lost, lines }: TakenMessage): void {
    if (port !== this.#port) return;
    this.#outstandingMemory -= memory.byteLength;
    this.#outstandingText -= length;
    this.#outstandingLines -= lines;
    this.#stats.writeTotalBuffered.add(-length);
    if (lost === 0) this.#stats.writeCompleted.inc();
    else {
      this.#stats.writeFailed.inc();
      this.#stats.dropped.add(lost);
    }
    if (memory.byteLength === this.#batchBytes && this.#spare.length < MAX_SPARE) this.#spare.push(memory);
  }

  /** What the thread had not acknowledged is counted as dropped. */
  #onClosed(port: LinePort): void {
    if (port !== this.#port) return;
    this.#port = null;
    this.#stats.dropped.add(this.#outstandingLines);
    this.#stats.writeTotalBuffered.add(-this.#outstandingText);
    this.#outstandingMemory = 0;
    this.#outstandingText = 0;
    this.#outstandingLines = 0;
    this.#onPortClosed();
  }
}
