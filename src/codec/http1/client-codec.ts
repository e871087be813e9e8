/**
 * The HTTP/1 codec of an upstream connection: requests out, responses in, one exchange at a time.
 *
 * It stands between a connection of the pool and the router. The pool feeds `dispatch`, asks `closeAfterStream` and
 * `activeStreams` when an exchange is over, and never gives a connection to a second request while the first runs.
 *
 * Invariant: a byte that no request asked for costs the connection. It is known before the last callback of the response runs, so
 * that not even a request begun inside that callback can be answered by stray bytes.
 */
import type { ByteQueue, Bytes } from '../../api/bytes.ts';
import type { ClientCodec, RequestEncoder, ResetReason, ResponseDecoder } from '../../api/http.ts';
import type { Connection, ConnectionCallbacks } from '../../api/network.ts';
import type { Mark } from '../../api/observe.ts';
import { invariant } from '../../base/invariant.ts';
import type { HeaderList } from '../header-map.ts';
import { ClientExchange, type ClientExchangeOwner } from './client-exchange.ts';
import { DISPATCHED, type DispatchResult } from './dispatch.ts';
import type { HeadScan } from './head-scan.ts';
import { MessageReader } from './message-reader.ts';
import type { Framing, MessageSink } from './message-sink.ts';
import { REJECTIONS, type Rejection } from './rejection.ts';
import { responseVerdict } from './response-framing.ts';
import type { Http1ClientSettings } from './settings.ts';

export interface Http1ClientCodecOptions {
  readonly connection: Connection;
  /** `http1ClientSettings(…)`, made once per cluster. */
  readonly settings: Http1ClientSettings;
}

export class Http1ClientCodec implements ClientCodec, MessageSink, ClientExchangeOwner, ConnectionCallbacks {
  readonly connection: Connection;
  readonly settings: Http1ClientSettings;
  closeAfterStream = false;
  onStreamEnd: (() => void) | null = null;
  readonly #reader: MessageReader;
  #exchange: ClientExchange | null = null;
  #minor = 1;
  #dispatching = false;
  #failure: DispatchResult | null = null;
  /** Bytes of the running dispatch behind the view that is being read. */
  #behind = 0;
  #view = 0;
  /** The newest response had no body by its status or method: bytes behind it are that forbidden body. */
  #bodyless = false;

