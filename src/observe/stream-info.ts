/**
 * What is known of one stream (an HTTP request, or a TCP connection): the implementation of `StreamInfo`.
 *
 * Made by the connection manager (or tcp_proxy) when a stream begins, filled by everyone who handles it, closed exactly once;
 * statistics and log lines come from it alone. It stands on the hot path: one shape for all streams, and what the configured
 * logs do not print (`needs`) is not allocated.
 */
import type { Clock, Dispatcher } from '../api/event.ts';
import type { Connection } from '../api/network.ts';
import type {
  IoGroup,
  IoObserver,
  Ledger,
  Mark,
  ObservationNeeds,
  ResponseFlag,
  StreamInfo,
  UpstreamInfo,
} from '../api/observe.ts';
import type { Address } from '../api/socket.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { FragmentLog } from './fragment-log.ts';
import { lengthUs, offsetUs, UNKNOWN } from './instant.ts';
import { NO_LEDGER, StreamLedger } from './ledger.ts';
import { flagBit, flagsOf } from './response-flags.ts';
import { DownstreamWrites, UpstreamWrites } from './stream-writes.ts';
import { UpstreamRecord } from './upstream-record.ts';

const NO_FILTERS: readonly string[] = [];

/** The downstream connection, as far as it is logged. A `Connection` is one. */
export type StreamSource = Pick<
  Connection,
  'id' | 'secure' | 'localAddress' | 'remoteAddress' | 'createdAt' | 'handshakeAt'
>;

export interface StreamRecordOptions {
  readonly kind: 'http' | 'tcp';
  readonly dispatcher: Pick<Dispatcher, 'clock' | 'turn' | 'tid' | 'random'>;
  readonly connection: StreamSource;
  readonly needs: ObservationNeeds;
  /** HTTP filters in chain order: names in the ledger. One array per chain, not per stream. */
  readonly filterNames?: readonly string[];
  /** When the read with the first byte began; ms monotonic. */
  readonly startAt: number;
}

export class StreamRecord implements StreamInfo {
  readonly kind: 'http' | 'tcp';
  readonly startAt: number;
  readonly wallOffset: number;
  readonly connectionId: number;
  readonly threadId: number;
  readonly secure: boolean;
  protocol = '';
  responseCode = 0;
  responseCodeDetails = '';
  connectionTerminationDetails = '';
  bytesReceived = 0;
  bytesSent = 0;
  requestHeaderBytes = 0;
  responseHeaderBytes = 0;
  downstreamWireBytesReceived = 0;
  downstreamWireBytesSent = 0;
  requestLastByteAt = UNKNOWN;
  responseFirstByteAt = UNKNOWN;
  responseLastByteAt = UNKNOWN;
  endAt = UNKNOWN;
  routeName = '';
  clusterName = '';
  virtualHostName = '';
  filterChainName = '';
  downstreamLocalAddress: Address;
  downstreamRemoteAddress: Address;
  downstreamDirectRemoteAddress: Address;
  attemptCount = 0;
  upstream: UpstreamInfo;
  readonly ledger: Ledger;
  onDelivered: ((at: number) => void) | null = null;
  turnAtStart: number;
  turnAtEnd = 0;
  /** Bits of `response-flags.ts`. */
  flagBits = 0;
  /** The downstream connection: since when, and when its TLS was up. */
  readonly connectionStartAt: number;
  readonly connectionHandshakeAt: number;
  readonly #dispatcher: StreamRecordOptions['dispatcher'];
  readonly #needs: ObservationNeeds;
  readonly #filterNames: readonly string[];
  #attempt: UpstreamRecord;
  #downstreamReads: FragmentLog | null = null;
  #upstreamReads: FragmentLog | null = null;
  /** Whose reads the newest fragments are: asked once more at the end, whether the last of them had switched reads off. */
  #downstreamReader: Connection | null = null;
  #upstreamReader: Connection | null = null;
  #upstreamWrites: UpstreamWrites | null = null;
  #downstreamWrites: DownstreamWrites | null = null;
  #filterUs: number[] | null = null;
  #metadata: Map<string, Map<string, unknown>> | null = null;
  #closed = false;

