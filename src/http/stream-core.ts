/**
 * What every phase of a stream stands on: its state, its record, its flow control, its end.
 *
 *   StreamCore (life, flow, end) <- StreamResponse (response out) <- ActiveStream (request in, routing, timeouts)
 *
 * Invariant: a stream ends exactly once, in `finish`; afterwards nothing it is asked has an effect. `dispose` (at the end of the
 * turn, so that objects on the stack stay usable) tells filters, statistics and the access log.
 */
import type { Disposable, Dispatcher } from '../api/event.ts';
import type {
  DownstreamWatermarkCallbacks,
  HeaderMap,
  ResetReason,
  ResponseEncoder,
  StreamCallbacks,
} from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { LogContext } from '../api/observe.ts';
import { logger, streamMark } from '../base/logger.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';
import type { FilterManager } from './filter-manager.ts';
import { FilterTimes } from './filter-times.ts';
import type { StreamRecordOwner } from './http-configuration.ts';
import { StreamFlow } from './stream-flow.ts';
import type { StreamOwner } from './stream-owner.ts';
import { nextStreamState } from './stream-state.ts';
import type { StreamState, StreamTransition } from './stream-state.ts';
import type { StreamTimers } from './stream-timers.ts';
import { StreamWork } from './stream-work.ts';
import type { WaitView } from './stream-work.ts';

const log = logger('http');
const filterLog = logger('filter');

export abstract class StreamCore implements StreamCallbacks, WaitView, LogContext, Disposable {
  readonly id: number;
  readonly info: StreamRecordOwner;
  readonly work: StreamWork;
  readonly filterTimes: FilterTimes;
  readonly logType = 'DownstreamEnd';
  request: HeaderMap | null = null;
  response: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  localReplyBody = '';
  requestComplete = false;
  /** The client wants the connection to end behind this exchange. */
  clientCloses = false;
  upgrading = false;
  protected readonly owner: StreamOwner;
  protected readonly timers: StreamTimers;
  protected filters: FilterManager | null = null;
  /** `bytesSent` of the connection at the end of the response, or when its delivery was last looked at. */
  protected sentAtCheck = 0;
  readonly #encoder: ResponseEncoder;
  readonly #flow: StreamFlow;
  #state: StreamState = 'head';

  constructor(owner: StreamOwner, encoder: ResponseEncoder, id: number) {
    const { config, dispatcher } = owner;
    this.owner = owner;
    this.#encoder = encoder;
    this.id = id;
    this.info = config.createInfo(owner.connection, owner.eventAt);
    this.info.filterChainName = config.filterChainName;
    this.work = new StreamWork(this.info.ledger, dispatcher.clock, this);
    this.filterTimes = new FilterTimes(this.info, dispatcher.clock);
    this.#flow = new StreamFlow(encoder.stream, id, config.stats.cx);
    this.timers = owner.borrowTimers();
  }

  abstract readonly responseStarted: boolean;

  get state(): StreamState {
    return this.#state;
  }

  get over(): boolean {
    return this.#state === 'done';
  }

  get delivering(): boolean {
    return this.#state === 'deliver';
  }

  get downstreamHigh(): boolean {
    return this.#flow.downstreamHigh;
  }

  get downstreamPaused(): boolean {
    return this.#flow.downstreamPaused;
  }

  get dispatcher(): Dispatcher {
    return this.owner.dispatcher;
  }

  get connection(): Connection {
    return this.owner.connection;
  }

  get blocks(): BlockSource {
    return this.owner.config.blocks;
  }

  pausedFilter(): number {
    if (this.filters === null) return -1;
    const { decode, encode } = this.filters;
    if (!encode.started) return decode.ended ? -1 : decode.stoppedIndex();
    return encode.ended ? -1 : encode.stoppedIndex();
  }

  /** Trace of a filter's call, in the words of `PassageHost`. */
  logFilterCall(index: number, call: string, status: string): void {
    const name = this.owner.config.filters.current.entries[index]?.name ?? String(index);
    filterLog.trace(
      `${this.mark} ${call} ${status === '' ? 'to' : 'returned from'} filter '${name}'${status === '' ? '' : `: ${status}`}`,
    );
  }

