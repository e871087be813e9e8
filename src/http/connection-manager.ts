/**
 * HTTP on one downstream connection: the terminal network filter `http_connection_manager`.
 *
 *   connection --onData--> codec --newStream--> ActiveStream, one after the other (HTTP/1) or many (HTTP/2)
 *
 * Owns the codec, the streams, and the timers of the connection. Invariant: the connection is closed in an orderly way only
 * outside of the codec's dispatch, because closing drops the bytes that the codec is reading.
 */
import type { ByteQueue } from '../api/bytes.ts';
import type { Dispatcher, Timer } from '../api/event.ts';
import type { RequestDecoder, ResponseEncoder, ServerCodec, ServerCodecCallbacks } from '../api/http.ts';
import type {
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  DrainObserver,
  FilterStatus,
  ReadFilter,
  ReadFilterCallbacks,
} from '../api/network.ts';
import { invariant } from '../base/invariant.ts';
import { logger, streamMark } from '../base/logger.ts';
import { ActiveStream } from './active-stream.ts';
import type { StreamCore } from './stream-core.ts';
import { ConnectionAccount } from './connection-account.ts';
import { DISCARD } from './discard-decoder.ts';
import type { HttpConfiguration } from './http-configuration.ts';
import type { StreamOwner } from './stream-owner.ts';
import { StreamTimers } from './stream-timers.ts';

const log = logger('http');

/** `last`: the exchange that runs is the last one. `closing`: no further request is taken. */
type Ending = 'no' | 'last' | 'closing';

/** How long a drain waits for a request that is on its way to a connection without one. */
const DRAIN_LINGER_MS = 100;
/** Sets of timers kept for the next streams of the connection. */
const SPARE_TIMERS = 4;

