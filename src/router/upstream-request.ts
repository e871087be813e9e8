/**
 * One attempt of a request: from the pool's queue to the last byte of the upstream's answer, or its death.
 *
 *   pending --onPoolReady--> open --(request ended, response ended)--> closed
 *      `--onPoolFailure / cancel--> closed     `--reset by either side--> closed
 *
 * It owns the place in the pool's queue or the codec's stream; flow control, timers and brackets are in `attempt-link.ts`.
 * Invariant: after `closed` no call reaches the router.
 */
import type { Bytes } from '../api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  HeaderMap,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
} from '../api/http.ts';
import type { Mark, ResponseFlag } from '../api/observe.ts';
import type {
  Host,
  HttpPool,
  HttpPoolCallbacks,
  PoolAttachment,
  PoolFailureReason,
  PoolTicket,
} from '../api/upstream.ts';
import { AttemptLink, log, type WorkOwner } from './attempt-link.ts';
import { AttemptLog } from './attempt-log.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { RouterConfig } from './router-config.ts';
import { flagOf, isRemoteReset } from './reset-reply.ts';
import type { TimerKind } from './timer-cache.ts';
import { noteAttached, noteFailed } from './upstream-times.ts';

/** What the attempt tells the router filter. */
export interface AttemptOwner extends WorkOwner {
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

export class UpstreamRequest extends AttemptLink implements ResponseDecoder, HttpPoolCallbacks {
  readonly #owner: AttemptOwner;
  readonly #attemptLog: AttemptLog | null;
  #ticket: PoolTicket | null = null;
  #host: Host;
  /** `bytesSent` of the connection plus what lay in its buffer when the head was encoded. */
  #wireStart = 0;
  #bodyBegun = false;
  /** The connection had carried a request before. */
  reused = false;
  responseBegun = false;

  constructor(
    owner: AttemptOwner,
    callbacks: DecoderFilterCallbacks,
    config: RouterConfig,
    stats: ClusterStats,
    host: Host,
    headers: HeaderMap,
  ) {
    super(owner, callbacks, config, stats);
    this.#owner = owner;
    this.#host = host;
    const { upstreamLogs, dispatcher } = config;
    this.#attemptLog =
      upstreamLogs === null ? null : new AttemptLog(upstreamLogs, dispatcher, callbacks, headers);
  }

  get host(): Host {
    return this.#host;
  }

  get pending(): boolean {
    return this.state === 'pending';
  }

  get open(): boolean {
    return this.state === 'open';
  }

  /** The head has been given to a connection. */
  get headersSent(): boolean {
    return this.encoder !== null;
  }

  /** The kernel took at least one byte of the request. */
  get requestTouchedWire(): boolean {
    return (this.connection?.bytesSent ?? 0) > this.#wireStart;
  }

  /** May come back answered: `open` or `closed`. */
  start(pool: HttpPool): void {
    const ticket = pool.newStream(this, this);
    if (this.state === 'pending') this.#ticket = ticket;
  }

