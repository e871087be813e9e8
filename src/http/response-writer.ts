/**
 * Behind the last encode filter: brings the response head into its final form, decides whether the connection ends with this
 * exchange, and gives the parts to the codec, observed from the first byte to the last.
 */
import type { Bytes } from '../api/bytes.ts';
import type { HeaderMap, ResponseEncoder } from '../api/http.ts';
import type { IoObserver } from '../api/observe.ts';
import { logger, streamMark } from '../base/logger.ts';
import { lengthOf } from '../buffer/bytes.ts';
import type { StreamResponse } from './stream-response.ts';
import { mutateResponse } from './response-mutation.ts';
import type { StreamOwner } from './stream-owner.ts';

const log = logger('http');

export class ResponseWriter {
  readonly #stream: StreamResponse;
  readonly #owner: StreamOwner;
  readonly #encoder: ResponseEncoder;
  #observer: IoObserver | null = null;
  #closes = false;
  headersSent = false;

  constructor(stream: StreamResponse, owner: StreamOwner, encoder: ResponseEncoder) {
    this.#stream = stream;
    this.#owner = owner;
    this.#encoder = encoder;
  }

  informational(headers: HeaderMap): void {
    this.#observe();
    this.#stream.info.responseCode = headers.status;
    this.#encoder.encodeInformational(headers);
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    const stream = this.#stream;
    const { config, connection } = this.#owner;
    const tunnel = stream.upgrading && (headers.status === 101 || stream.request?.method === 'CONNECT');
    this.#closes = this.#decideClose(tunnel);
    // The encoder of a tunnel's head names the protocol from the field, the entry is hop-by-hop.
    if (tunnel && headers.protocol === '') headers.protocol = headers.get('upgrade') ?? '';
    mutateResponse(
      headers,
      { settings: config.settings, date: config.date, request: stream.request },
      this.#closes && !tunnel,
    );
    if (log.debugOn) {
      const what = `encoding headers via codec (end_stream=${endStream})`;
      log.debug(`${streamMark(connection.id, stream.id)} ${what}: ${headers.status}`);
    }
    stream.onResponseHeaders(headers);
    this.#observe();
    const before = connection.writePosition;
    this.headersSent = true;
    if (endStream) stream.beforeResponseEnd();
    this.#encoder.encodeHeaders(headers, endStream);
    stream.info.responseHeaderBytes = connection.writePosition - before;
    if (endStream) this.#end();
  }

  data(bytes: Bytes, endStream: boolean): void {
    this.#stream.info.bytesSent += lengthOf(bytes);
    if (endStream) this.#stream.beforeResponseEnd();
    this.#encoder.encodeData(bytes, endStream);
    if (endStream) this.#end();
  }

  trailers(trailers: HeaderMap): void {
    this.#stream.beforeResponseEnd();
    this.#encoder.encodeTrailers(trailers);
    this.#end();
  }

  /** HTTP/1: an answer to a request that is still coming leaves nothing to go on with, whoever made it. */
  #decideClose(tunnel: boolean): boolean {
    const stream = this.#stream;
    const { config, protocol } = this.#owner;
    if (protocol === 'HTTP/2') return false;
    let close = this.#owner.lastExchange || stream.clientCloses;
    if (!stream.requestComplete && !tunnel) {
      config.stats.rq.responseBeforeComplete.inc();
      close = true;
    }
    if (!close && config.drain.draining) {
      config.stats.cx.drainClose.inc();
      close = true;
    }
    return close || tunnel;
  }

  #observe(): void {
    if (this.#observer !== null) return;
    this.#observer = this.#stream.info.writeObserver('downstreamWrite');
    this.#owner.connection.observeWrites(this.#observer);
  }

  #end(): void {
    if (this.#observer !== null) this.#owner.connection.endObserveWrites(this.#observer);
    this.#stream.onResponseEnd();
    if (this.#closes || this.#owner.codecCloses) this.#owner.closeAfterExchange();
  }
}
