/**
 * Codecs on a fake connection whose every call is written down as one line, for tests that compare whole courses of events.
 * `joined` merges what only differs by where reads were cut: body pieces and wire counts.
 */
import type { Bytes } from '../../src/api/bytes.ts';
import type {
  HeaderMap,
  RequestDecoder,
  RequestEncoder,
  ResponseDecoder,
  ResponseEncoder,
} from '../../src/api/http.ts';
import type { Mark } from '../../src/api/observe.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { Http1ClientCodec } from '../../src/codec/http1/client-codec.ts';
import { Http1ServerCodec } from '../../src/codec/http1/server-codec.ts';
import {
  http1ClientSettings,
  http1ServerSettings,
  type Http1ClientSettings,
  type Http1ServerSettings,
} from '../../src/codec/http1/settings.ts';
import { FakeConnection } from '../support/fake-connection.ts';

/** What one message brought. */
export class Message implements RequestDecoder, ResponseDecoder {
  head: HeaderMap | null = null;
  /** `decodeHeaders` said that it ends there. */
  headOnly = false;
  body = '';
  bodyPieces = 0;
  trailers: HeaderMap | null = null;
  ended = false;
  marks = '';
  wireBytes = 0;
  reply: string | null = null;
  reset: string | null = null;
  informational: number[] = [];
  readonly onPart: (message: Message, part: 'head' | 'data' | 'end' | 'reply') => void;

  constructor(onPart: (message: Message, part: 'head' | 'data' | 'end' | 'reply') => void = () => {}) {
    this.onPart = onPart;
  }

  onWire(mark: Mark | null, bytes: number): void {
    this.wireBytes += bytes;
    if (mark !== null && !this.marks.endsWith(mark)) this.marks += mark;
  }

  decodeInformational(headers: HeaderMap): void {
    this.informational.push(headers.status);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.head !== null) throw new Error('two heads');
    this.head = headers;
    this.headOnly = endStream;
    this.onPart(this, 'head');
    if (endStream) this.#end();
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    if (this.head === null || this.ended) throw new Error('data outside of a message');
    if (bytes.end === bytes.start && !endStream) throw new Error('empty data');
    this.body += bytes.block.buffer.toString('latin1', bytes.start, bytes.end);
    this.bodyPieces += 1;
    this.onPart(this, 'data');
    if (endStream) this.#end();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.trailers = trailers;
    this.#end();
  }

  sendCodecReply(status: number, body: string, flag: string | null, details: string): void {
    this.reply = `${status} ${details} ${flag ?? '-'} ${body}`;
    this.onPart(this, 'reply');
  }

  #end(): void {
    if (this.ended) throw new Error('two ends');
    this.ended = true;
    this.onPart(this, 'end');
  }

  /** Everything that must not depend on how reads were cut. */
  get summary(): string {
    return [
      fieldsOf(this.head),
      this.headOnly ? 'head only' : '',
      `body ${JSON.stringify(this.body)}`,
      this.trailers === null ? '' : `trailers ${fieldsOf(this.trailers)}`,
      this.ended ? 'ended' : 'open',
      this.marks,
      `wire ${this.wireBytes}`,
      this.informational.join(),
      this.reply ?? '',
      this.reset ?? '',
    ].join(' · ');
  }
}

export function fieldsOf(headers: HeaderMap | null): string {
  if (headers === null) return 'no head';
  const lines: string[] = [];
  for (let index = 0; index < headers.size; index += 1) {
    lines.push(`${headers.originalNameAt(index)}=${headers.valueAt(index)}`);
  }
  const { method, path, authority, scheme, protocol, status } = headers;
  return [method, path, authority, scheme, protocol, status, ...lines].join('|');
}

/** A server codec that answers each request as it is told; `auto`: 200 without a body at the request's end. */
export class ServerSide {
  readonly connection = new FakeConnection('downstream');
  readonly codec: Http1ServerCodec;
  readonly requests: Message[] = [];
  readonly encoders: ResponseEncoder[] = [];
  failure = '';