  constructor(options: Http1ClientCodecOptions) {
    this.connection = options.connection;
    this.settings = options.settings;
    this.#reader = new MessageReader({
      side: 'response',
      maxHeadBytes: options.settings.maxHeadersKb * 1024,
      maxHeaders: options.settings.maxHeadersCount,
      trailers: options.settings.enableTrailers,
      sink: this,
    });
    options.connection.addCallbacks(this);
  }

  get protocol(): 'HTTP/1.0' | 'HTTP/1.1' {
    return this.#minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
  }

  get activeStreams(): number {
    return this.#exchange === null ? 0 : 1;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    invariant(this.#exchange === null, 'one exchange at a time');
    const exchange = new ClientExchange(this, decoder);
    this.#exchange = exchange;
    return exchange;
  }

  dispatch(data: ByteQueue): DispatchResult {
    if (this.#dispatching) return DISPATCHED;
    this.#dispatching = true;
    this.#behind = data.length;
    let used = 0;
    try {
      for (let index = 0; index < data.count; index += 1) {
        const view = data.at(index);
        this.#view = view.end - view.start;
        this.#behind -= this.#view;
        used += this.#reader.read(view);
      }
    } finally {
      this.#dispatching = false;
    }
    // What the reader leaves is stray: nobody will ask for it.
    data.drain(data.length);
    return this.#failure ?? DISPATCHED;
  }

  onConnectionEnd(reason: ResetReason): void {
    this.closeAfterStream = true;
    const exchange = this.#exchange;
    if (exchange === null) {
      this.#reader.discard();
      return;
    }
    // Anything but the peer's own FIN may have cut the body short.
    const { remoteEnded, closeReason } = this.connection;
    if (remoteEnded && closeReason === '' && this.#reader.finish()) return;
    this.#drop(exchange);
    exchange.callbacks.reset(reason, '');
  }

  // --- MessageSink ---

  mayBegin(): boolean {
    if (this.#exchange !== null && this.#exchange.requestState !== 'new' && !this.#exchange.responseEnded)
      return true;
    this.#stray();
    return false;
  }

  frame(head: HeaderList, scan: HeadScan): Framing {
    const exchange = this.#exchange;
    const verdict = responseVerdict;
    this.#minor = scan.minor;
    verdict.judge(head, scan, exchange?.head ?? false, exchange?.switching ?? 'none', this.settings);
    if (verdict.rejection !== null) {
      this.#reader.rejection = verdict.rejection;
      return 'refused';
    }
    if (verdict.close) this.closeAfterStream = true;
    this.#reader.bodyLength = verdict.length;
    this.#bodyless = verdict.bodyless;
    return verdict.framing;
  }

  onInformational(head: HeaderList): void {
    this.#exchange?.decoder.decodeInformational(head);
  }

  onHead(head: HeaderList, end: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (exchange.switching !== 'none') {
      this.closeAfterStream = true;
      if (this.#reader.state !== 'tunnel') exchange.refuseSwitch();
    }
    if (end) this.#endResponse(exchange);
    exchange.decoder.decodeHeaders(head, end);
  }

  onBody(bytes: Bytes, end: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (end) this.#endResponse(exchange);
    exchange.decoder.decodeData(bytes, end);
  }

  onTrailers(trailers: HeaderList): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#endResponse(exchange);
    exchange.decoder.decodeTrailers(trailers);
  }

  onWire(mark: Mark | null, bytes: number): void {
    this.#exchange?.decoder.onWire(mark, bytes);
  }

  onRejection(rejection: Rejection): void {
    const exchange = this.#exchange;
    this.closeAfterStream = true;
    this.#failure = { ok: false, details: rejection.details };
    if (exchange === null) return;
    this.#drop(exchange);
    exchange.callbacks.reset('protocol error', rejection.details);
  }

  onHeld(): void {}

  // --- ClientExchangeOwner ---

  onRequestClose(): void {
    this.closeAfterStream = true;
  }

  onRequestEnd(exchange: ClientExchange): void {
    if (exchange !== this.#exchange || !exchange.responseEnded) return;
    this.#finish(exchange);
    if (!this.#dispatching) this.onStreamEnd?.();
  }

  onLocalReset(exchange: ClientExchange): void {
    if (exchange === this.#exchange) this.#drop(exchange);
  }

  // --- ConnectionCallbacks ---

  onEvent(): void {}

  onAboveWriteBufferHighWatermark(): void {
    this.#exchange?.callbacks.high();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#exchange?.callbacks.low();
  }

  /** Before the last callback of the response, so that the pool and the callback see the truth. */
  #endResponse(exchange: ClientExchange): void {
    exchange.responseEnded = true;
    if (this.#dispatching && this.#behind + this.#view - this.#reader.used > 0) this.#stray();
    if (exchange.requestState === 'ended') this.#finish(exchange);
    // Answered before the request was through: the rest of it would stand in front of the next one.
    else this.closeAfterStream = true;
  }

  #stray(): void {
    const rejection = this.#bodyless ? REJECTIONS.bodyDisallowed : REJECTIONS.codecError;
    this.closeAfterStream = true;
    this.#failure ??= { ok: false, details: rejection.details };
    this.#reader.discard();
  }

  #finish(exchange: ClientExchange): void {
    this.#exchange = null;
    exchange.kill();
    if (this.closeAfterStream) this.#reader.discard();
  }

  #drop(exchange: ClientExchange): void {
    this.#exchange = null;
    this.closeAfterStream = true;
    this.#reader.discard();
    exchange.kill();
  }
}
