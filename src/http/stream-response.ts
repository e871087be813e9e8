/**
 * The response side of a stream: what the router (or a local reply) gives goes through the encode filters and on to the writer.
 *
 * Invariant: one response per stream. A local reply replaces one whose head is still held by a filter; once a head has gone to
 * the codec, the only answer left is a reset.
 */
import type { Bytes } from '../api/bytes.ts';
import type { HeaderMap, ResponseEncoder } from '../api/http.ts';
import { logger, streamMark } from '../base/logger.ts';
import { bytesOf } from '../buffer/bytes.ts';
import { makeLocalReply } from './local-reply.ts';
import type { LocalReply } from './local-reply.ts';
import { ResponseWriter } from './response-writer.ts';
import { StreamCore } from './stream-core.ts';
import type { StreamOwner } from './stream-owner.ts';

const log = logger('http');

export abstract class StreamResponse extends StreamCore {
  readonly #writer: ResponseWriter;
  /** A response is on its way through the encode filters or further. */
  #responding = false;
  /** The proxy has answered by itself: what upstream still says is not heard. */
  #answered = false;

  constructor(owner: StreamOwner, encoder: ResponseEncoder, id: number) {
    super(owner, encoder, id);
    this.#writer = new ResponseWriter(this, owner, encoder);
  }

  get responseStarted(): boolean {
    return this.#writer.headersSent;
  }

  respondInformational(headers: HeaderMap): void {
    if (this.#responding || this.filters === null) return;
    this.#active();
    this.filters.encode.informational(headers);
  }

  respondHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.#responding || this.filters === null) return;
    this.#responding = true;
    this.response = headers;
    this.#active();
    this.filters.encode.start(headers, endStream);
  }

  respondData(bytes: Bytes, endStream: boolean): void {
    if (this.#answered) return;
    this.#active();
    this.filters?.encode.data(bytes, endStream);
  }

  respondTrailers(trailers: HeaderMap): void {
    if (this.#answered) return;
    this.trailers = trailers;
    this.#active();
    this.filters?.encode.end(trailers);
  }

  /** Ends the request here. A head that already went out cannot be taken back: the stream is reset then. */
  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void {
    if (this.over || this.delivering) return;
    if (log.debugOn)
      log.debug(`${streamMark(this.connection.id, this.id)} Sending local reply with details ${details}`);
    this.info.responseCodeDetails = details;
    if (this.#writer.headersSent) {
      this.resetStream();
      return;
    }
    const reply = this.#localReply(status, body, modify);
    this.#answered = true;
    this.localReplyBody = body;
    this.response = reply.headers;
    if (this.filters !== null) this.filters.decode.ended = true;
    this.#reply(reply);
    // An upstream that is still at it must not wait for a client that takes its time.
    if (this.delivering && this.filters !== null) this.dispatcher.deferredDelete(this.filters);
  }

  #localReply(status: number, body: string, modify?: (headers: HeaderMap) => void): LocalReply {
    const { localReplies } = this.owner.config;
    if (localReplies === null) return makeLocalReply(status, body, this.request, modify);
    // Filters of mappers look at it.
    this.info.responseCode = status;
    return makeLocalReply(status, body, this.request, modify, (draft) => localReplies(draft, this));
  }

  #reply({ headers, body }: LocalReply): void {
    const headOnly = body === '';
    const { filters } = this;
    // Filters that hold an earlier response have had their turn: this one goes past them.
    const direct = filters === null || this.#responding;
    this.#responding = true;
    if (direct) {
      if (filters !== null) filters.encode.ended = true;
      this.#writer.headers(headers, headOnly);
      if (!headOnly) this.#writer.data(bytesOf(body), true);
      return;
    }
    filters.encode.start(headers, headOnly);
    if (!headOnly) filters.encode.data(bytesOf(body), true);
  }

  // --- behind the encode filters ---

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
    this.move('response-headers');
    this.response = headers;
    this.info.responseCode = headers.status;
  }

  /** A filter was asked to buffer more of the request than its limit. */
  onRequestTooLarge(): void {
    this.owner.config.stats.rq.tooLarge.inc();
    if (log.debugOn)
      log.debug(`${streamMark(this.connection.id, this.id)} request data too large watermark exceeded`);
    this.sendLocalReply(413, 'Payload Too Large', 'request_payload_too_large');
  }

  onResponseTooLarge(): void {
    this.owner.config.stats.rq.responseTooLarge.inc();
    if (log.debugOn)
      log.debug(`${streamMark(this.connection.id, this.id)} response data too large watermark exceeded`);
    this.sendLocalReply(500, 'Internal Server Error', 'response_payload_too_large');
  }

  #active(): void {
    this.timers.active(this.dispatcher.clock.recent());
  }
}
