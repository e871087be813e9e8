/**
 * L4: a connection and its filters.
 *
 * Read filters run in configured order on each read, write filters in reverse on each write. After every filter call
 * the connection is checked to be still open. The last read filter is the terminal one (tcp_proxy, HTTP).
 */
import type { ByteQueue, Bytes } from './bytes.ts';
import type { Address } from './socket.ts';
import type { Dispatcher } from './event.ts';
import type { AccessLogs, IoObserver, LineSink } from './observe.ts';
import type { StatsScope } from './stats.ts';
import type { ClusterManager } from './upstream.ts';
import type { RouteSlot } from './server.ts';
import type { AccessLog } from './envoy.ts';

export type FilterStatus = 'continue' | 'stop';

export interface ReadFilter {
  /** Once, before any byte is read. `stop`: later filters wait for `callbacks.continueReading()`. */
  onNewConnection(): FilterStatus;
  /**
   * `data` is the connection's read buffer: drain what was used; what stays is shown again with the next read.
   * `endStream`: the peer sent FIN, no call follows. A filter that stops does not hide data from itself, only from
   * the filters behind it.
   */
  onData(data: ByteQueue, endStream: boolean): FilterStatus;
  /** Once per filter, before `onNewConnection`. */
  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void;
}

export interface WriteFilter {
  /** Before bytes enter the write buffer. `stop`: nothing is written; the filter owns `data` from now on. */
  onWrite(data: ByteQueue, endStream: boolean): FilterStatus;
}

export interface ReadFilterCallbacks {
  readonly connection: Connection;
  /** Goes on behind this filter with what is in the read buffer. */
  continueReading(): void;
}

/**
 * `connecting`: upstream only, before TCP (and TLS) is up. `open`. `closing`: a close with flush was asked, unsent bytes
 * remain. `draining`: delayed close, everything sent and FIN sent, waiting for the peer. `closed`: terminal.
 * Half-closes are flags beside the state because both directions have theirs.
 */
export type ConnectionState = 'connecting' | 'open' | 'closing' | 'draining' | 'closed';

/** `connected` comes only to upstream connections. One of the two closes comes exactly once and last. */
export type ConnectionEvent = 'connected' | 'remote-close' | 'local-close';

/**
 * `flush`: send what is buffered, then close. `flush-delayed`: the same, then FIN and up to `delayed_close_timeout`
 * for the peer to read it. `abort`: now, unsent bytes are lost. `reset`: now, with RST.
 */
export type CloseType = 'flush' | 'flush-delayed' | 'abort' | 'reset';

export interface ConnectionCallbacks {
  onEvent(event: ConnectionEvent): void;
  /** The write buffer grew above its high watermark. Edge. */
  onAboveWriteBufferHighWatermark(): void;
  /** It fell to the low watermark after a high. Edge. */
  onBelowWriteBufferLowWatermark(): void;
}

/** The newest read of a connection, for whoever decodes its bytes. Overwritten by the next read. */
export interface LastRead {
  /** Counts reads of this connection from 1: tells two reads apart. */
  serial: number;
  /** ms monotonic when the read began. */
  at: number;
  took: number;
  waited: number;
  bytes: number;
}

/** Times that reads of a connection were switched off by flow control. */
export interface ReadPauses {
  /** Switched off this often since reads last went on for good; the `n` of `!n`. */
  consecutive: number;
  /** When reads were switched off, ms monotonic; -1 when they are on. */
  since: number;
  /** The last pause that ended: when it ended and how long it was; `resumedAt` -1 = none, or already told to a stream. */
  resumedAt: number;
  resumedAfter: number;
  /** `consecutive` of that pause. */
  resumedCount: number;
}

export interface Connection {
  /** Counted per process from 1, both sides together. */
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly state: ConnectionState;
  readonly dispatcher: Dispatcher;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly secure: boolean;
  /** When accepted or when connect began; ms monotonic. */
  readonly createdAt: number;
  /** When TCP was up, and TLS behind it; -1 before. Downstream: equal to `createdAt` for raw ones. */
  readonly connectedAt: number;
  readonly handshakeAt: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly lastRead: LastRead;
  readonly pauses: ReadPauses;
  /** Bytes ever put into the write buffer: the position of the next byte written, for `observeWrites`. */
  readonly writePosition: number;
  /** Bytes in the write buffer now. */
  readonly writeBuffered: number;
  readonly aboveHighWatermark: boolean;
  /** errno name or reason of the close, '' before and for a clean one. */
  readonly closeReason: string;
  /** The peer has sent FIN. */
  readonly remoteEnded: boolean;