  /** In front of the log's lines about this stream. */
  protected get mark(): string {
    return streamMark(this.connection.id, this.id);
  }

  // --- flow control ---

  pauseDownstream(): void {
    if (this.over || this.delivering) return;
    this.#flow.pause();
    this.work.refresh();
  }

  resumeDownstream(): void {
    this.#flow.resume();
    this.work.refresh();
  }

  pauseUpstream(): void {
    this.#flow.high();
    this.work.refresh();
  }

  resumeUpstream(): void {
    this.#flow.low();
    this.work.refresh();
  }

  onAboveWriteBufferHighWatermark(): void {
    if (!this.over) this.pauseUpstream();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (!this.over) this.resumeUpstream();
  }

  addWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.#flow.subscribe(callbacks);
  }

  removeWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.#flow.unsubscribe(callbacks);
  }

  /** The codec is about to see the last part: pauses end while its stream still lives. */
  beforeResponseEnd(): void {
    this.#flow.release();
  }

  // --- ends ---

  /** The codec has the whole response: the rest is delivery. */
  onResponseEnd(): void {
    if (this.over) return;
    if (log.debugOn) log.debug(`${this.mark} Codec completed encoding stream.`);
    this.move('response-end');
    this.filters?.stop();
    this.sentAtCheck = this.connection.bytesSent;
    this.info.onDelivered = (at) => {
      if (!this.over) this.finish('delivered', at);
    };
  }

  /** By us. HTTP/1 loses its connection with it. */
  resetStream(): void {
    if (this.over) return;
    const { delivering } = this;
    this.owner.config.stats.rq.txReset.inc();
    this.finish('reset', this.dispatcher.clock.now());
    this.#encoder.stream.resetStream('local reset');
    // The codec is through with it: its last bytes lie in the connection's buffer, where HTTP/1 can only drop them all.
    if (delivering && this.owner.protocol !== 'HTTP/2')
      this.connection.close('abort', this.info.responseCodeDetails);
  }

  /** By the peer, or with the connection. */
  onResetStream(reason: ResetReason, details: string): void {
    if (this.over) return;
    const { config, closedBy, connection } = this.owner;
    const { info } = this;
    config.stats.rq.rxReset.inc();
    if (reason === 'protocol error') {
      config.stats.cx.protocolError.inc();
      info.setFlag('DPE');
      info.responseCodeDetails = details;
    } else if (reason === 'remote reset' || reason === 'remote refused stream reset') {
      info.setFlag('DR');
      info.responseCodeDetails = details;
    } else {
      info.setFlag('DC');
      info.responseCodeDetails =
        closedBy === 'local'
          ? `downstream_local_disconnect(${connection.closeReason})`
          : 'downstream_remote_disconnect';
    }
    this.finish('reset', this.dispatcher.clock.now());
  }

  protected move(transition: StreamTransition): void {
    this.#state = nextStreamState(this.#state, transition);
  }

  protected finish(transition: 'delivered' | 'reset', at: number): void {
    this.move(transition);
    this.info.close(at);
    if (log.traceOn)
      log.trace(
        `${this.mark} stream ${transition === 'delivered' ? 'done: the kernel has its last byte' : 'reset'}`,
      );
    this.info.onDelivered = null;
    this.filters?.stop();
    this.#flow.release();
    this.#encoder.stream.removeCallbacks(this);
    this.timers.takeBack();
    this.owner.returnTimers(this.timers);
    this.owner.onStreamOver(this);
    this.dispatcher.deferredDelete(this);
  }

  dispose(): void {
    const { stats, accessLogs } = this.owner.config;
    const { info } = this;
    this.filters?.destroy();
    if (this.upgrading) stats.cx.upgradesActive.add(-1);
    stats.rq.active.add(-1);
    stats.rq.time.record(info.endAt - info.startAt);
    stats.responses.record(info.responseCode);
    stats.listenerResponses.record(info.responseCode);
    if (accessLogs.empty) return;
    accessLogs.log(this);
    if (log.traceOn) log.trace(`${this.mark} access log line written (${this.logType})`);
  }
}
