/**
 * What one HTTP filter of one stream may ask for: the callbacks of both directions (`api/http.ts`), handed on to the stream.
 *
 * After the stream's end every method is inert: a filter that answers late (a promise, an upstream) can do no harm.
 */
import type { Bytes, ByteQueue } from '../api/bytes.ts';
import type { Dispatcher } from '../api/event.ts';
import type {
  DecoderFilterCallbacks,
  DownstreamWatermarkCallbacks,
  EncoderFilterCallbacks,
  HeaderMap,
  RouteMatch,
  StreamFilter,
} from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { StreamInfo } from '../api/observe.ts';
import type { FilterManager } from './filter-manager.ts';
import type { FilterSide } from './filter-side.ts';
import type { StreamWork, UpstreamWait } from './stream-work.ts';

/** What the callbacks of a filter ask of the stream. */
export interface FilterCallbacksHost {
  readonly dispatcher: Dispatcher;
  readonly connection: Connection;
  readonly info: StreamInfo;
  readonly id: number;
  readonly request: HeaderMap | null;
  readonly response: HeaderMap | null;
  readonly route: RouteMatch | null;
  readonly work: StreamWork;
  readonly over: boolean;
  clearRouteCache(): void;
  resetStream(): void;
  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void;
  respondInformational(headers: HeaderMap): void;
  respondHeaders(headers: HeaderMap, endStream: boolean): void;
  respondData(bytes: Bytes, endStream: boolean): void;
  respondTrailers(trailers: HeaderMap): void;
  pauseDownstream(): void;
  resumeDownstream(): void;
  addWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
  removeWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
}

export class FilterCallbacks implements DecoderFilterCallbacks, EncoderFilterCallbacks {
  readonly filter: StreamFilter;
  readonly next: FilterCallbacks | null;
  decodeSide: FilterSide | null = null;
  encodeSide: FilterSide | null = null;
  readonly #stream: FilterCallbacksHost;
  readonly #manager: FilterManager;

  constructor(
    stream: FilterCallbacksHost,
    manager: FilterManager,
    filter: StreamFilter,
    next: FilterCallbacks | null,
  ) {
    this.#stream = stream;
    this.#manager = manager;
    this.filter = filter;
    this.next = next;
  }

  get dispatcher(): Dispatcher {
    return this.#stream.dispatcher;
  }

  get connection(): Connection {
    return this.#stream.connection;
  }

  get info(): StreamInfo {
    return this.#stream.info;
  }

  get streamId(): number {
    return this.#stream.id;
  }

  get requestHeaders(): HeaderMap | null {
    return this.#stream.request;
  }

  get responseHeaders(): HeaderMap | null {
    return this.#stream.response;
  }

  get route(): RouteMatch | null {
    return this.#stream.route;
  }

  get decodingBuffer(): ByteQueue | null {
    return this.decodeSide?.held ?? null;
  }

  get encodingBuffer(): ByteQueue | null {
    return this.encodeSide?.held ?? null;
  }

  get decoderBufferLimit(): number {
    return this.#manager.decode.limit;
  }

  /** Raising one direction raises the other with it, as in Envoy (`envoy-reference.md` section 14). */
  set decoderBufferLimit(bytes: number) {
    this.#manager.decode.limit = bytes;
    if (isMore(bytes, this.#manager.encode.limit)) this.#manager.encode.limit = bytes;
  }

  get encoderBufferLimit(): number {
    return this.#manager.encode.limit;
  }

  set encoderBufferLimit(bytes: number) {
    this.#manager.encode.limit = bytes;
    if (isMore(bytes, this.#manager.decode.limit)) this.#manager.decode.limit = bytes;
  }

  perRouteConfig(filterName: string): unknown {
    return this.#stream.route?.settings?.perFilterConfig(filterName);
  }

  clearRouteCache(): void {
    this.#stream.clearRouteCache();
  }

  resetStream(): void {
    if (!this.#stream.over) this.#stream.resetStream();
  }

  continueDecoding(): void {
    if (this.#stream.over || this.decodeSide === null) return;
    this.#stream.work.begin();
    this.#manager.decode.continueAt(this.decodeSide);
    this.#stream.work.end();
  }

  continueEncoding(): void {
    if (this.#stream.over || this.encodeSide === null) return;
    this.#stream.work.begin();
    this.#manager.encode.continueAt(this.encodeSide);
    this.#stream.work.end();
  }

  injectDecodedData(bytes: Bytes, endStream: boolean): void {
    if (this.#stream.over || this.decodeSide === null) return;
    this.#stream.work.begin();
    this.#manager.decode.inject(this.decodeSide, bytes, endStream);
    this.#stream.work.end();
  }

  injectEncodedData(bytes: Bytes, endStream: boolean): void {
    if (this.#stream.over || this.encodeSide === null) return;
    this.#stream.work.begin();
    this.#manager.encode.inject(this.encodeSide, bytes, endStream);
    this.#stream.work.end();
  }

  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void {
    if (this.#stream.over) return;
    this.#stream.work.begin();
    this.#stream.sendLocalReply(status, body, details, modify);
    this.#stream.work.end();
  }

  encodeInformational(headers: HeaderMap): void {
    if (!this.#stream.over) this.#stream.respondInformational(headers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (!this.#stream.over) this.#stream.respondHeaders(headers, endStream);
  }

  encodeData(bytes: Bytes, endStream: boolean): void {
    if (!this.#stream.over) this.#stream.respondData(bytes, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (!this.#stream.over) this.#stream.respondTrailers(trailers);
  }

  onDecoderFilterAboveWriteBufferHighWatermark(): void {
    if (!this.#stream.over) this.#stream.pauseDownstream();
  }

  onDecoderFilterBelowWriteBufferLowWatermark(): void {
    if (!this.#stream.over) this.#stream.resumeDownstream();
  }

  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    if (!this.#stream.over) this.#stream.addWatermarkCallbacks(callbacks);
  }

  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.#stream.removeWatermarkCallbacks(callbacks);
  }

  setUpstreamWait(segment: UpstreamWait): void {
    this.#stream.work.setUpstreamWait(segment);
  }

  enterWork(at: number, lateMs: number): void {
    this.#stream.work.begin(at, lateMs);
  }

  leaveWork(): void {
    this.#stream.work.end();
  }
}

/** 0 = no limit, which is more than every number. */
function isMore(bytes: number, limit: number): boolean {
  return limit !== 0 && (bytes === 0 || bytes > limit);
}
