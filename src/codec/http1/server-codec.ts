/**
 * The HTTP/1 codec of a downstream connection: requests in, responses out, one exchange at a time.
 *
 * It stands under the connection manager, which feeds `dispatch` from the connection's reads, makes the stream of each request
 * (`newStream`) and closes the connection when `shouldClose` says so behind a response. The codec owns the reader, the current
 * exchange and one read-disable of cause `codec`: it is set while pipelined bytes wait for the exchange in front of them.
 *
 *   connection reads -> dispatch -> MessageReader -> (this) -> RequestDecoder of the stream
 *   connection writes <------------------------- ServerExchange <- ResponseEncoder of the stream
 */
import type { ByteQueue, Bytes } from '../../api/bytes.ts';
import type { ResetReason, ServerCodec, ServerCodecCallbacks } from '../../api/http.ts';
import type { Connection, ConnectionCallbacks } from '../../api/network.ts';
import type { Mark } from '../../api/observe.ts';
import type { StatsScope } from '../../api/stats.ts';
import type { HeaderList } from '../header-map.ts';
import { DISPATCHED, readQueue, type DispatchResult } from './dispatch.ts';
import type { HeadScan } from './head-scan.ts';
import { MessageReader } from './message-reader.ts';
import type { Framing, MessageSink } from './message-sink.ts';
import type { Rejection } from './rejection.ts';
import { requestVerdict } from './request-framing.ts';
import { ServerExchange, type ServerExchangeOwner } from './server-exchange.ts';
import { Http1Stats, type Http1ServerSettings } from './settings.ts';

export interface Http1ServerCodecOptions {
  readonly connection: Connection;
  readonly callbacks: ServerCodecCallbacks;
  /** `http1ServerSettings(…)`, made once per filter chain. */
  readonly settings: Http1ServerSettings;
  /** Scope that gets `http1.…`; null: not counted. */
  readonly stats: StatsScope | null;
}

export class Http1ServerCodec implements ServerCodec, MessageSink, ServerExchangeOwner, ConnectionCallbacks {
  readonly connection: Connection;
  readonly settings: Http1ServerSettings;
  /**
   * The connection must be closed when the current response is out: the client asked, its version has no keep-alive, the
   * response says so, the request was refused or not read to its end, or the connection became a tunnel.
   */
  shouldClose = false;
  readonly #callbacks: ServerCodecCallbacks;
  readonly #stats: Http1Stats | null;
  readonly #reader: MessageReader;
  #exchange: ServerExchange | null = null;
  #minor = 1;
  #paused = false;
  #dispatching = false;
  #failure: DispatchResult | null = null;
  /** A refused request that does not cost the connection; told in `onHead`. */
  #soft: Rejection | null = null;

