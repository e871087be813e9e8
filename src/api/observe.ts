/**
 * What is observed of a stream (an HTTP request, or a TCP connection): times, bytes, reads and writes, the ledger.
 * One `StreamInfo` per stream, closed exactly once; statistics and access logs come from it alone.
 * All times are monotonic fractional ms of the dispatcher's clock; -1 = never happened.
 */
import type { Address } from './socket.ts';
import type { HeaderMap } from './http.ts';
import type { Connection } from './network.ts';

export type ResponseFlag =
  | 'UH'
  | 'UF'
  | 'UO'
  | 'NR'
  | 'URX'
  | 'NC'
  | 'DT'
  | 'DC'
  | 'LH'
  | 'UT'
  | 'LR'
  | 'UR'
  | 'UC'
  | 'DI'
  | 'FI'
  | 'RL'
  | 'UAEX'
  | 'RLSE'
  | 'IH'
  | 'SI'
  | 'DPE'
  | 'UPE'
  | 'UMSDR'
  | 'RFCF'
  | 'NFCF'
  | 'OM'
  | 'DF'
  | 'DO'
  | 'UDO'
  | 'DR';

/** Message part that a codec found in the bytes of a read. */
export type Mark = 'H' | 'D' | 'E';

/** The four groups of the instrumented log. */
export type IoGroup = 'downstreamRead' | 'upstreamWrite' | 'upstreamRead' | 'downstreamWrite';

/** Told of each system call that wrote bytes of this observer. `drained`: it emptied the connection's write buffer. */
export interface IoObserver {
  onWrite(
    at: number,
    took: number,
    bytes: number,
    blockedBefore: number,
    drained: boolean,
    connectionId: number,
    secure: boolean,
  ): void;
  /** The last byte up to `endObserveWrites` has been taken by the kernel. Not called if the connection closes first. */
  onFlushed(at: number): void;
}

/**
 * What a stream is waiting for while no code of ours runs for it; the ledger's segments (see `access-log.md`).
 * `filter` and `paused` carry the index of the HTTP filter beside it.
 */
export type Segment =
  | 'client'
  | 'loop'
  | 'filter'
  | 'paused'
  | 'pool'
  | 'connect'
  | 'handshake'
  | 'upstream'
  | 'body'
  | 'flow.downstream'
  | 'flow.upstream'
  | 'deliver'
  | 'retry'
  | 'proxy';

/**
 * The ledger: integer microseconds per segment that add up to the stream's total exactly. The stream is always in one
 * segment; `enter` closes the open one. Calls must not go back in time (an earlier `at` counts as the latest).
 */
export interface Ledger {
  readonly enabled: boolean;
  enter(segment: Segment, at: number, filterIndex?: number): void;
  /**
   * Called just before `enter` or `close`: moves `ms` of the segment that they close (at most its length) to `loop`, because
   * bytes lay in the kernel while the worker was busy.
   */
  late(ms: number): void;
  /**
   * The request's bytes, queued earlier in the turn, leave now: what has run as `upstream` until `at` was the worker's own time
   * with other streams, and becomes `proxy`. Nothing in any other segment.
   */
  leaves(at: number): void;
  close(at: number): void;
}

export interface UpstreamInfo {
  host: Address | null;
  hostname: string;
  localAddress: Address | null;
  /** Connection that the pool opened for this request, 0 = none; and the one that carried it, 0 = none. */
  createdConnectionId: number;
  connectionId: number;
  secure: boolean;
  protocol: string;
  transportFailureReason: string;
  poolReadyAt: number;
  /** When the connection that carried it was begun and up; equal to an earlier request's for a reused one. */
  connectStartAt: number;
  connectedAt: number;
  handshakeAt: number;
  requestFirstByteAt: number;
  requestLastByteAt: number;
  responseFirstByteAt: number;
  responseBodyFirstByteAt: number;
  responseLastByteAt: number;
  readonly hostsAttempted: readonly Address[];
  readonly connectionIdsAttempted: readonly number[];
  headerBytesSent: number;
  headerBytesReceived: number;
  wireBytesSent: number;
  wireBytesReceived: number;
  /** The next entry of the lists of what was tried; `connectionId` 0 = none came up. */
  noteAttempt(host: Address, connectionId: number): void;
}

