/**
 * One HTTP request and its response: between the server codec and the filter chain.
 *
 *   codec --decodeX--> ActiveStream --DecodePassage--> filters, router
 *   codec <--encodeX-- ResponseWriter <--EncodePassage-- filters <--respondX-- router (or a local reply)
 *
 * Owns the chain, the flow control, the record of what happened, and a set of timers lent by the connection. Invariant: it ends
 * exactly once, in `#finish`; afterwards nothing it is asked has an effect, and `dispose` (at the end of the turn, so that
 * objects on the stack stay usable) tells filters, statistics and the access log.
 */
import type { Bytes } from '../api/bytes.ts';
import type { Disposable, Dispatcher } from '../api/event.ts';
import type {
  DownstreamWatermarkCallbacks,
  HeaderMap,
  RequestDecoder,
  ResetReason,
  ResponseEncoder,
  RouteMatch,
  StreamCallbacks,
} from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { LogContext, Mark, ResponseFlag } from '../api/observe.ts';
import { bytesOf, lengthOf } from '../buffer/bytes.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';
import { FilterManager } from './filter-manager.ts';
import type { FilterManagerHost } from './filter-manager.ts';
import { FilterTimes } from './filter-times.ts';
import { makeLocalReply } from './local-reply.ts';
import { admitRequest } from './request-admission.ts';
import type { StreamRecordOwner } from './http-configuration.ts';
import { ResponseWriter } from './response-writer.ts';
import { StreamFlow } from './stream-flow.ts';
import type { StreamOwner } from './stream-owner.ts';
import { nextStreamState } from './stream-state.ts';
import type { StreamState, StreamTransition } from './stream-state.ts';
import type { StreamTimers, TimedStream } from './stream-timers.ts';
import { StreamWork } from './stream-work.ts';
import type { WaitView } from './stream-work.ts';