  onPoolReady(encoder: RequestEncoder, host: Host, attachment: PoolAttachment): void {
    const { connection } = attachment;
    this.#ticket = null;
    this.state = 'open';
    if (log.debugOn) this.log(`pool ready: upstream connection [C${connection.id}]`);
    this.encoder = encoder;
    this.connection = connection;
    this.reused = attachment.reused;
    this.#host = host;
    this.#wireStart = connection.bytesSent + connection.writeBuffered;
    const now = this.config.dispatcher.clock.now();
    noteAttached(this.callbacks.info, attachment, host, now, !this.#owner.working);
    const entered = this.enter(now, 0);
    encoder.stream.addCallbacks(this);
    this.writes = this.callbacks.info.writeObserver('upstreamWrite');
    connection.observeWrites(this.writes);
    this.startMaxDuration();
    this.#owner.onAttemptReady(this, host);
    this.leave(entered);
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host): void {
    this.#ticket = null;
    this.state = 'closed';
    if (log.debugOn) this.log(`pool failure: ${reason}`);
    this.#host = host;
    const now = this.config.dispatcher.clock.now();
    noteFailed(this.callbacks.info, host, now, transportFailureReason);
    this.#endLog(flagOf(reason));
    const entered = this.enter(now, 0);
    this.#owner.onAttemptReset(this, reason, transportFailureReason, '');
    this.leave(entered);
  }

  sendHead(headers: HeaderMap, endStream: boolean): void {
    const { info } = this.callbacks;
    const connection = this.connection;
    const before = connection?.writePosition ?? 0;
    if (log.debugOn)
      this.log(`encoding request via codec (end_stream=${endStream}): ${headers.method} ${headers.path}`);
    this.encoder?.encodeHeaders(headers, endStream);
    info.upstream.headerBytesSent += (connection?.writePosition ?? before) - before;
    if (endStream) this.endRequest();
  }

  sendData(bytes: Bytes, endStream: boolean): void {
    if (this.state !== 'open' || this.requestEnded) return;
    this.encoder?.encodeData(bytes, endStream);
    if (this.#attemptLog !== null) this.#attemptLog.bodyBytesSent += bytes.end - bytes.start;
    this.activity();
    if (endStream) this.endRequest();
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.state !== 'open' || this.requestEnded) return;
    this.encoder?.encodeTrailers(trailers);
    this.endRequest();
  }

  /** When the read began that brought the newest bytes of the answer. */
  get lastReadAt(): number {
    return this.connection?.lastRead.at ?? 0;
  }

  /** We give up: out of the queue, or the stream is reset. No call to the owner follows. */
  abandon(flag: ResponseFlag | null = null): void {
    if (this.state === 'pending') {
      this.state = 'closed';
      this.#ticket?.cancel();
      this.#ticket = null;
      this.#endLog(flag);
    } else if (this.state === 'open') {
      const encoder = this.encoder;
      const finished = this.requestEnded && this.responseEnded;
      this.#close(flag);
      if (finished) return;
      this.stats.rqTxReset.inc();
      encoder?.stream.resetStream('local reset');
    }
  }

  /** Both halves are through: the pool has its connection back. */
  finish(): void {
    if (this.state === 'open') this.#close(null);
  }

  onWire(mark: Mark | null, bytes: number): void {
    const connection = this.connection;
    if (this.state !== 'open' || connection === null) return;
    const { info } = this.callbacks;
    // The client went in the same turn, before this was read: its record is closed, though the filters stand until the turn ends.
    if (info.endAt >= 0) return;
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
    if (this.state !== 'open') return;
    const entered = this.enterRead();
    this.activity();
    this.#owner.onAttemptInformational(headers);
    this.leave(entered);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.state !== 'open') return;
    const entered = this.enterRead();
    if (log.debugOn) this.log(`upstream headers complete (end_stream=${endStream}): ${headers.status}`);
    this.callbacks.info.upstream.headerBytesReceived += headers.byteSize;
    if (this.#attemptLog !== null) {
      this.#attemptLog.status = headers.status;
      this.#attemptLog.response = headers;
    }
    this.#respond(endStream);
    this.#owner.onAttemptHeaders(this, headers, endStream);
    this.leave(entered);
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    if (this.state !== 'open') return;
    const entered = this.enterRead();
    if (this.#attemptLog !== null) this.#attemptLog.bodyBytesReceived += bytes.end - bytes.start;
    this.#respond(endStream);
    this.#owner.onAttemptData(this, bytes, endStream);
    this.leave(entered);
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.state !== 'open') return;
    const entered = this.enterRead();
    if (this.#attemptLog !== null) this.#attemptLog.trailers = trailers;
    this.#respond(true);
    this.#owner.onAttemptTrailers(this, trailers);
    this.leave(entered);
  }

  onResetStream(reason: ResetReason, details: string): void {
    if (this.state !== 'open') return;
    const entered = this.enter(this.config.dispatcher.clock.now(), 0);
    if (isRemoteReset(reason)) this.stats.rqRxReset.inc();
    else if (reason === 'local reset') this.stats.rqTxReset.inc();
    if (log.debugOn) this.log(`upstream reset: ${reason}${details === '' ? '' : `, ${details}`}`);
    this.#close(flagOf(reason));
    this.#owner.onAttemptReset(this, reason, '', details);
    this.leave(entered);
  }

  protected onTimeout(kind: TimerKind): void {
    this.#owner.onAttemptTimeout(this, kind);
  }

  #close(flag: ResponseFlag | null): void {
    this.close();
    this.#endLog(flag);
  }

  #endLog(flag: ResponseFlag | null): void {
    if (this.#attemptLog === null) return;
    this.#attemptLog.flag = flag;
    this.#attemptLog.write();
  }

  #respond(endStream: boolean): void {
    this.responseBegun = true;
    this.activity();
    if (!endStream) return;
    this.responseEnded = true;
    this.callbacks.info.upstream.responseLastByteAt = this.connection?.lastRead.at ?? -1;
  }
}
