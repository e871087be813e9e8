/**
 * One attempt of a request: from the pool's queue to the last byte of the upstream's answer, or its death.
 *
 *   pending --onPoolReady--> open --(request ended, response ended)--> closed
 *      `--onPoolFailure / cancel--> closed     `--reset by either side--> closed
 *
 * It owns the place in the pool's queue or the codec's stream, the attempt's timers, and flow control both ways:
 *   connection to the upstream above high  -> downstream reads paused
 *   connection to the client above high    -> upstream reads paused
 * Whatever it paused it lets go when it closes, once. After `closed` no call reaches the router.
 */
import type { Bytes } from '../api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  HeaderMap,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
  StreamCallbacks,
} from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { IoObserver, Mark } from '../api/observe.ts';
import type {
  Host,
  HttpPool,
  HttpPoolCallbacks,
  PoolAttachment,
  PoolFailureReason,
  PoolTicket,
} from '../api/upstream.ts';
import { AttemptTimers } from './attempt-timers.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { TimeLimits } from './route.ts';
import type { RouterConfig } from './router-config.ts';
import { isRemoteReset } from './reset-reply.ts';
import type { TimerKind, TimerOwner } from './timer-cache.ts';
import { noteAttached, noteFailed } from './upstream-times.ts';

/** What the attempt tells the router filter. */
export interface AttemptOwner {
  /** Whether code runs for the stream already: then the ledger's brackets stand. */
  working: boolean;
  /** The head may be changed for the host, then `attempt.sendHead` is called, then the held body. */
  onAttemptReady(attempt: UpstreamRequest, host: Host): void;
  onAttemptInformational(headers: HeaderMap): void;
  onAttemptHeaders(attempt: UpstreamRequest, headers: HeaderMap, endStream: boolean): void;
  onAttemptData(attempt: UpstreamRequest, bytes: Bytes, endStream: boolean): void;
  onAttemptTrailers(attempt: UpstreamRequest, trailers: HeaderMap): void;
  /** `codecDetails`: what was wrong with the answer, for the log alone. */
  onAttemptReset(
    attempt: UpstreamRequest,
    reason: ResetReason,
    transportReason: string,
    codecDetails: string,
  ): void;
  onAttemptTimeout(attempt: UpstreamRequest, kind: TimerKind): void;
}

export class UpstreamRequest implements ResponseDecoder, HttpPoolCallbacks, StreamCallbacks, TimerOwner {
  readonly #owner: AttemptOwner;
  readonly #callbacks: DecoderFilterCallbacks;
  readonly #config: RouterConfig;
  readonly #stats: ClusterStats;
  #state: 'pending' | 'open' | 'closed' = 'pending';
  #ticket: PoolTicket | null = null;
  #encoder: RequestEncoder | null = null;
  #connection: Connection | null = null;
  #writes: IoObserver | null = null;
  #host: Host;
  #timers: AttemptTimers | null = null;
  /** `bytesSent` of the connection plus what lay in its buffer when the head was encoded. */
  #wireStart = 0;
  #readSerial = -1;
  #bodyBegun = false;
  #backedUp = false;
  #pausedReads = 0;
  /** The connection had carried a request before. */
  reused = false;
  responseBegun = false;
  requestEnded = false;
  responseEnded = false;

  constructor(
    owner: AttemptOwner,
    callbacks: DecoderFilterCallbacks,
    config: RouterConfig,
    stats: ClusterStats,
    host: Host,
  ) {
    this.#owner = owner;
    this.#callbacks = callbacks;
    this.#config = config;
    this.#stats = stats;
    this.#host = host;
  }

  get host(): Host {
    return this.#host;
  }

