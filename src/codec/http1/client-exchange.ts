/**
 * One request on an upstream connection: the request's encoder and the stream that the router sees.
 *
 * Made by the client codec's `newStream`, over when request and response both ended or it was reset; later calls are ignored.
 * It owns the request's framing and the watermark subscribers of its turn on the connection.
 */
import type { Bytes } from '../../api/bytes.ts';
import type { HeaderMap, RequestEncoder, ResetReason, ResponseDecoder } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';
import { invariant } from '../../base/invariant.ts';
import { checkText, HeaderList } from '../header-map.ts';
import { headerName } from '../header-name.ts';
import { BodyWriter } from './body-writer.ts';
import { ExchangeStream } from './exchange-stream.ts';
import { announcedLength } from './head-facts.ts';
import {
  appendFields,
  asksToClose,
  CHUNKED,
  CONNECTION_CLOSE,
  LENGTH_ZERO,
  upgradeFields,
} from './head-text.ts';
import type { HeaderKeyFormat, Http1ClientSettings } from './settings.ts';

export interface ClientExchangeOwner {
  readonly connection: Connection;
  readonly settings: Http1ClientSettings;
  onRequestClose(): void;
  onRequestEnd(exchange: ClientExchange): void;
  onLocalReset(exchange: ClientExchange): void;
}

/** `new`: nothing written. `body`: head written. `ended`: request complete. `dead`: reset, or both directions done. */
export type RequestState = 'new' | 'body' | 'ended' | 'dead';

export class ClientExchange extends ExchangeStream implements RequestEncoder {
  readonly decoder: ResponseDecoder;
  requestState: RequestState = 'new';
  responseEnded = false;
  /** What decides about the response's body: see RFC 9112, 6.3. */
  head = false;
  switching: 'none' | 'upgrade' | 'connect' = 'none';
  readonly #owner: ClientExchangeOwner;
  readonly #body: BodyWriter;

  constructor(owner: ClientExchangeOwner, decoder: ResponseDecoder) {
    super(owner.connection);
    this.#owner = owner;
    this.decoder = decoder;
    this.#body = new BodyWriter(owner.connection);
  }

  protected get dead(): boolean {
    return this.requestState === 'dead';
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.requestState !== 'new') return;
    this.requestState = 'body';
    this.#writeHead(HeaderList.of(headers), endStream);
    if (!endStream) return;
    this.#body.finish();
    this.#end();
  }

  encodeData(bytes: Bytes, endStream: boolean): void {
    if (this.requestState !== 'body') return;
    this.#body.write(bytes, endStream);
    if (endStream) this.#end();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.requestState !== 'body') return;
    const { enableTrailers, headerKeyFormat } = this.#owner.settings;
    this.#body.finishWith(enableTrailers ? HeaderList.of(trailers) : null, headerKeyFormat);
    this.#end();
  }

  resetStream(_reason: ResetReason): void {
    if (this.requestState === 'dead') return;
    this.kill();
    this.#owner.onLocalReset(this);
    this.connection.close('abort');
  }

  /** Over: nothing more is written, and pauses that nobody will end are ended. */
  kill(): void {
    this.requestState = 'dead';
    this.release();
  }

  /** The server refused the switch: the request has no raw bytes to come. */
  refuseSwitch(): void {
    this.#body.framing = 'none';
    if (this.requestState === 'body') this.#end();
  }

  #writeHead(list: HeaderList, endStream: boolean): void {
    const format = this.#owner.settings.headerKeyFormat;
    const { method } = list;
    if (method !== list.checkedMethod || method === '') checkLinePart(method);
    if (list.authority !== list.checkedAuthority) checkText(list.authority);
    this.head = method === 'HEAD';
    const target = method === 'CONNECT' ? list.authority : list.path;
    if (target !== list.checkedPath || target === '') checkLinePart(target);
    const line = `${method} ${target} HTTP/1.1${hostField(list, format)}${list.authority}`;
    const length = announcedLength(list);
    const keepLength = this.#frame(list, length, endStream);
    let text = appendFields(line, list, format, keepLength);
    if (this.#body.framing === 'chunked') text += CHUNKED.text(format);
    else if (endStream && length < 0 && expectsBody(method)) text += LENGTH_ZERO.text(format);
    if (this.switching === 'upgrade') text += upgradeFields(list.protocol, format);
    else if (asksToClose(list)) {
      this.#owner.onRequestClose();
      text += CONNECTION_CLOSE.text(format);
    }
    this.connection.writeText(`${text}\r\n\r\n`);
  }

  /** True: the Content-Length of the map goes out. */
  #frame(list: HeaderList, length: number, endStream: boolean): boolean {
    const body = this.#body;
    if (list.method === 'CONNECT') this.switching = 'connect';
    else if (list.protocol !== '') this.switching = 'upgrade';
    if (this.switching !== 'none') {
      body.framing = 'tunnel';
      return false;
    }
    if (length >= 0) {
      body.framing = 'sized';
      body.remaining = length;
      return true;
    }
    body.framing = endStream ? 'none' : 'chunked';
    return false;
  }

  #end(): void {
    if (this.#body.broken) this.#owner.onRequestClose();
    this.requestState = 'ended';
    this.#owner.onRequestEnd(this);
  }
}

const HOST = headerName('host');

function hostField(list: HeaderList, format: HeaderKeyFormat): string {
  if (format === 'lower') return HOST.lowerField;
  if (format === 'proper-case') return HOST.properField;
  return list.hostSpelling === '' ? HOST.lowerField : headerName(list.hostSpelling).wireField;
}

/** A method or target: one word, or the request line would have more. */
function checkLinePart(text: string): void {
  checkText(text);
  invariant(text !== '' && !text.includes(' '), 'method and path of a request are one word each');
}

/** Methods whose request a server expects to have a body: without one they say so (RFC 9110, 8.6). */
function expectsBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}
