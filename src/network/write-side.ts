/**
 * The sending half of a connection: the watermark queue, the positions of its bytes, who observes them, and the flush.
 *
 * One flush a turn offers everything queued in as few gathered writes as it takes: the first in `offer`, together with those of
 * other connections, what is left in `flush`. When the kernel takes less, the rest is copied out of the turn's memory and
 * waits for writability; how often that happened is the `blocked` of the next record.
 */
import type { Socket, WriteResult } from '../api/socket.ts';
import { WatermarkQueue } from '../buffer/watermark-queue.ts';
import type { WatermarkCallbacks } from '../buffer/watermark-queue.ts';
import { log } from './connection-log.ts';
import type { ConnectionThread } from './connection-thread.ts';
import { WriteObservers } from './write-observers.ts';

export class WriteSide {
  readonly queue: WatermarkQueue;
  readonly observers = new WriteObservers();
  /** Bytes that the kernel has taken. */
  flushed = 0;
  /** The kernel's buffer is full: writable readiness will end it. */
  blocked = false;
  /** FIN is wanted behind the last byte; and has been sent. */
  endRequested = false;
  ended = false;
  /** The last flush wrote something. */
  progressed = false;
  readonly #thread: ConnectionThread;
  #timesBlocked = 0;
  /** What came of `offer`, not looked at yet. */
  #offered: WriteResult | null = null;

  constructor(thread: ConnectionThread, callbacks: WatermarkCallbacks) {
    this.#thread = thread;
    this.queue = new WatermarkQueue(thread.blocks, callbacks);
  }

  /** Position of the next byte to be queued. */
  get position(): number {
    return this.flushed + this.queue.length;
  }

  /** One write, of what is queued now. Calls nobody: `flush` looks at what came of it. */
  offer(socket: Socket): void {
    if (this.queue.length > 0 && !this.blocked) this.#offered = this.#write(socket);
  }

  /** '' or the name of the error that ended writing for good. */
  flush(socket: Socket, connectionId: number): string {
    this.progressed = false;
    let writtenAt = -1;
    while (this.#offered !== null || (this.queue.length > 0 && !this.blocked)) {
      const result = this.#offered ?? this.#write(socket);
      this.#offered = null;
      if (result.errorCode !== '') return result.errorCode;
      if (result.blocked) this.blocked = true;
      writtenAt = result.at + result.took;
      this.#account(socket, connectionId, result);
    }
    if (!this.observers.empty) {
      this.observers.release(
        this.flushed,
        writtenAt < 0 ? this.#thread.dispatcher.clock.recent() : writtenAt,
      );
    }
    if (this.queue.length > 0) this.queue.own();
    return '';
  }

  /** Writing is over: what is queued is lost. */
  fail(): void {
    this.queue.clear();
    this.blocked = true;
  }

  /** What the kernel took of an offer that was not looked at yet is still counted and told. */
  close(socket: Socket, connectionId: number): void {
    const offered = this.#offered;
    this.#offered = null;
    if (offered !== null && offered.written > 0) {
      const left = this.queue.length - offered.written;
      this.observers.tell(this.flushed, offered, this.#timesBlocked, left === 0, connectionId, socket.secure);
      this.flushed += offered.written;
    }
    this.queue.clear();
    this.observers.clear();
  }

  #write(socket: Socket): WriteResult {
    const { views, viewsPerWrite } = this.#thread;
    return socket.write(views, this.queue.gather(views, viewsPerWrite));
  }

  #account(socket: Socket, connectionId: number, result: WriteResult): void {
    const { written } = result;
    if (log.traceOn)
      log.trace(`[C${connectionId}] wrote ${written} bytes, ${this.queue.length - written} left`);
    if (written > 0) {
      const from = this.flushed;
      this.progressed = true;
      this.flushed += written;
      this.queue.drain(written);
      if (!this.observers.empty) {
        this.observers.tell(
          from,
          result,
          this.#timesBlocked,
          this.queue.length === 0 || this.#thread.viewsPerWrite === 1,
          connectionId,
          socket.secure,
        );
      }
      this.#timesBlocked = 0;
    }
    if (result.blocked) this.#timesBlocked += 1;
  }
}