  addReadFilter(filter: ReadFilter): void;
  addWriteFilter(filter: WriteFilter): void;
  /** Order of calls is order of adding. Safe to call inside a callback. */
  addCallbacks(callbacks: ConnectionCallbacks): void;
  removeCallbacks(callbacks: ConnectionCallbacks): void;

  /** Queues; the bytes leave at the end of the turn. `endStream` sends FIN behind them. */
  write(bytes: Bytes, endStream: boolean): void;
  /** Queues latin1 text (heads, chunk framing): encoded straight into the slab. */
  writeText(text: string): void;
  /** FIN behind what is queued. */
  endWrite(): void;
  /**
   * A counter: reads go on when every `true` had its `false`. Calls on a closed connection are ignored. `flow` (default):
   * flow control, noted in `pauses` and so in the log; `codec`: the codec is not ready for more (pipelining), not noted.
   */
  readDisable(disable: boolean, cause?: 'flow' | 'codec'): void;
  readonly readDisabled: boolean;
  close(type: CloseType, reason?: string): void;
  /** High watermark in bytes, low is half; 0 = no limit. */
  setBufferLimit(bytes: number): void;
  setNoDelay(on: boolean): void;
  /** 0 = the system's own setting. */
  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void;
  /**
   * Off (the default, as for HTTP in Envoy): the peer's FIN closes the connection and no `endStream` is shown. On (tcp_proxy):
   * the read filters get `endStream`, and the connection lives until both sides have ended.
   */
  enableHalfClose(on: boolean): void;
  setDelayedCloseTimeout(ms: number): void;
  /**
   * From `writePosition` on, writes that carry bytes of `observer` are reported to it (see `IoObserver`) until
   * `endObserveWrites`, called at the position where its bytes end.
   */
  observeWrites(observer: IoObserver): void;
  endObserveWrites(observer: IoObserver): void;
  /** -1 closed by the peer, 0 nothing unread, else bytes unread in the kernel. For the pool's check before reuse. */
  peek(): number;
}

/** What a network filter's factory may use. One per filter chain and worker. */
export interface NetworkFilterContext {
  readonly dispatcher: Dispatcher;
  readonly clusters: ClusterManager;
  readonly routes: RouteSlot;
  /** The root scope, and `listener.<address>`. */
  readonly stats: StatsScope;
  readonly listenerStats: StatsScope;
  readonly listenerPort: number;
  readonly filterChainName: string;
  /** Makes the loggers of one `access_log` list. */
  readonly accessLogs: (configs: readonly AccessLog[]) => AccessLogs;
  readonly drain: DrainDecision;
  readonly bufferLimitBytes: number;
}

/** Whether this worker is draining: HTTP/1 answers carry `connection: close` then. */
export interface DrainDecision {
  readonly draining: boolean;
  /** Told when draining begins: an HTTP connection with nothing in flight closes then. Add on open, delete on close. */
  readonly observers?: Set<DrainObserver>;
}

export interface DrainObserver {
  onDrain(): void;
}

/**
 * A network filter plug-in. `prepare` runs once per filter chain and worker, before the listener takes traffic; the function
 * that it gives makes the filter of one connection.
 */
export interface NetworkFilterFactory {
  readonly typeUrl: string;
  readonly terminal: boolean;
  prepare(config: unknown, context: NetworkFilterContext): Promise<() => ReadFilter> | (() => ReadFilter);
}

/** What an upstream network filter's factory may use. */
export interface UpstreamFilterContext {
  readonly cluster: string;
  /** The sink of a file's lines; the same path gives the same one. */
  readonly openLog: (path: string) => LineSink;
}

/**
 * A network filter of upstream connections (`Cluster.filters`). It stands in front of the pool's own and sees the bytes as they are
 * on the wire; it continues, the pool's is the terminal one. One that wants what is written, too, adds itself as write filter when it
 * gets its callbacks. `prepare` runs once per cluster and worker.
 */
export interface UpstreamFilterFactory {
  readonly typeUrl: string;
  prepare(config: unknown, context: UpstreamFilterContext): () => ReadFilter;
}