  constructor(options: StreamRecordOptions) {
    const { connection, dispatcher, needs, startAt } = options;
    this.kind = options.kind;
    this.startAt = startAt;
    this.wallOffset = dispatcher.clock.wallOffset();
    this.connectionId = connection.id;
    this.threadId = dispatcher.tid;
    this.secure = connection.secure;
    this.downstreamLocalAddress = connection.localAddress;
    this.downstreamRemoteAddress = connection.remoteAddress;
    this.downstreamDirectRemoteAddress = connection.remoteAddress;
    this.connectionStartAt = connection.createdAt;
    this.connectionHandshakeAt = connection.handshakeAt;
    this.turnAtStart = dispatcher.turn;
    this.#dispatcher = dispatcher;
    this.#needs = needs;
    this.#filterNames = options.filterNames ?? NO_FILTERS;
    this.#attempt = new UpstreamRecord(startAt, null);
    this.upstream = this.#attempt;
    this.ledger = needs.ledger ? new StreamLedger(startAt, this.#filterNames) : NO_LEDGER;
  }

  get clock(): Clock {
    return this.#dispatcher.clock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get flags(): ResponseFlag[] {
    return flagsOf(this.flagBits);
  }

  get metadata(): Map<string, Map<string, unknown>> {
    return (this.#metadata ??= new Map());
  }

  /** Asked before `metadata`, which makes the map. */
  get hasMetadata(): boolean {
    return this.#metadata !== null;
  }

  /** The running attempt, with what only this record knows of it. */
  get attempt(): UpstreamRecord {
    return this.#attempt;
  }

  /** Its own random source, for ids that logs print. */
  random(): number {
    return this.#dispatcher.random();
  }

  setFlag(flag: ResponseFlag): void {
    this.flagBits |= flagBit(flag);
  }

  hasFlag(flag: ResponseFlag): boolean {
    return (this.flagBits & flagBit(flag)) !== 0;
  }

  noteRead(
    group: 'downstreamRead' | 'upstreamRead',
    connection: Connection,
    mark: Mark | null,
    bytes: number,
  ): void {
    const downstream = group === 'downstreamRead';
    if (!(downstream ? this.#needs.downstreamRead : this.#needs.upstreamRead)) return;
    const log = downstream
      ? (this.#downstreamReads ??= new FragmentLog())
      : (this.#upstreamReads ??= new FragmentLog());
    const { lastRead, pauses } = connection;
    if (!log.isRead(lastRead.serial, connection.id)) {
      if (pauses.resumedAt >= 0) this.#markPause(log, connection);
      const atUs = offsetUs(this.startAt, lastRead.at);
      const tookUs = lengthUs(lastRead.took);
      if (downstream) this.#downstreamReader = connection;
      else this.#upstreamReader = connection;
      log.pushRead(
        lastRead.serial,
        connection.id,
        connection.secure,
        atUs,
        tookUs,
        lengthUs(lastRead.waited),
      );
    }
    log.addBytes(bytes);
    if (mark === null) return;
    const position = log.addMark(mark, pauses.since >= 0 ? pauses.consecutive : 0);
    if (pauses.resumedAt < 0) return;
    log.addResume(position, lengthUs(pauses.resumedAfter), offsetUs(this.startAt, pauses.resumedAt));
    pauses.resumedAt = UNKNOWN;
  }

  /** What the newest read brought had switched reads off after its last mark was set: the mark is where they stopped. */
  #markPause(log: FragmentLog, { id, pauses }: Connection): void {
    if (log.pushed === 0 || log.newestConnection() !== id) return;
    const ended = pauses.since < 0;
    const since = offsetUs(this.startAt, ended ? pauses.resumedAt - pauses.resumedAfter : pauses.since);
    if (since >= log.newestAtUs()) log.addPause(ended ? pauses.resumedCount : pauses.consecutive);
  }

  /** The same for the last read of a message: nothing of the message comes behind it that could tell. */
  #markLastPause(log: FragmentLog | null, connection: Connection | null): void {
    if (log === null || connection === null) return;
    const { lastRead, pauses } = connection;
    if (pauses.since < 0 && pauses.resumedAt < 0) return;
    // Another stream may have the connection by now.
    if (log.isRead(lastRead.serial, connection.id)) this.#markPause(log, connection);
  }

  writeObserver(group: 'upstreamWrite' | 'downstreamWrite'): IoObserver {
    if (group === 'downstreamWrite')
      return (this.#downstreamWrites ??= new DownstreamWrites(this, this.#needs.downstreamWrite));
    return (this.#upstreamWrites ??= new UpstreamWrites(
      this.startAt,
      this.#attempt,
      this.ledger,
      this.#needs.upstreamWrite,
    ));
  }

  /** Null: nothing was recorded. */
  fragments(group: IoGroup): FragmentLog | null {
    switch (group) {
      case 'downstreamRead':
        return this.#downstreamReads;
      case 'upstreamRead':
        return this.#upstreamReads;
      case 'upstreamWrite':
        return this.#upstreamWrites === null ? null : this.#upstreamWrites.fragments;
      case 'downstreamWrite':
        return this.#downstreamWrites === null ? null : this.#downstreamWrites.fragments;
      default:
        return unreachable(group);
    }
  }

  resetUpstream(): void {
    this.#attempt = new UpstreamRecord(this.clock.recent(), this.upstream);
    this.upstream = this.#attempt;
    this.#upstreamReads = null;
    this.#upstreamReader = null;
    this.#upstreamWrites = null;
  }

  noteFilterTime(filterIndex: number, ms: number): void {
    if (!this.#needs.ledger || ms <= 0) return;
    const times = (this.#filterUs ??= this.#filterNames.map(() => 0));
    if (filterIndex < 0 || filterIndex >= times.length) return;
    times[filterIndex] = (times[filterIndex] ?? 0) + lengthUs(ms);
  }

  /** `lua=9003,router=12`, us that each filter took, running and paused; null when none was noted. */
  filterTimesText(): string | null {
    const times = this.#filterUs;
    if (times === null) return null;
    let text = '';
    for (let index = 0; index < times.length; index += 1) {
      if (times[index] === 0) continue;
      text += (text === '' ? '' : ',') + (this.#filterNames[index] ?? '') + '=' + (times[index] ?? 0);
    }
    return text === '' ? null : text;
  }

  /** Ends the stream: the total, the ledger and the turn are fixed. Exactly once. */
  close(at: number): void {
    invariant(!this.#closed, 'a stream is closed once');
    this.#closed = true;
    this.turnAtEnd = this.#dispatcher.turn;
    this.endAt = at < this.startAt ? this.startAt : at;
    this.#markLastPause(this.#downstreamReads, this.#downstreamReader);
    this.#markLastPause(this.#upstreamReads, this.#upstreamReader);
    if (this.ledger instanceof StreamLedger && !this.ledger.closed) this.ledger.close(this.endAt);
  }
}
