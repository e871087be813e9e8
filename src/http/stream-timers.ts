/**
 * The timers of one stream, kept by the connection and lent to one stream after the other, so that a request makes none.
 *
 * The idle timer is armed once and looks, when it fires, how long the stream has really been silent: activity costs one store.
 * It may therefore stay armed over the ends of streams. The others are armed only where they are configured.
 */
import type { Dispatcher, Timer } from '../api/event.ts';

export interface TimedStream {
  onStreamIdle(): void;
  onRequestTimeout(): void;
  onRequestHeadersTimeout(): void;
  onMaxStreamDuration(): void;
  /** Again and again, until the stream is over. */
  onLogInterval(): void;
}

export class StreamTimers {
  readonly #dispatcher: Dispatcher;
  #stream: TimedStream | null = null;
  #idleMs = 0;
  #activeAt = 0;
  #idleDeadline = Infinity;
  #idle: Timer | null = null;
  #request: Timer | null = null;
  #headers: Timer | null = null;
  #duration: Timer | null = null;
  #log: Timer | null = null;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  lend(stream: TimedStream, now: number, idleMs: number): void {
    this.#stream = stream;
    this.#activeAt = now;
    this.setIdle(idleMs);
  }

  /** The stream is over; what is armed for this stream alone is disarmed. */
  takeBack(): void {
    this.#stream = null;
    this.#request?.disable();
    this.#headers?.disable();
    this.#duration?.disable();
    this.#log?.disable();
  }

  /** The connection is over. */
  stop(): void {
    this.takeBack();
    this.#idle?.disable();
    this.#idleDeadline = Infinity;
  }

  active(now: number): void {
    this.#activeAt = now;
  }

  /** From within a timeout: the stream goes on for now. */
  extend(): void {
    if (this.#idleMs === 0) return;
    this.#activeAt = this.#dispatcher.clock.now();
    this.#armIdle(this.#idleMs);
  }

  /** 0 = off. */
  setIdle(ms: number): void {
    this.#idleMs = ms;
    if (ms > 0 && this.#activeAt + ms < this.#idleDeadline) this.#armIdle(ms);
  }

  startRequest(ms: number): void {
    if (ms === 0) return;
    this.#request ??= this.#dispatcher.createTimer(() => this.#stream?.onRequestTimeout());
    this.#request.enable(ms);
  }

  requestComplete(): void {
    this.#request?.disable();
  }

  startHeaders(ms: number): void {
    if (ms === 0) return;
    this.#headers ??= this.#dispatcher.createTimer(() => this.#stream?.onRequestHeadersTimeout());
    this.#headers.enable(ms);
  }

  headersComplete(): void {
    this.#headers?.disable();
  }

  startDuration(ms: number): void {
    if (ms <= 0) return;
    this.#duration ??= this.#dispatcher.createTimer(() => this.#stream?.onMaxStreamDuration());
    this.#duration.enable(ms);
  }

  stopDuration(): void {
    this.#duration?.disable();
  }

  startLog(ms: number): void {
    if (ms === 0) return;
    this.#log ??= this.#dispatcher.createTimer(() => {
      this.#log?.enable(ms);
      this.#stream?.onLogInterval();
    });
    this.#log.enable(ms);
  }

  #armIdle(ms: number): void {
    this.#idle ??= this.#dispatcher.createTimer(() => this.#onIdle());
    this.#idleDeadline = this.#dispatcher.clock.recent() + ms;
    this.#idle.enable(ms);
  }

  #onIdle(): void {
    this.#idleDeadline = Infinity;
    if (this.#stream === null || this.#idleMs === 0) return;
    const left = this.#activeAt + this.#idleMs - this.#dispatcher.clock.now();
    if (left > 0) this.#armIdle(left);
    else this.#stream.onStreamIdle();
  }
}