  constructor(settings: Partial<Http1ServerSettings> = {}, auto = true) {
    this.codec = new Http1ServerCodec({
      connection: this.connection,
      settings: http1ServerSettings(settings),
      stats: null,
      callbacks: {
        newStream: (encoder) => {
          const request = new Message((message, part) => {
            if (auto && (part === 'end' || part === 'reply') && message.reset === null) {
              const status = message.reply === null ? 200 : Number(message.reply.slice(0, 3));
              encoder.encodeHeaders(HeaderList.response(status), true);
            }
          });
          encoder.stream.addCallbacks({
            onResetStream: (reason, details) => {
              request.reset = `${reason} ${details}`;
            },
            onAboveWriteBufferHighWatermark: () => {},
            onBelowWriteBufferLowWatermark: () => {},
          });
          this.requests.push(request);
          this.encoders.push(encoder);
          return request;
        },
      },
    });
    this.connection.addReadFilter({
      onNewConnection: () => 'continue',
      initializeReadFilterCallbacks: () => {},
      onData: (data) => {
        const result = this.codec.dispatch(data);
        if (!result.ok) this.failure = result.details;
        return 'stop';
      },
    });
  }

  /** Feeds the text in pieces of the given size and lets posted work run. */
  feed(text: string, size = text.length): this {
    for (let at = 0; at < text.length; at += size) {
      this.connection.receive(text.slice(at, at + size));
      this.connection.dispatcher.run();
    }
    return this;
  }

  feedCutAt(text: string, cut: number): this {
    return this.feed(text.slice(0, cut)).feed(text.slice(cut));
  }

  get first(): Message {
    return at(this.requests, 0);
  }

  encoder(index = 0): ResponseEncoder {
    return at(this.encoders, index);
  }

  get summary(): string {
    return [...this.requests.map((request) => request.summary), `failure ${this.failure}`].join('\n');
  }
}

/** A client codec with one request under way. */
export class ClientSide {
  readonly connection = new FakeConnection('upstream');
  readonly codec: Http1ClientCodec;
  readonly responses: Message[] = [];
  failure = '';

  constructor(settings: Partial<Http1ClientSettings> = {}) {
    this.codec = new Http1ClientCodec({
      connection: this.connection,
      settings: http1ClientSettings(settings),
    });
    this.connection.addReadFilter({
      onNewConnection: () => 'continue',
      initializeReadFilterCallbacks: () => {},
      onData: (data) => {
        const result = this.codec.dispatch(data);
        if (!result.ok) this.failure = result.details;
        return 'stop';
      },
    });
  }

  send(method = 'GET', prepare: (headers: HeaderList) => void = () => {}, endStream = true): RequestEncoder {
    const response = new Message();
    this.responses.push(response);
    const encoder = this.codec.newStream(response);
    encoder.stream.addCallbacks({
      onResetStream: (reason, details) => {
        response.reset = `${reason} ${details}`;
      },
      onAboveWriteBufferHighWatermark: () => {},
      onBelowWriteBufferLowWatermark: () => {},
    });
    const headers = HeaderList.request(method, '/', 'up.test');
    prepare(headers);
    encoder.encodeHeaders(headers, endStream);
    return encoder;
  }

  feed(text: string, size = text.length): this {
    for (let from = 0; from < text.length; from += size) {
      this.connection.receive(text.slice(from, from + size));
      this.connection.dispatcher.run();
    }
    return this;
  }

  /** The peer sends FIN. */
  end(): this {
    this.connection.receiveEnd();
    this.codec.onConnectionEnd('connection termination');
    return this;
  }

  get last(): Message {
    return at(this.responses, this.responses.length - 1);
  }

  get summary(): string {
    return `${this.last.summary}\nfailure ${this.failure} close ${this.codec.closeAfterStream} active ${this.codec.activeStreams}`;
  }
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index} of ${list.length}`);
  return item;
}

/** `\n` written for CR LF, to keep tables readable. */
export function wire(text: string): string {
  return text.replaceAll('\n', '\r\n');
}