  constructor(options: Http1ServerCodecOptions) {
    this.connection = options.connection;
    this.settings = options.settings;
    this.#callbacks = options.callbacks;
    this.#stats = options.stats === null ? null : Http1Stats.of(options.stats);
    this.#reader = new MessageReader({
      side: 'request',
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

  dispatch(data: ByteQueue): DispatchResult {
    if (this.#dispatching) return DISPATCHED;
    this.#dispatching = true;
    try {
      readQueue(this.#reader, data);
    } finally {
      this.#dispatching = false;
    }
    return this.#failure ?? DISPATCHED;
  }

  onConnectionEnd(reason: ResetReason): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      this.#reader.discard();
      return;
    }
    const halfOpen = this.connection.state !== 'closed' && this.connection.remoteEnded;
    if (exchange.tunnelled && halfOpen && this.#reader.finish()) return;
    this.#drop(exchange);
    exchange.callbacks.reset(reason, '');
  }

  // --- MessageSink: what the reader finds ---

  mayBegin(): boolean {
    if (this.#exchange !== null) {
      this.onHeld();
      return false;
    }
    if (this.shouldClose) {
      this.#reader.discard();
      return false;
    }
    if (this.connection.aboveHighWatermark) {
      // A client that pipelines and does not read would have us keep its responses without end.
      this.onHeld();
      return false;
    }
    const exchange = new ServerExchange(this);
    this.#exchange = exchange;
    exchange.decoder = this.#callbacks.newStream(exchange);
    return true;
  }

  frame(head: HeaderList, scan: HeadScan): Framing {
    const exchange = this.#exchange;
    const verdict = requestVerdict;
    this.#minor = scan.minor;
    head.scheme = this.connection.secure ? 'https' : 'http';
    verdict.judge(head, scan, this.settings, this.#stats);
    if (exchange !== null) {
      exchange.minor = scan.minor;
      exchange.keepAlive = verdict.keepAlive;
      exchange.head = head.method === 'HEAD';
      exchange.switching = verdict.refused ? 'none' : verdict.switching;
    }
    if (verdict.close) this.shouldClose = true;
    this.#reader.bodyLength = verdict.length;
    if (!verdict.refused) return verdict.framing;
    const { rejection } = verdict;
    if (
      rejection.framingSound &&
      verdict.framing === 'none' &&
      this.settings.streamErrorOnInvalidHttpMessage
    ) {
      this.#soft = rejection;
      return 'none';
    }
    this.#reader.rejection = rejection;
    return 'refused';
  }

  onHead(head: HeaderList, end: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.requestEnded = end;
    const soft = this.#soft;
    if (soft === null) {
      exchange.decoder?.decodeHeaders(head, end);
      return;
    }
    this.#soft = null;
    exchange.decoder?.sendCodecReply(soft.status, soft.body, 'DPE', soft.details);
  }

  onInformational(_head: HeaderList): void {}

  onBody(bytes: Bytes, end: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (end) exchange.requestEnded = true;
    exchange.decoder?.decodeData(bytes, end);
    if (end) this.#endTunnel(exchange);
  }

  onTrailers(trailers: HeaderList): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.requestEnded = true;
    exchange.decoder?.decodeTrailers(trailers);
  }

  onWire(mark: Mark | null, bytes: number): void {
    this.#exchange?.decoder?.onWire(mark, bytes);
  }

  onRejection(rejection: Rejection): void {
    const exchange = this.#exchange;
    this.shouldClose = true;
    this.#failure = { ok: false, details: rejection.details };
    if (exchange === null) return;
    const { decoder } = exchange;
    if (exchange.responseState === 'waiting') {
      decoder?.sendCodecReply(rejection.status, rejection.body, 'DPE', rejection.details);
      return;
    }
    // The response has begun: nothing can be said in HTTP any more.
    this.#drop(exchange);
    exchange.callbacks.reset('protocol error', rejection.details);
  }

  onHeld(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.connection.readDisable(true, 'codec');
  }

  // --- ServerExchangeOwner: what the response does ---

  onSwitched(exchange: ServerExchange): void {
    if (exchange !== this.#exchange) return;
    this.#reader.enterTunnel();
    this.#resume();
  }

  onResponseEnd(exchange: ServerExchange): void {
    if (exchange !== this.#exchange) return;
    if (exchange.tunnelled && !exchange.requestEnded) return;
    if (!exchange.requestEnded) this.shouldClose = true;
    this.#finish(exchange);
  }

  onLocalReset(exchange: ServerExchange): void {
    if (exchange === this.#exchange) this.#drop(exchange);
  }

  // --- ConnectionCallbacks ---

  onEvent(): void {}

  onAboveWriteBufferHighWatermark(): void {
    this.#exchange?.callbacks.high();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (this.#exchange === null) this.#resume();
    else this.#exchange.callbacks.low();
  }

  #endTunnel(exchange: ServerExchange): void {
    if (exchange.tunnelled && exchange.responseState === 'ended' && exchange === this.#exchange)
      this.#finish(exchange);
  }

  /** Both directions are done, or nobody cares for the rest of the request. */
  #finish(exchange: ServerExchange): void {
    this.#exchange = null;
    exchange.kill();
    if (this.shouldClose) this.#reader.discard();
    this.#resume();
  }

  #drop(exchange: ServerExchange): void {
    this.#exchange = null;
    this.shouldClose = true;
    this.#reader.discard();
    exchange.kill();
    this.#resume();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.connection.readDisable(false, 'codec');
  }
}
