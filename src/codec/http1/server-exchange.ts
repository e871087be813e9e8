/**
 * One request and its response on a downstream connection: the response's encoder and the stream that filters see.
 *
 * Made by the server codec at the first byte of a request, dead when both directions ended or it was reset; calls that come
 * later are ignored. It owns the response's framing; when the connection may go on is the codec's (`ServerExchangeOwner`).
 */
import type { Bytes } from '../../api/bytes.ts';
import type { HeaderMap, RequestDecoder, ResetReason, ResponseEncoder } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';
import { invariant } from '../../base/invariant.ts';
import { HeaderList } from '../header-map.ts';
import { BodyWriter, type BodyFraming } from './body-writer.ts';
import { ExchangeStream } from './exchange-stream.ts';
import { announcedLength } from './head-facts.ts';
import {
  appendFields,
  asksToClose,
  CHUNKED,
  CONNECTION_CLOSE,
  CONNECTION_KEEP_ALIVE,
  LENGTH_ZERO,
  upgradeFields,
} from './head-text.ts';
import type { Http1ServerSettings } from './settings.ts';
import { statusLine } from './status-line.ts';

/** What an exchange tells its codec. */
export interface ServerExchangeOwner {
  readonly connection: Connection;
  readonly settings: Http1ServerSettings;
  /** The connection cannot be kept behind this response. */
  shouldClose: boolean;
  /** The switch was granted: what the client sends from here on is raw. */
  onSwitched(exchange: ServerExchange): void;
  onResponseEnd(exchange: ServerExchange): void;
  onLocalReset(exchange: ServerExchange): void;
}

/** `waiting`: no head written. `body`: head written. `ended`: response complete. `dead`: reset, either side. */
export type ResponseState = 'waiting' | 'body' | 'ended' | 'dead';

export class ServerExchange extends ExchangeStream implements ResponseEncoder {
  decoder: RequestDecoder | null = null;
  responseState: ResponseState = 'waiting';
  requestEnded = false;
  /** Set from the request head; before it, as for a request that is refused. */
  minor = 1;
  keepAlive = false;
  head = false;
  switching: 'none' | 'upgrade' | 'connect' = 'none';
  readonly #owner: ServerExchangeOwner;
  readonly #body: BodyWriter;

  constructor(owner: ServerExchangeOwner) {
    super(owner.connection);
    this.#owner = owner;
    this.#body = new BodyWriter(owner.connection);
  }

  /** Both directions are raw. */
  get tunnelled(): boolean {
    return this.#body.framing === 'tunnel';
  }

  encodeInformational(headers: HeaderMap): void {
    // RFC 9110, 15.2: never to an HTTP/1.0 client.
    if (this.responseState !== 'waiting' || this.minor === 0) return;
    invariant(
      headers.status >= 100 && headers.status < 200 && headers.status !== 101,
      'informational status',
    );
    const line = statusLine(1, headers.status);
    const format = this.#owner.settings.headerKeyFormat;
    this.connection.writeText(`${appendFields(line, HeaderList.of(headers), format, false)}\r\n\r\n`);
  }

  protected get dead(): boolean {
    return this.responseState === 'dead';
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.responseState !== 'waiting') return;
    const { status } = headers;
    invariant(Number.isInteger(status) && status >= 101 && status <= 999, 'final status');
    const list = HeaderList.of(headers);
    this.responseState = 'body';
    this.#writeHead(list, status, endStream);
    if (this.#body.framing === 'tunnel') this.#owner.onSwitched(this);
    if (endStream) {
      this.#body.finish();
      this.#end();
    }
  }

  encodeData(bytes: Bytes, endStream: boolean): void {
    if (this.responseState !== 'body') return;
    this.#body.write(bytes, endStream);
    if (endStream) this.#end();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.responseState !== 'body') return;
    const { enableTrailers, headerKeyFormat } = this.#owner.settings;
    this.#body.finishWith(enableTrailers ? HeaderList.of(trailers) : null, headerKeyFormat);
    this.#end();
  }

  resetStream(_reason: ResetReason): void {
    if (this.responseState === 'dead') return;
    const torn = this.responseState === 'body' && this.#body.framing === 'raw';
    this.kill();
    this.#owner.onLocalReset(this);
    // A body that ends with the connection would look complete: only a RST tells.
    this.connection.close(torn ? 'reset' : 'flush');
  }

  /** Over: nothing more is written, and pauses that nobody will end are ended. */
  kill(): void {
    this.responseState = 'dead';
    this.release();
  }

  #writeHead(list: HeaderList, status: number, endStream: boolean): void {
    const owner = this.#owner;
    const format = owner.settings.headerKeyFormat;
    const length = announcedLength(list);
    const framing = this.#frame(status, length, endStream);
    const line = statusLine(this.minor, status);
    // RFC 9110, 8.6: no length in 1xx, 204 and answers to CONNECT; one beside chunked never.
    const keepLength = length >= 0 && (framing === 'sized' || (framing === 'none' && status !== 204));
    let text = appendFields(line, list, format, keepLength);
    if (framing === 'chunked') text += CHUNKED.text(format);
    else if (framing === 'sized' && length < 0) text += LENGTH_ZERO.text(format);
    if (framing === 'tunnel') {
      owner.shouldClose = true;
      if (this.switching === 'upgrade')
        text += upgradeFields(list.protocol || (list.get('upgrade') ?? ''), format);
    } else {
      if (this.switching !== 'none' || framing === 'raw' || asksToClose(list)) owner.shouldClose = true;
      if (endStream && !this.requestEnded && this.switching === 'none') owner.shouldClose = true;
      if (owner.shouldClose) text += CONNECTION_CLOSE.text(format);
      else if (this.minor === 0) text += CONNECTION_KEEP_ALIVE.text(format);
    }
    this.connection.writeText(`${text}\r\n\r\n`);
  }

  /** RFC 9112, 6.3, seen from the sender. */
  #frame(status: number, length: number, endStream: boolean): BodyFraming {
    const body = this.#body;
    if (this.switching === 'upgrade' && status === 101) body.framing = 'tunnel';
    else if (this.switching === 'connect' && status >= 200 && status < 300) body.framing = 'tunnel';
    else if (this.head || status === 204 || status === 304) body.framing = 'none';
    else if (length >= 0) {
      body.framing = 'sized';
      body.remaining = length;
    } else if (endStream) body.framing = 'sized';
    else body.framing = this.minor === 0 ? 'raw' : 'chunked';
    invariant(status !== 101 || body.framing === 'tunnel', '101 answers an upgrade');
    return body.framing;
  }

  #end(): void {
    if (this.#body.broken) this.#owner.shouldClose = true;
    this.responseState = 'ended';
    this.#owner.onResponseEnd(this);
  }
}