export class ActiveStream
  implements RequestDecoder, StreamCallbacks, TimedStream, FilterManagerHost, WaitView, LogContext, Disposable
{
  readonly id: number;
  readonly info: StreamRecordOwner;
  readonly work: StreamWork;
  readonly filterTimes: FilterTimes;
  readonly logType = 'DownstreamEnd';
  request: HeaderMap | null = null;
  response: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  requestComplete = false;
  /** The client wants the connection to end behind this exchange. */
  clientCloses = false;
  upgrading = false;
  readonly #owner: StreamOwner;
  readonly #encoder: ResponseEncoder;
  readonly #writer: ResponseWriter;
  readonly #flow: StreamFlow;
  readonly #timers: StreamTimers;
  #state: StreamState = 'head';
  #filters: FilterManager | null = null;
  #route: RouteMatch | null = null;
  #routeKnown = false;
  /** A response is on its way through the encode filters or further. */
  #responding = false;

  constructor(owner: StreamOwner, encoder: ResponseEncoder, id: number) {
    const { config, dispatcher } = owner;
    const { settings } = config;
    this.#owner = owner;
    this.#encoder = encoder;
    this.id = id;
    this.info = config.createInfo(owner.connection, owner.eventAt);
    this.info.filterChainName = config.filterChainName;
    this.work = new StreamWork(this.info.ledger, dispatcher.clock, this);
    this.filterTimes = new FilterTimes(this.info, dispatcher.clock);
    this.#writer = new ResponseWriter(this, owner, encoder);
    this.#flow = new StreamFlow(encoder.stream, config.stats.cx);
    this.#timers = owner.borrowTimers();
    this.#timers.lend(this, owner.eventAt, settings.streamIdleTimeoutMs);
    this.#timers.startRequest(settings.requestTimeoutMs);
    this.#timers.startHeaders(settings.requestHeadersTimeoutMs);
    encoder.stream.addCallbacks(this);
    if (this.info.ledger.enabled) this.info.ledger.enter('client', owner.eventAt);
  }

  get state(): StreamState {
    return this.#state;
  }

  get over(): boolean {
    return this.#state === 'done';
  }

  get delivering(): boolean {
    return this.#state === 'deliver';
  }

  get responseStarted(): boolean {
    return this.#writer.headersSent;
  }

  get downstreamHigh(): boolean {
    return this.#flow.downstreamHigh;
  }

  get downstreamPaused(): boolean {
    return this.#flow.downstreamPaused;
  }

  get dispatcher(): Dispatcher {
    return this.#owner.dispatcher;
  }

  get connection(): Connection {
    return this.#owner.connection;
  }

  get blocks(): BlockSource {
    return this.#owner.config.blocks;
  }

  pausedFilter(): number {
    if (this.#filters === null) return -1;
    const { decode, encode } = this.#filters;
    if (!encode.started) return decode.ended ? -1 : decode.stoppedIndex();
    return encode.ended ? -1 : encode.stoppedIndex();
  }

  // --- the request, from the codec ---

  onWire(mark: Mark | null, bytes: number): void {
    if (this.over) return;
    this.info.downstreamWireBytesReceived += bytes;
    this.info.noteRead('downstreamRead', this.#owner.connection, mark, bytes);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.over) return;
    this.#beginRead();
    this.#move('head-complete');
    this.request = headers;
    this.#timers.headersComplete();
    this.info.protocol = this.#owner.protocol;
    this.info.requestHeaderBytes = headers.byteSize;
    if (endStream) this.#onRequestEnd();
    if (admitRequest(this, headers, endStream, this.#owner)) this.#startFilters(headers, endStream);
    this.work.end();
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    if (this.over) return;
    this.#beginRead();
    this.info.bytesReceived += lengthOf(bytes);
    if (endStream) this.#onRequestEnd();
    this.#filters?.decode.data(bytes, endStream);
    this.work.end();
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.over) return;
    this.#beginRead();
    this.#onRequestEnd();
    this.#filters?.decode.end(trailers);
    this.work.end();
  }

  sendCodecReply(status: number, body: string, flag: ResponseFlag | null, details: string): void {
    if (this.over) return;
    this.#beginRead();
    if (flag !== null) this.info.setFlag(flag);
    if (flag === 'DPE') this.#owner.config.stats.cx.protocolError.inc();
    this.info.protocol = this.#owner.protocol;
    this.clientCloses = true;
    this.sendLocalReply(status, body, details);
    this.work.end();
  }

  #beginRead(): void {
    this.#timers.active(this.#owner.eventAt);
    this.work.begin(this.#owner.eventAt, this.#owner.takeLate());
  }

  #onRequestEnd(): void {
    this.requestComplete = true;
    this.info.requestLastByteAt = this.#owner.eventAt;
    this.#timers.requestComplete();
  }

  #startFilters(headers: HeaderMap, endStream: boolean): void {
    const { config } = this.#owner;
    this.#filters = new FilterManager(this, config.filters.current, config.bufferLimitBytes);
    if (config.settings.flushLogOnNewRequest && !config.accessLogs.empty) {
      config.accessLogs.log({
        info: this.info,
        request: headers,
        response: null,
        trailers: null,
        logType: 'DownstreamStart',
      });
    }
    this.#filters.decode.start(headers, endStream);
  }

  // --- routing ---

  get route(): RouteMatch | null {
    if (!this.#routeKnown && this.request !== null) this.#chooseRoute(this.request);
    return this.#route;
  }

  clearRouteCache(): void {
    if (!this.over) this.#routeKnown = false;
  }

  /** An upgrade was allowed: its request never ends by itself. */
  beginUpgrade(): void {
    this.upgrading = true;
    this.#timers.requestComplete();
    const { cx } = this.#owner.config.stats;
    cx.upgradesTotal.inc();
    cx.upgradesActive.add(1);
  }

  #chooseRoute(request: HeaderMap): void {
    const { config, dispatcher } = this.#owner;
    const { settings } = config;
    const route = config.routes.current?.match(request, dispatcher.random()) ?? null;
    this.#routeKnown = true;
    this.#route = route;
    this.info.routeName = route?.routeName ?? '';
    this.info.virtualHostName = route?.virtualHostName ?? '';
    const idle = route?.settings?.idleTimeoutMs ?? -1;
    const duration = route?.settings?.maxStreamDurationMs ?? -1;
    this.#timers.setIdle(idle < 0 ? settings.streamIdleTimeoutMs : idle);
    this.#timers.stopDuration();
    this.#timers.startDuration(duration < 0 ? settings.maxStreamDurationMs : duration);
  }

  // --- the response, from the router or made here ---

  respondInformational(headers: HeaderMap): void {
    if (this.#responding || this.#filters === null) return;
    this.#timers.active(this.dispatcher.clock.now());
    this.#filters.encode.informational(headers);
  }

  respondHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.#responding || this.#filters === null) return;
    this.#responding = true;
    this.response = headers;
    this.#timers.active(this.dispatcher.clock.now());
    this.#filters.encode.start(headers, endStream);
  }

  respondData(bytes: Bytes, endStream: boolean): void {
    this.#timers.active(this.dispatcher.clock.now());
    this.#filters?.encode.data(bytes, endStream);
  }

  respondTrailers(trailers: HeaderMap): void {
    this.trailers = trailers;
    this.#timers.active(this.dispatcher.clock.now());
    this.#filters?.encode.end(trailers);
  }

  /** Ends the request here. A head that already went out cannot be taken back: the stream is reset then. */
  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void {
    if (this.over || this.delivering) return;
    this.info.responseCodeDetails = details;
    if (this.#writer.headersSent) {
      this.resetStream();
      return;
    }
    const reply = makeLocalReply(status, body, this.request, modify);
    const filters = this.#filters;
    if (filters !== null) filters.decode.ended = true;
    const headOnly = reply.body === '';
    this.response = reply.headers;
    if (filters === null || this.#responding) {
      // Filters that hold an earlier response have had their turn: this one goes past them.
      if (filters !== null) filters.encode.ended = true;
      this.#responding = true;
      this.#writer.headers(reply.headers, headOnly);
      if (!headOnly) this.#writer.data(bytesOf(reply.body), true);
      return;
    }
    this.#responding = true;
    filters.encode.start(reply.headers, headOnly);
    if (!headOnly) filters.encode.data(bytesOf(reply.body), true);
  }

  sendInformational(headers: HeaderMap): void {
    this.#writer.informational(headers);
  }

  sendHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#writer.headers(headers, endStream);
  }

  sendData(bytes: Bytes, endStream: boolean): void {
    this.#writer.data(bytes, endStream);
  }

  sendTrailers(trailers: HeaderMap): void {
    this.#writer.trailers(trailers);
  }

  onResponseHeaders(headers: HeaderMap): void {
    this.#move('response-headers');
    this.response = headers;
    this.info.responseCode = headers.status;
  }

  /** The codec has the whole response: the rest is delivery. */
  onResponseEnd(): void {
    if (this.over) return;
    this.#move('response-end');
    if (this.#filters !== null) this.#filters.decode.ended = true;
    this.#flow.release();
    this.info.onDelivered = () => {
      if (!this.over) this.#finish('delivered');
    };
  }

  onRequestTooLarge(): void {
    this.#owner.config.stats.rq.tooLarge.inc();
    this.sendLocalReply(413, 'Payload Too Large', 'request_payload_too_large');
  }

  onResponseTooLarge(): void {
    this.#owner.config.stats.rq.responseTooLarge.inc();
    this.sendLocalReply(500, 'Internal Server Error', 'response_payload_too_large');
  }

  // --- flow control ---

  pauseDownstream(): void {
    this.#flow.pause();
    this.work.refresh();
  }

  resumeDownstream(): void {
    this.#flow.resume();
    this.work.refresh();
  }

  pauseUpstream(): void {
    this.#flow.high();
    this.work.refresh();
  }

  resumeUpstream(): void {
    this.#flow.low();
    this.work.refresh();
  }

  onAboveWriteBufferHighWatermark(): void {
    if (!this.over) this.pauseUpstream();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (!this.over) this.resumeUpstream();
  }

  addWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.#flow.subscribe(callbacks);
  }

  removeWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.#flow.unsubscribe(callbacks);
  }

  // --- ends ---

  onStreamIdle(): void {
    this.#owner.config.stats.rq.idleTimeout.inc();
    this.info.setFlag('SI');
    this.#timeOut(this.requestComplete ? 504 : 408, 'stream timeout', 'stream_idle_timeout');
  }

  onRequestTimeout(): void {
    this.#owner.config.stats.rq.timeout.inc();
    this.#timeOut(408, 'request timeout', 'request_overall_timeout');
  }

  onRequestHeadersTimeout(): void {
    this.#owner.config.stats.rq.headerTimeout.inc();
    this.#timeOut(408, 'request header timeout', 'request_header_timeout');
  }

  onMaxStreamDuration(): void {
    this.#owner.config.stats.rq.maxDurationReached.inc();
    this.#timeOut(408, 'downstream duration timeout', 'max_duration_timeout');
  }

  #timeOut(status: number, body: string, details: string): void {
    this.work.begin();
    if (this.delivering) {
      this.info.responseCodeDetails = details;
      this.resetStream();
    } else {
      this.sendLocalReply(status, body, details);
    }
    this.work.end();
  }

  /** By us. HTTP/1 loses its connection with it. */
  resetStream(): void {
    if (this.over) return;
    this.#owner.config.stats.rq.txReset.inc();
    this.#finish('reset');
    this.#encoder.stream.resetStream('local reset');
  }

  /** By the peer, or with the connection. */
  onResetStream(reason: ResetReason, details: string): void {
    if (this.over) return;
    const { config, closedBy, connection } = this.#owner;
    config.stats.rq.rxReset.inc();
    if (reason === 'protocol error') {
      this.info.setFlag('DPE');
      this.info.responseCodeDetails = details;
    } else if (reason === 'remote reset' || reason === 'remote refused stream reset') {
      this.info.setFlag('DR');
      this.info.responseCodeDetails = details;
    } else {
      this.info.setFlag('DC');
      this.info.responseCodeDetails =
        closedBy === 'local'
          ? `downstream_local_disconnect(${connection.closeReason})`
          : 'downstream_remote_disconnect';
    }
    this.#finish('reset');
  }

  #move(transition: StreamTransition): void {
    this.#state = nextStreamState(this.#state, transition);
  }

  #finish(transition: 'delivered' | 'reset'): void {
    this.#move(transition);
    const { info } = this;
    info.close(this.dispatcher.clock.now());
    info.onDelivered = null;
    this.#filters?.stop();
    this.#flow.release();
    this.#encoder.stream.removeCallbacks(this);
    this.#timers.takeBack();
    this.#owner.returnTimers(this.#timers);
    this.#owner.onStreamOver(this);
    this.dispatcher.deferredDelete(this);
  }

  dispose(): void {
    const { stats, accessLogs } = this.#owner.config;
    this.#filters?.destroy();
    if (this.upgrading) stats.cx.upgradesActive.add(-1);
    stats.rq.active.add(-1);
    stats.rq.time.record(this.info.endAt - this.info.startAt);
    stats.responses.record(this.info.responseCode);
    stats.listenerResponses.record(this.info.responseCode);
    if (!accessLogs.empty) accessLogs.log(this);
  }
}