export interface StreamInfo {
  readonly kind: 'http' | 'tcp';
  /** Monotonic; wall = `wallOffset + startAt`. */
  readonly startAt: number;
  readonly wallOffset: number;
  /** Connection id downstream, thread id of the worker. */
  readonly connectionId: number;
  readonly threadId: number;
  readonly secure: boolean;
  protocol: string;
  responseCode: number;
  responseCodeDetails: string;
  connectionTerminationDetails: string;
  readonly flags: ResponseFlag[];
  setFlag(flag: ResponseFlag): void;
  hasFlag(flag: ResponseFlag): boolean;
  bytesReceived: number;
  bytesSent: number;
  requestHeaderBytes: number;
  responseHeaderBytes: number;
  downstreamWireBytesReceived: number;
  downstreamWireBytesSent: number;
  /** Last request byte received; first and last response byte handed to the kernel; end of the stream. */
  requestLastByteAt: number;
  responseFirstByteAt: number;
  responseLastByteAt: number;
  endAt: number;
  routeName: string;
  clusterName: string;
  virtualHostName: string;
  filterChainName: string;
  downstreamLocalAddress: Address;
  downstreamRemoteAddress: Address;
  downstreamDirectRemoteAddress: Address;
  attemptCount: number;
  upstream: UpstreamInfo;
  readonly ledger: Ledger;
  /**
   * The codec found `mark` (null: none, the read ended inside a part) after `bytes` more wire bytes of this message, in the
   * newest read of `connection`. Called *before* the event's own callback, so flow control already in force shows as `!n`.
   * Fragments of one read are merged. Records nothing where no configured log prints the group.
   */
  noteRead(
    group: 'downstreamRead' | 'upstreamRead',
    connection: Connection,
    mark: Mark | null,
    bytes: number,
  ): void;
  /** The observer to hand to `Connection.observeWrites` for this group; also keeps wire byte counts and last-byte times. */
  writeObserver(group: 'upstreamWrite' | 'downstreamWrite'): IoObserver;
  /** Called when the response's last byte has been taken by the kernel, at `at` (from the downstream write observer's `onFlushed`). */
  onDelivered: ((at: number) => void) | null;
  /** A new attempt begins: upstream groups and times start anew (Envoy: the log shows the last attempt). */
  resetUpstream(): void;
  /** ms that each HTTP filter of the chain took: synchronous calls, and waiting after it stopped the iteration. */
  noteFilterTime(filterIndex: number, ms: number): void;
  turnAtStart: number;
  turnAtEnd: number;
  readonly metadata: Map<string, Map<string, unknown>>;
  /** Ends the stream: sets `endAt` and `turnAtEnd` and closes the ledger (if its owner has not). A second call asserts. */
  close(at: number): void;
}

/** What the finished stream is written from. Header maps are null where there were none. */
export interface LogContext {
  readonly info: StreamInfo;
  readonly request: HeaderMap | null;
  readonly response: HeaderMap | null;
  readonly trailers: HeaderMap | null;
  readonly logType: string;
  /** Body of the local reply that answered the stream, if one did. */
  readonly localReplyBody?: string;
}

/** Which observations the configured logs print; what none prints is not recorded. */
export interface ObservationNeeds {
  readonly downstreamRead: boolean;
  readonly upstreamWrite: boolean;
  readonly upstreamRead: boolean;
  readonly downstreamWrite: boolean;
  readonly ledger: boolean;
}

/** The access logs of one filter. `needs` is the union of what their formats print. */
export interface AccessLogs extends AccessLogger {
  readonly needs: ObservationNeeds;
  readonly empty: boolean;
}

export interface AccessLogger {
  /** Called once per stream, after `StreamInfo` was closed. Must not throw. */
  log(context: LogContext): void;
}

/** A line as bytes, and a way to put them somewhere. */
export interface LineBytes {
  readonly length: number;
  copyTo(target: Buffer, at: number): void;
}

/** Where formatted lines go: a file thread, standard output. Batches; never blocks; counts what it drops. */
export interface LineSink {
  write(line: string): void;
  /** The same for a line that is bytes already; they are copied at once. */
  writeLine(line: LineBytes): void;
  /** Everything written so far goes out; called at the end of a drain. */
  flush(): void;
}
