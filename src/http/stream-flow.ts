/**
 * Flow control of one stream, both directions.
 *
 *   upstream buffer high  -> pause()  -> the codec stops the downstream's body       (counted, cx.pausedReading)
 *   downstream buffer high, or an encode filter's buffer -> subscribers (the router) stop reading from upstream
 *
 * Invariants: every pause has one resume; subscribers hear edges only, and one that comes late hears the high it missed.
 */
import type { CodecStream, DownstreamWatermarkCallbacks } from '../api/http.ts';
import { logger, streamMark } from '../base/logger.ts';
import type { ConnectionCounters } from './http-stats.ts';

const log = logger('http');

export class StreamFlow {
  readonly #stream: CodecStream;
  readonly #id: number;
  readonly #counters: ConnectionCounters;
  #pauses = 0;
  /** Sources of "downstream is high": the connection's write buffer, encode filters that hold body. */
  #highs = 0;
  #subscriber: DownstreamWatermarkCallbacks | null = null;
  #more: DownstreamWatermarkCallbacks[] | null = null;

  constructor(stream: CodecStream, id: number, counters: ConnectionCounters) {
    this.#stream = stream;
    this.#id = id;
    this.#counters = counters;
  }

  get downstreamPaused(): boolean {
    return this.#pauses > 0;
  }

  get downstreamHigh(): boolean {
    return this.#highs > 0;
  }

  pause(): void {
    this.#pauses += 1;
    if (this.#pauses > 1) return;
    this.#counters.pausedReading.inc();
    if (log.debugOn) this.#log('Read-disabling');
    if (this.#open) this.#stream.readDisable(true);
  }

  resume(): void {
    if (this.#pauses === 0) return;
    this.#pauses -= 1;
    if (this.#pauses > 0) return;
    this.#counters.resumedReading.inc();
    if (log.debugOn) this.#log('Read-enabling');
    if (this.#open) this.#stream.readDisable(false);
  }

  /** The stream ends or its connection is about to close: its pauses end with it. */
  release(): void {
    if (this.#pauses === 0) return;
    this.#pauses = 1;
    this.resume();
  }

  high(): void {
    this.#highs += 1;
    if (this.#highs > 1) return;
    this.#subscriber?.onAboveWriteBufferHighWatermark();
    if (this.#more !== null) for (const each of this.#more) each.onAboveWriteBufferHighWatermark();
  }

  low(): void {
    if (this.#highs === 0) return;
    this.#highs -= 1;
    if (this.#highs > 0) return;
    this.#subscriber?.onBelowWriteBufferLowWatermark();
    if (this.#more !== null) for (const each of this.#more) each.onBelowWriteBufferLowWatermark();
  }

  subscribe(callbacks: DownstreamWatermarkCallbacks): void {
    if (this.#subscriber === null) this.#subscriber = callbacks;
    else this.#more = [...(this.#more ?? []), callbacks];
    if (this.#highs > 0) callbacks.onAboveWriteBufferHighWatermark();
  }

  unsubscribe(callbacks: DownstreamWatermarkCallbacks): void {
    if (this.#subscriber === callbacks) this.#subscriber = null;
    else if (this.#more !== null) this.#more = this.#more.filter((each) => each !== callbacks);
  }

  #log(what: string): void {
    const mark = streamMark(this.#stream.connection.id, this.#id);
    log.debug(`${mark} ${what} downstream stream due to filter callbacks.`);
  }

  get #open(): boolean {
    return this.#stream.connection.state === 'open';
  }
}
