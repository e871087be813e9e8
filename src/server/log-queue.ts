/**
 * The batches of all workers on their way into one file, in order of arrival; each is acknowledged to its sender when it is
 * written (or lost). Bounded by the senders: each keeps at most its own limit unacknowledged.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { LinesMessage, TakenMessage } from '../observe/line-port.ts';
import type { LogFile } from './log-file.ts';
import { lineEnd } from './log-target.ts';

/** Until a pipe whose reader is slow is tried again. */
const TRY_AGAIN_MS = 5;

interface Batch {
  readonly port: MessagePort;
  readonly message: LinesMessage;
  readonly bytes: Buffer;
  /** Bytes of it that have gone. */
  from: number;
}

export interface LogQueueOptions {
  readonly file: LogFile;
  /** Arms a timer that keeps the thread alive. */
  readonly later: (ms: number, callback: () => void) => void;
}

export class LogQueue {
  readonly #options: LogQueueOptions;
  readonly #ports: MessagePort[] = [];
  readonly #batches: Batch[] = [];
  #waiting = false;

  constructor(options: LogQueueOptions) {
    this.#options = options;
  }

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  /** A worker's port. It closes when the worker ends; what it had sent is written all the same. */
  add(port: MessagePort): void {
    this.#ports.push(port);
    port.on('message', (message: LinesMessage) => {
      this.#push(port, message);
      this.pump();
    });
    port.on('close', () => {
      const index = this.#ports.indexOf(port);
      if (index >= 0) this.#ports.splice(index, 1);
    });
  }

  /** Takes in what lies in the ports already, whatever the order of events would be. */
  drainPorts(): void {
    for (const port of this.#ports) {
      for (;;) {
        const received = receiveMessageOnPort(port);
        if (received === undefined) break;
        this.#push(port, received.message as LinesMessage);
      }
    }
  }

  /** Writes as far as the file takes it. */
  pump(): void {
    for (;;) {
      const batch = this.#batches[0];
      if (batch === undefined) return;
      const outcome = this.#options.file.write(batch.bytes, batch.from);
      batch.from = outcome.from;
      if (outcome.status === 'busy') {
        this.#tryAgain();
        return;
      }
      this.#batches.shift();
      acknowledge(batch, outcome.lostFrom < 0 ? 0 : countLines(batch.bytes, outcome.lostFrom));
    }
  }

  close(): void {
    for (const port of this.#ports) port.close();
  }

  #push(port: MessagePort, message: LinesMessage): void {
    this.#batches.push({ port, message, bytes: Buffer.from(message.memory, 0, message.length), from: 0 });
  }

  #tryAgain(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#options.later(TRY_AGAIN_MS, () => {
      this.#waiting = false;
      this.pump();
    });
  }
}

function acknowledge({ port, message }: Batch, lost: number): void {
  const { memory, length, lines } = message;
  const taken: TakenMessage = { kind: 'taken', memory, length, lines, lost };
  port.postMessage(taken, [memory]);
}

function countLines(bytes: Buffer, from: number): number {
  let lines = 0;
  for (let at = from; at < bytes.length; at = lineEnd(bytes, at)) lines += 1;
  return lines;
}
