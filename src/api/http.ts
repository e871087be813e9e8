/**
 * L7: header maps, codecs, streams and HTTP filters.
 *
 *   downstream bytes -> ServerCodec -> RequestDecoder (a stream of the connection manager)
 *        -> decode filters in order -> router -> RequestEncoder (ClientCodec) -> upstream bytes
 *   upstream bytes -> ClientCodec -> ResponseDecoder (the router)
 *        -> encode filters in reverse -> ResponseEncoder (ServerCodec) -> downstream bytes
 */
import type { Bytes, ByteQueue } from './bytes.ts';
import type { AccessLog } from './envoy.ts';
import type { Connection } from './network.ts';
import type { AccessLogs, Mark, Segment, ResponseFlag, StreamInfo } from './observe.ts';
import type { Dispatcher, Timer } from './event.ts';
import type { StatsScope } from './stats.ts';
import type { ClusterManager } from './upstream.ts';

/**
 * Headers in order of arrival, duplicates kept. Names are lower-case; the original spelling stands beside it.
 * Pseudo headers (`:method`, `:path`, `:authority`, `:scheme`, `:protocol`, `:status`) are fields of the map, not entries:
 * `get(':path')` reads the field, `set(':path', …)` writes it, iteration does not show them. `host` of HTTP/1 is `:authority`.
 */
export interface HeaderMap {
  method: string;
  path: string;
  authority: string;
  scheme: string;
  /** Upgrade token of HTTP/1, `:protocol` of HTTP/2; '' = none. */
  protocol: string;
  /** 0 in a request. */
  status: number;
  /** Number of entries. */
  readonly size: number;
  nameAt(index: number): string;
  /** The spelling on the wire. */
  originalNameAt(index: number): string;
  valueAt(index: number): string;
  /** First value, `null` if absent. `name` must be lower-case. */
  get(name: string): string | null;
  /** All values joined by `, ` (set-cookie: by newline is wrong, use `getAll`), `null` if absent. */
  getJoined(name: string): string | null;
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Appends an entry. */
  add(name: string, value: string): void;
  /** Replaces all entries of the name with one, at the place of the first. */
  set(name: string, value: string): void;
  /** Number of entries removed. */
  remove(name: string): number;
  clone(): HeaderMap;
  /** Bytes on the wire of the head that it was decoded from; 0 for one of our own. */
  byteSize: number;
}

/** Why a stream ended before its time; text in local replies and details is this with spaces. */
export type ResetReason =
  | 'local reset'
  | 'local refused stream reset'
  | 'remote reset'
  | 'remote refused stream reset'
  | 'local connection failure'
  | 'remote connection failure'
  | 'connection timeout'
  | 'connection termination'
  | 'overflow'
  | 'protocol error'
  | 'overload manager reset'
  | 'remote error with CONNECT request';

/** A stream of a codec, either direction. */
export interface CodecStream {
  readonly connection: Connection;
  /** Ends the stream now. HTTP/1: closes the connection. The peer callback `onResetStream` is not called for own resets. */
  resetStream(reason: ResetReason): void;
  /** Counted; stops the codec giving body of this stream (HTTP/1: the connection's reads). */
  readDisable(disable: boolean): void;
  addCallbacks(callbacks: StreamCallbacks): void;
  removeCallbacks(callbacks: StreamCallbacks): void;
}