export class ConnectionManager
  implements ReadFilter, ConnectionCallbacks, ServerCodecCallbacks, StreamOwner, DrainObserver
{
  readonly config: HttpConfiguration;
  eventAt = 0;
  closedBy: '' | 'remote' | 'local' = '';
  #connection: Connection | null = null;
  #codec: ServerCodec | null = null;
  #account: ConnectionAccount | null = null;
  #streams: StreamCore[] = [];
  #spareTimers: StreamTimers[] = [];
  #requests = 0;
  #ending: Ending = 'no';
  #dispatching = false;
  #seenRead = 0;
  #late = 0;
  /** When the last stream ended; the idle time counts from here. */
  #idleSince = 0;
  #idle: Timer | null = null;
  #duration: Timer | null = null;
  #linger: Timer | null = null;

  constructor(config: HttpConfiguration) {
    this.config = config;
  }

  get connection(): Connection {
    invariant(this.#connection !== null, 'callbacks before use');
    return this.#connection;
  }

  get dispatcher(): Dispatcher {
    return this.connection.dispatcher;
  }

  get protocol(): string {
    return this.#codec?.protocol ?? 'HTTP/1.1';
  }

  get lastExchange(): boolean {
    return this.#ending !== 'no';
  }

  get codecCloses(): boolean {
    return this.#codec?.shouldClose ?? false;
  }

  // --- the connection's events ---

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    const { connection } = callbacks;
    const { settings, stats } = this.config;
    this.#connection = connection;
    this.#account = new ConnectionAccount(connection, stats.cx);
    connection.setDelayedCloseTimeout(settings.delayedCloseTimeoutMs);
    connection.addCallbacks(this);
    this.config.drain.observers?.add(this);
    this.#idleSince = connection.createdAt;
    this.#armIdle(settings.idleTimeoutMs);
    if (settings.maxConnectionDurationMs > 0) {
      this.#duration = connection.dispatcher.createTimer(() => this.#onMaxDuration());
      this.#duration.enable(settings.maxConnectionDurationMs);
    }
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  onData(data: ByteQueue): FilterStatus {
    if (this.#ending === 'closing') {
      data.drain(data.length);
      return 'stop';
    }
    this.#codec ??= this.config.createCodec(this.connection, this);
    this.#noteRead();
    this.#dispatching = true;
    const result = this.#codec.dispatch(data);
    this.#dispatching = false;
    if (!result.ok) this.#onBroken();
    // Streams may have asked for it inside the dispatch.
    this.#closeIfEnding();
    return 'stop';
  }

  onEvent(event: ConnectionEvent): void {
    if (event === 'connected') return;
    this.closedBy = event === 'remote-close' ? 'remote' : 'local';
    this.#idle?.disable();
    this.#duration?.disable();
    this.#linger?.disable();
    this.config.drain.observers?.delete(this);
    this.#account?.close(this.closedBy, this.#streams.length > 0);
    const { closeReason } = this.connection;
    this.#codec?.onConnectionEnd('connection termination');
    // The codec has told the streams whose exchange runs; those that only waited for delivery are told here.
    for (const stream of this.#streams.slice()) stream.onResetStream('connection termination', closeReason);
    for (const timers of this.#spareTimers) timers.stop();
    this.#spareTimers.length = 0;
  }

  /**
   * The worker drains: an exchange that runs says `connection: close` itself, a connection without one ends here. Not at once: its
   * client may have sent the next request before it could know, and would get no answer.
   */
  onDrain(): void {
    if (this.#isIdle()) {
      this.#linger ??= this.dispatcher.createTimer(() => this.#onLingered());
      this.#linger.enable(DRAIN_LINGER_MS);
    }
  }

  #onLingered(): void {
    if (!this.#isIdle()) return;
    this.config.stats.cx.drainClose.inc();
    this.#ending = 'closing';
    this.connection.close('flush-delayed', 'deferred_close_on_drained_connection');
  }

  #isIdle(): boolean {
    return this.#streams.length === 0 && this.#ending !== 'closing' && this.closedBy === '';
  }

  onAboveWriteBufferHighWatermark(): void {
    // Streams hear it from the codec.
  }

  onBelowWriteBufferLowWatermark(): void {
    // Streams hear it from the codec.
  }

  // --- the codec's ---

  newStream(encoder: ResponseEncoder): RequestDecoder {
    const { settings, stats } = this.config;
    if (this.#ending === 'closing') return DISCARD;
    this.#requests += 1;
    if (settings.maxRequestsPerConnection > 0 && this.#requests >= settings.maxRequestsPerConnection) {
      stats.cx.maxRequestsReached.inc();
      this.#ending = 'last';
    }
    stats.rq.total.inc();
    stats.rq.active.add(1);
    if (this.protocol !== 'HTTP/2') stats.rq.http1Total.inc();
    const stream = new ActiveStream(this, encoder, this.#requests);
    if (log.debugOn) log.debug(`${streamMark(this.connection.id, stream.id)} new stream`);
    this.#streams.push(stream);
    return stream;
  }

  // --- the streams' ---

  takeLate(): number {
    const late = this.#late;
    this.#late = 0;
    return late;
  }

  borrowTimers(): StreamTimers {
    return this.#spareTimers.pop() ?? new StreamTimers(this.dispatcher);
  }

  returnTimers(timers: StreamTimers): void {
    if (this.closedBy === '' && this.#spareTimers.length < SPARE_TIMERS) this.#spareTimers.push(timers);
    else timers.stop();
  }

  closeAfterExchange(): void {
    this.#ending = 'closing';
    if (!this.#dispatching) this.#closeIfEnding();
  }

  onStreamOver(stream: StreamCore): void {
    const at = this.#streams.indexOf(stream);
    const last = this.#streams.pop();
    if (last !== undefined && last !== stream) this.#streams[at] = last;
    this.#account?.countWritten();
    if (this.#streams.length === 0) this.#idleSince = this.dispatcher.clock.recent();
  }

  // --- ends ---

  /** The codec takes no more bytes. A reply that filters still hold goes out first. */
  #onBroken(): void {
    const answering = this.#streams.some((stream) => !stream.delivering);
    if (!answering) this.#ending = 'closing';
    else if (this.#ending === 'no') this.#ending = 'last';
  }

  #noteRead(): void {
    const { lastRead } = this.connection;
    if (lastRead.serial === this.#seenRead) {
      // Bytes of an earlier read that waited behind another exchange: their time begins now.
      this.eventAt = this.dispatcher.clock.now();
      this.#late = 0;
      return;
    }
    this.#seenRead = lastRead.serial;
    this.eventAt = lastRead.at;
    this.#late = Math.max(0, lastRead.waited);
    this.#account?.countRead();
  }

  #closeIfEnding(): void {
    if (this.#ending !== 'closing' || this.connection.state !== 'open') return;
    this.connection.close('flush-delayed', this.connection.closeReason);
  }

  #armIdle(ms: number): void {
    if (ms <= 0) return;
    this.#idle ??= this.dispatcher.createTimer(() => this.#onIdle());
    this.#idle.enable(ms);
  }

  /** Armed once; looks when it fires how long the connection has really been without a stream. */
  #onIdle(): void {
    const { idleTimeoutMs } = this.config.settings;
    const busy = this.#streams.length > 0;
    const idleFor = busy ? 0 : this.dispatcher.clock.now() - this.#idleSince;
    if (idleFor < idleTimeoutMs) {
      this.#armIdle(idleTimeoutMs - idleFor);
      return;
    }
    this.config.stats.cx.idleTimeout.inc();
    this.#ending = 'closing';
    this.connection.close('flush', 'on_idle_timeout');
  }

  #onMaxDuration(): void {
    this.config.stats.cx.maxDurationReached.inc();
    if (this.#ending === 'closing') return;
    if (this.#streams.length > 0) {
      this.#ending = 'last';
      return;
    }
    this.#ending = 'closing';
    this.connection.close('flush-delayed', 'max_connection_duration_reached');
  }
}