  get pending(): boolean {
    return this.#state === 'pending';
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** The head has been given to a connection. */
  get headersSent(): boolean {
    return this.#encoder !== null;
  }

  /** The kernel took at least one byte of the request. */
  get requestTouchedWire(): boolean {
    return (this.#connection?.bytesSent ?? 0) > this.#wireStart;
  }

  /** May come back answered: `open` or `closed`. */
  start(pool: HttpPool): void {
    const ticket = pool.newStream(this, this);
    if (this.#state === 'pending') this.#ticket = ticket;
  }

  onPoolReady(encoder: RequestEncoder, host: Host, attachment: PoolAttachment): void {
    const { connection } = attachment;
    this.#ticket = null;
    this.#state = 'open';
    this.#encoder = encoder;
    this.#connection = connection;
    this.reused = attachment.reused;
    this.#host = host;
    this.#wireStart = connection.bytesSent + connection.writeBuffered;
    const now = this.#config.dispatcher.clock.now();
    noteAttached(this.#callbacks.info, attachment, host, now, !this.#owner.working);
    const entered = this.#enter(now, 0);
    encoder.stream.addCallbacks(this);
    this.#writes = this.#callbacks.info.writeObserver('upstreamWrite');
    connection.observeWrites(this.#writes);
    if (this.#stats.maxStreamDurationMs > 0) {
      this.#ownTimers().startMaxDuration(this.#stats.maxStreamDurationMs);
    }
    this.#owner.onAttemptReady(this, host);
    this.#leave(entered);
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host): void {
    this.#ticket = null;
    this.#state = 'closed';
    this.#host = host;
    const now = this.#config.dispatcher.clock.now();
    noteFailed(this.#callbacks.info, host, now, transportFailureReason);
    const entered = this.#enter(now, 0);
    this.#owner.onAttemptReset(this, reason, transportFailureReason, '');
    this.#leave(entered);
  }

  sendHead(headers: HeaderMap, endStream: boolean): void {
    const { info } = this.#callbacks;
    const connection = this.#connection;
    const before = connection?.writePosition ?? 0;
    this.#encoder?.encodeHeaders(headers, endStream);
    info.upstream.headerBytesSent += (connection?.writePosition ?? before) - before;
    if (endStream) this.#endRequest();
  }

  sendData(bytes: Bytes, endStream: boolean): void {
    if (this.#state !== 'open' || this.requestEnded) return;
    this.#encoder?.encodeData(bytes, endStream);
    this.#activity();
    if (endStream) this.#endRequest();
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.#state !== 'open' || this.requestEnded) return;
    this.#encoder?.encodeTrailers(trailers);
    this.#endRequest();
  }

  /** When the read began that brought the newest bytes of the answer. */
  get lastReadAt(): number {
    return this.#connection?.lastRead.at ?? 0;
  }

  /** The request is complete and this attempt has a connection: its own time limits begin. */
  startTimers(limits: TimeLimits): void {
    if (this.#state !== 'open' || (limits.perTryMs <= 0 && limits.perTryIdleMs <= 0)) return;
    this.#ownTimers().startTry(limits.perTryMs, limits.perTryIdleMs);
  }

  /** The answer goes down: only idle and route limits still hold. */
  stopPerTryTimer(): void {
    this.#timers?.stopPerTry();
  }

  /** We give up: out of the queue, or the stream is reset. No call to the owner follows. */
  abandon(): void {
    if (this.#state === 'pending') {
      this.#state = 'closed';
      this.#ticket?.cancel();
      this.#ticket = null;
    } else if (this.#state === 'open') {
      const encoder = this.#encoder;
      const finished = this.requestEnded && this.responseEnded;
      this.#close();
      if (finished) return;
      this.#stats.rqTxReset.inc();
      encoder?.stream.resetStream('local reset');
    }
  }

  /** Both halves are through: the pool has its connection back. */
  finish(): void {
    if (this.#state === 'open') this.#close();
  }

  onWire(mark: Mark | null, bytes: number): void {
    const connection = this.#connection;
    if (this.#state !== 'open' || connection === null) return;
    const { info } = this.#callbacks;
    info.noteRead('upstreamRead', connection, mark, bytes);
    const { upstream } = info;
    const { at } = connection.lastRead;
    this.responseBegun = true;
    if (upstream.responseFirstByteAt === -1) upstream.responseFirstByteAt = at;
    if (mark === 'D' && !this.#bodyBegun) {
      this.#bodyBegun = true;
      upstream.responseBodyFirstByteAt = at;
    }
    upstream.wireBytesReceived += bytes;
  }

  decodeInformational(headers: HeaderMap): void {
    if (this.#state !== 'open') return;
    const entered = this.#enterRead();
    this.#activity();
    this.#owner.onAttemptInformational(headers);
    this.#leave(entered);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.#state !== 'open') return;
    const entered = this.#enterRead();
    this.#callbacks.info.upstream.headerBytesReceived += headers.byteSize;
    this.#respond(endStream);
    this.#owner.onAttemptHeaders(this, headers, endStream);
    this.#leave(entered);
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    if (this.#state !== 'open') return;
    const entered = this.#enterRead();
    this.#respond(endStream);
    this.#owner.onAttemptData(this, bytes, endStream);
    this.#leave(entered);
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.#state !== 'open') return;
    const entered = this.#enterRead();
    this.#respond(true);
    this.#owner.onAttemptTrailers(this, trailers);
    this.#leave(entered);
  }

  onResetStream(reason: ResetReason, details: string): void {
    if (this.#state !== 'open') return;
    const entered = this.#enter(this.#config.dispatcher.clock.now(), 0);
    if (isRemoteReset(reason)) this.#stats.rqRxReset.inc();
    else if (reason === 'local reset') this.#stats.rqTxReset.inc();
    this.#close();
    this.#owner.onAttemptReset(this, reason, '', details);
    this.#leave(entered);
  }

  /** The connection to the upstream takes no more for now: the client is to stop sending. */
  onAboveWriteBufferHighWatermark(): void {
    if (this.#state !== 'open' || this.#backedUp || this.requestEnded) return;
    this.#backedUp = true;
    this.#callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (!this.#backedUp) return;
    this.#backedUp = false;
    this.#callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  /** The client takes no more for now: the upstream is to stop sending. Counted. */
  pauseReads(): void {
    if (this.#state !== 'open' || this.responseEnded) return;
    this.#pausedReads += 1;
    this.#stats.flowPausedReading.inc();
    this.#encoder?.stream.readDisable(true);
  }

  resumeReads(): void {
    if (this.#pausedReads === 0) return;
    this.#pausedReads -= 1;
    this.#stats.flowResumedReading.inc();
    this.#encoder?.stream.readDisable(false);
  }

  onTimer(kind: TimerKind): void {
    const entered = this.#enter(this.#config.dispatcher.clock.now(), 0);
    this.#owner.onAttemptTimeout(this, kind);
    this.#leave(entered);
  }

  #endRequest(): void {
    if (this.requestEnded || this.#state !== 'open') return;
    this.requestEnded = true;
    if (this.#writes !== null) this.#connection?.endObserveWrites(this.#writes);
    this.onBelowWriteBufferLowWatermark();
  }

  #respond(endStream: boolean): void {
    this.responseBegun = true;
    this.#activity();
    if (!endStream) return;
    this.responseEnded = true;
    this.#callbacks.info.upstream.responseLastByteAt = this.#connection?.lastRead.at ?? -1;
  }

  #activity(): void {
    this.#timers?.active();
  }

  #ownTimers(): AttemptTimers {
    return (this.#timers ??= new AttemptTimers(this.#config.timers, this));
  }

  /** Lets go of everything that was paused or borrowed. */
  #close(): void {
    this.#state = 'closed';
    this.#timers?.release();
    this.#timers = null;
    this.onBelowWriteBufferLowWatermark();
    while (this.#pausedReads > 0) this.resumeReads();
    if (this.#writes !== null && !this.requestEnded) {
      this.#connection?.endObserveWrites(this.#writes);
    }
    this.#encoder?.stream.removeCallbacks(this);
  }

  #enterRead(): boolean {
    const read = this.#connection?.lastRead;
    if (read === undefined) return false;
    const late = read.serial === this.#readSerial ? 0 : Math.max(read.waited, 0);
    this.#readSerial = read.serial;
    return this.#enter(read.at, late);
  }

  /** False: code ran for the stream already, the bracket around it stands. */
  #enter(at: number, lateMs: number): boolean {
    if (this.#owner.working) return false;
    this.#owner.working = true;
    this.#callbacks.enterWork(at, lateMs);
    return true;
  }

  #leave(entered: boolean): void {
    if (!entered) return;
    this.#owner.working = false;
    this.#callbacks.leaveWork();
  }
}
