/**
 * One HTTP request and its response: between the server codec and the filter chain. This file is the request side.
 *
 *   codec --decodeX--> ActiveStream --DecodePassage--> filters, router
 *   codec <--encodeX-- ResponseWriter <--EncodePassage-- filters <--respondX-- router (or a local reply)
 *
 * Owns the filter chain, the choice of the route, and the timeouts of the stream (a set of timers lent by the connection).
 */
import type { Bytes } from '../api/bytes.ts';
import type { HeaderMap, RequestDecoder, ResponseEncoder, RouteMatch } from '../api/http.ts';
import type { Mark, ResponseFlag } from '../api/observe.ts';
import { logger, streamMark } from '../base/logger.ts';
import { lengthOf } from '../buffer/bytes.ts';
import { FilterManager } from './filter-manager.ts';
import type { FilterManagerHost } from './filter-manager.ts';
import { admitRequest } from './request-admission.ts';
import type { StreamOwner } from './stream-owner.ts';
import { StreamResponse } from './stream-response.ts';
import type { TimedStream } from './stream-timers.ts';

const log = logger('http');

export class ActiveStream extends StreamResponse implements RequestDecoder, TimedStream, FilterManagerHost {
  #route: RouteMatch | null = null;
  #routeKnown = false;

  constructor(owner: StreamOwner, encoder: ResponseEncoder, id: number) {
    super(owner, encoder, id);
    const { settings } = owner.config;
    this.timers.lend(this, owner.eventAt, settings.streamIdleTimeoutMs);
    this.timers.startRequest(settings.requestTimeoutMs);
    this.timers.startHeaders(settings.requestHeadersTimeoutMs);
    if (this.info.ledger.enabled) this.info.ledger.enter('client', owner.eventAt);
    // Last: it may tell of a high watermark at once.
    encoder.stream.addCallbacks(this);
  }

  onWire(mark: Mark | null, bytes: number): void {
    if (this.over) return;
    this.info.downstreamWireBytesReceived += bytes;
    this.info.noteRead('downstreamRead', this.connection, mark, bytes);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.over) return;
    this.#beginRead();
    this.request = headers;
    this.timers.headersComplete();
    this.info.protocol = this.owner.protocol;
    this.info.requestHeaderBytes = headers.byteSize;
    if (log.debugOn) {
      const head = `${headers.method} ${headers.path} for ${headers.authority}`;
      log.debug(
        `${streamMark(this.connection.id, this.id)} request headers complete (end_stream=${endStream}): ${head}`,
      );
    }
    if (endStream) this.#onRequestEnd();
    // A timeout may have answered a head that was still coming.
    if (this.state === 'head') {
      this.move('head-complete');
      if (admitRequest(this, headers, endStream, this.owner)) this.#startFilters(headers, endStream);
    }
    this.work.end();
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    if (this.over) return;
    this.#beginRead();
    this.info.bytesReceived += lengthOf(bytes);
    if (endStream) this.#onRequestEnd();
    this.filters?.decode.data(bytes, endStream);
    this.work.end();
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.over) return;
    this.#beginRead();
    this.#onRequestEnd();
    this.filters?.decode.end(trailers);
    this.work.end();
  }

  sendCodecReply(status: number, body: string, flag: ResponseFlag | null, details: string): void {
    if (this.over) return;
    this.#beginRead();
    if (flag !== null) this.info.setFlag(flag);
    if (flag === 'DPE') this.owner.config.stats.cx.protocolError.inc();
    this.info.protocol = this.owner.protocol;
    this.sendLocalReply(status, body, details);
    this.work.end();
  }

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
    this.timers.requestComplete();
    const { cx } = this.owner.config.stats;
    cx.upgradesTotal.inc();
    cx.upgradesActive.add(1);
  }

  onLogInterval(): void {
    this.#logNow('DownstreamPeriodic');
  }

  /** While the response is on its way out the client acts by taking bytes; one that takes none is let go. */
  onStreamIdle(): void {
    const { bytesSent } = this.connection;
    if (this.delivering && bytesSent !== this.sentAtCheck) {
      this.sentAtCheck = bytesSent;
      this.timers.extend();
      return;
    }
    this.owner.config.stats.rq.idleTimeout.inc();
    this.info.setFlag('SI');
    this.#timeOut(this.requestComplete ? 504 : 408, 'stream timeout', 'stream_idle_timeout');
  }

  onRequestTimeout(): void {
    // A request that was answered has no time limits any more; only the way out of its bytes has.
    if (this.delivering) return;
    this.owner.config.stats.rq.timeout.inc();
    this.#timeOut(408, 'request timeout', 'request_overall_timeout');
  }

  onRequestHeadersTimeout(): void {
    this.owner.config.stats.rq.headerTimeout.inc();
    this.#timeOut(408, 'request header timeout', 'request_header_timeout');
  }

  onMaxStreamDuration(): void {
    if (this.delivering) return;
    this.owner.config.stats.rq.maxDurationReached.inc();
    this.#timeOut(408, 'downstream duration timeout', 'max_duration_timeout');
  }

  #timeOut(status: number, body: string, details: string): void {
    this.work.begin();
    if (this.delivering) {
      this.info.responseCodeDetails = details;
      this.resetStream();
    } else {
      this.sendLocalReply(status, body, details);
      // The answer to a timeout can stand still on its way out, too.
      if (!this.over) this.timers.extend();
    }
    this.work.end();
  }

  /** A line of a stream that still runs. */
  #logNow(logType: string): void {
    const { info, request, response, trailers } = this;
    this.owner.config.accessLogs.log({ info, request, response, trailers, logType });
  }

  #beginRead(): void {
    this.timers.active(this.owner.eventAt);
    this.work.begin(this.owner.eventAt, this.owner.takeLate());
  }

  #onRequestEnd(): void {
    this.requestComplete = true;
    this.info.requestLastByteAt = this.owner.eventAt;
    this.timers.requestComplete();
  }

  #startFilters(headers: HeaderMap, endStream: boolean): void {
    const { config } = this.owner;
    this.filters = new FilterManager(this, config.filters.current, config.bufferLimitBytes);
    if (!config.accessLogs.empty) {
      if (config.settings.flushLogOnNewRequest) this.#logNow('DownstreamStart');
      this.timers.startLog(config.settings.logFlushIntervalMs);
    }
    this.filters.decode.start(headers, endStream);
  }

  /** With the route come its own idle timeout and life time. */
  #chooseRoute(request: HeaderMap): void {
    const { config, dispatcher } = this.owner;
    const { settings } = config;
    const route = config.routes.current?.match(request, dispatcher.random()) ?? null;
    this.#routeKnown = true;
    this.#route = route;
    this.info.routeName = route?.routeName ?? '';
    this.info.virtualHostName = route?.virtualHostName ?? '';
    if (log.traceOn) this.#logRoute(route);
    const idle = route?.settings?.idleTimeoutMs ?? -1;
    const duration = route?.settings?.maxStreamDurationMs ?? -1;
    this.timers.setIdle(idle < 0 ? settings.streamIdleTimeoutMs : idle);
    this.timers.stopDuration();
    this.timers.startDuration(duration < 0 ? settings.maxStreamDurationMs : duration);
  }

  #logRoute(route: RouteMatch | null): void {
    if (route === null) {
      log.trace(`${this.mark} no route matches`);
      return;
    }
    const { routeName, virtualHostName } = route;
    const name = routeName === '' ? '' : ` '${routeName}'`;
    log.trace(`${this.mark} route${name} of virtual host '${virtualHostName}' chosen`);
  }
}