export interface StreamCallbacks {
  /** The peer or the connection ended the stream. `details` goes to the log (`http1.codec_error`, …). */
  onResetStream(reason: ResetReason, details: string): void;
  /** The connection's write buffer crossed its watermarks. Edges; replayed to late subscribers that missed a high. */
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** Told by a codec of the wire bytes of a message, before the callback of the part that they complete. */
export interface WireObserver {
  /** `mark`: the part that comes next (`E` only for a message that had a body); null: the read ended inside a part. */
  onWire(mark: Mark | null, bytes: number): void;
}

/** Takes the request. Called by the server codec; all calls of one stream in this order. */
export interface RequestDecoder extends WireObserver {
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  /** `bytes` is body without framing; valid until the end of the turn. May be empty only with `endStream`. */
  decodeData(bytes: Bytes, endStream: boolean): void;
  /** Ends the request. */
  decodeTrailers(trailers: HeaderMap): void;
  /** The codec refused the message: the connection manager sends this reply and the codec takes no more bytes. */
  sendCodecReply(status: number, body: string, flag: ResponseFlag | null, details: string): void;
}

export interface ResponseEncoder {
  readonly stream: CodecStream;
  /** 100, 102, 103. */
  encodeInformational(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Bytes, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
}

export interface ResponseDecoder extends WireObserver {
  /** 1xx other than 101. */
  decodeInformational(headers: HeaderMap): void;
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeData(bytes: Bytes, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
}

export interface RequestEncoder {
  readonly stream: CodecStream;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Bytes, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
}

/** Told of each new request, at its first byte (the head need not be complete). Never called while an earlier request of an HTTP/1 connection is unanswered. */
export interface ServerCodecCallbacks {
  newStream(encoder: ResponseEncoder): RequestDecoder;
}

export interface Codec {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  /**
   * Drains from `data` what it can use now. HTTP/1 leaves bytes only behind a message whose exchange is not over
   * (pipelining): it has called `readDisable(true)` then. `ok` false: the connection is beyond repair, the reply (server)
   * or reset (client) has been given to the stream; `details` says why. Close it (server: when the reply has gone).
   */
  dispatch(data: ByteQueue): { readonly ok: boolean; readonly details: string };
  /** The peer sent FIN (`clean`) or the connection broke. Streams are reset or, read-until-close, completed. */
  onConnectionEnd(reason: ResetReason): void;
}

export interface ServerCodec extends Codec {
  /** HTTP/1: the connection cannot go on behind the current response; close it when that has gone. */
  readonly shouldClose: boolean;
}

export interface ClientCodec extends Codec {
  /** HTTP/1: at most one at a time. */
  newStream(decoder: ResponseDecoder): RequestEncoder;
  /** After the exchange the connection cannot be used again (`connection: close`, read until close, upgrade, error). */
  readonly closeAfterStream: boolean;
  /** Streams on it now. */
  readonly activeStreams: number;
  /**
   * Set by the pool, null before. Call it when an exchange ends outside of `dispatch` and leaves the connection open (the
   * request's last byte was encoded after the whole response had come). Inside `dispatch` no call is needed: the pool
   * looks at `activeStreams` when it returns.
   */
  onStreamEnd: (() => void) | null;
}

export type FilterHeadersStatus = 'continue' | 'stop' | 'stop-all-and-buffer' | 'stop-all-and-watermark';
export type FilterDataStatus = 'continue' | 'stop-and-buffer' | 'stop-and-watermark' | 'stop-no-buffer';
export type FilterTrailersStatus = 'continue' | 'stop';

/**
 * Request side of an HTTP filter. `stop`: filters behind it wait for `continueDecoding()`; body that arrives meanwhile goes
 * to this filter. `stop-and-buffer`: body is kept up to the limit (413 beyond), `stop-and-watermark`: body is kept and the
 * source is paused. A method that is absent means `continue`.
 */
export interface StreamDecoderFilter {
  decodeHeaders?(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  decodeData?(bytes: Bytes, endStream: boolean): FilterDataStatus;
  decodeTrailers?(trailers: HeaderMap): FilterTrailersStatus;
  setDecoderFilterCallbacks?(callbacks: DecoderFilterCallbacks): void;
  /** While it stops, it waits for more body and nothing else: the ledger then blames the sender, not the filter. */
  readonly waitsForBody?: boolean;
  /** The stream is over: release timers and requests of your own. Exactly once. */
  onDestroy?(): void;
}

export interface StreamEncoderFilter {
  encodeInformational?(headers: HeaderMap): void;
  encodeHeaders?(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  encodeData?(bytes: Bytes, endStream: boolean): FilterDataStatus;
  encodeTrailers?(trailers: HeaderMap): FilterTrailersStatus;
  setEncoderFilterCallbacks?(callbacks: EncoderFilterCallbacks): void;
  onDestroy?(): void;
}

export type StreamFilter = StreamDecoderFilter & StreamEncoderFilter;

/** What every filter may see and do, either side. */
export interface StreamFilterCallbacks {
  readonly dispatcher: Dispatcher;
  readonly connection: Connection;
  readonly info: StreamInfo;
  readonly streamId: number;
  /** Request head as the filters see it; null before it arrived. */
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  /** Chosen route of the stream; null when none matched or before headers. Filters read per-route settings from it. */
  readonly route: RouteMatch | null;
  /** A filter that changed what routing looks at asks for a new choice. */
  clearRouteCache(): void;
  resetStream(): void;
  /** Per-route configuration of a filter, by its name in the chain; most specific wins whole. */
  perRouteConfig(filterName: string): unknown;
}

/** Opaque to everyone but the router. */
export interface RouteMatch {
  readonly routeName: string;
  readonly virtualHostName: string;
  /** What the connection manager reads of a route; a route of our own always says all of it. */
  readonly settings?: RouteSettings;
}

export interface RouteSettings {
  /** `typed_per_filter_config` by filter name; the most specific level (weighted cluster, route, vhost, table) wins whole. */
  perFilterConfig(filterName: string): unknown;
  /** Stream idle timeout of the route in ms: -1 = not set (the connection manager's holds), 0 = off. */
  readonly idleTimeoutMs: number;
  /** Whole life of the stream in ms: -1 = not set, 0 = off. */
  readonly maxStreamDurationMs: number;
  /** The route's word on an upgrade token (any case): null = it says nothing, the connection manager's list holds. */
  upgradeEnabled(token: string): boolean | null;
}

/** A compiled route configuration. The connection manager asks it once per request (and after `clearRouteCache`). */
export interface RouteTable {
  readonly name: string;
  /** `random` uniform in [0, 1): decides weighted clusters and fractions. Null: no route. */
  match(headers: HeaderMap, random: number): RouteMatch | null;
}

export interface DecoderFilterCallbacks extends StreamFilterCallbacks {
  continueDecoding(): void;
  /** Body kept for this filter while it stopped; null = none. */
  readonly decodingBuffer: ByteQueue | null;
  /** Gives body to the filters behind this one, as if it had arrived now (in front of what is buffered: no). */
  injectDecodedData(bytes: Bytes, endStream: boolean): void;
  /** Body limit of the decoding buffer in bytes; a filter may raise it. */
  decoderBufferLimit: number;
  /**
   * Answers the request here: goes through the encode filters, ends the stream. If response headers already went out, the
   * stream is reset instead. `modify` may add headers.
   */
  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void;
  /** For terminal filters: the response. */
  encodeInformational(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Bytes, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Pauses (counted) the downstream connection's reads of this stream, because the upstream's buffer is high. */
  onDecoderFilterAboveWriteBufferHighWatermark(): void;
  onDecoderFilterBelowWriteBufferLowWatermark(): void;
  /** Downstream write buffer edges, for the filter that reads from upstream. */
  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
  /** What the stream waits for when no code runs, as far as the terminal filter knows it (see `Ledger`). */
  setUpstreamWait(
    segment: Extract<Segment, 'pool' | 'connect' | 'handshake' | 'upstream' | 'body' | 'retry'> | null,
  ): void;
  /** Code of the upstream side begins and ends to run for this stream: brackets for the ledger. `late`: see `Ledger.late`. */
  enterWork(at: number, lateMs: number): void;
  leaveWork(): void;
}

export interface DownstreamWatermarkCallbacks {
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

export interface EncoderFilterCallbacks extends StreamFilterCallbacks {
  continueEncoding(): void;
  readonly encodingBuffer: ByteQueue | null;
  injectEncodedData(bytes: Bytes, endStream: boolean): void;
  encoderBufferLimit: number;
}

/** What a factory may use. One per filter chain and worker. */
export interface HttpFilterContext {
  readonly dispatcher: Dispatcher;
  readonly clusters: ClusterManager;
  /** `http.<stat_prefix>` */
  readonly stats: StatsScope;
  readonly statPrefix: string;
  /** The filter's name in the chain, as `perRouteConfig` wants it. */
  readonly filterName?: string;
  readonly createTimer: (callback: () => void) => Timer;
  /** Makes the loggers of one list. */
  readonly accessLogs: (configs: readonly AccessLog[]) => AccessLogs;
}

/**
 * A plug-in: made once per configuration and worker, called once per stream. `typeUrl` without `type.googleapis.com/`.
 * `prepare` runs before the listener takes traffic and may be asynchronous (loading a module).
 */
export interface HttpFilterFactory {
  readonly typeUrl: string;
  readonly terminal: boolean;
  prepare(config: unknown, context: HttpFilterContext): Promise<() => StreamFilter> | (() => StreamFilter);
}
