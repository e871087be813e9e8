/**
 * A connection without a socket: records what is written, is fed what is read. Everything else is the contract of
 * `api/network.ts` kept by hand: counted read-disable, close events once, write observers told at `flush()`.
 */
import type { Bytes } from '../../src/api/bytes.ts';
import type {
  CloseType,
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  ConnectionState,
  ReadFilter,
  ReadFilterCallbacks,
  WriteFilter,
} from '../../src/api/network.ts';
import type { IoObserver } from '../../src/api/observe.ts';
import type { Address } from '../../src/api/socket.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { ChunkQueue, HEAP_BLOCKS } from '../../src/buffer/chunk-queue.ts';
import { FakeDispatcher } from './fake-dispatcher.ts';

let nextId = 1;

export class FakeConnection implements Connection {
  readonly id = nextId++;
  readonly side: 'downstream' | 'upstream';
  state: ConnectionState;
  readonly dispatcher: FakeDispatcher;
  localAddress: Address = { kind: 'ip', ip: '127.0.0.1', port: 10000, family: 4 };
  remoteAddress: Address = { kind: 'ip', ip: '127.0.0.2', port: 40000, family: 4 };
  secure = false;
  createdAt: number;
  connectedAt = -1;
  handshakeAt = -1;
  bytesReceived = 0;
  bytesSent = 0;
  readonly lastRead = { serial: 0, at: -1, took: 0, waited: 0, bytes: 0 };
  readonly pauses = { consecutive: 0, since: -1, resumedAt: -1, resumedAfter: 0, resumedCount: 0 };
  aboveHighWatermark = false;
  closeReason = '';
  remoteEnded = false;
  /** All bytes ever written, as latin1. */
  written = '';
  ended = false;
  closedBy: CloseType | null = null;
  bufferLimit = 1024 * 1024;
  noDelay = false;
  halfClose = false;
  keepAlive: [number, number, number] | null = null;
  delayedCloseMs = 1000;
  /** What `peek()` answers. */
  unread = 0;
  readDisableDepth = 0;
  readonly readBuffer = new ChunkQueue(HEAP_BLOCKS);
  readonly #filters: ReadFilter[] = [];
  #callbacks: ConnectionCallbacks[] = [];
  #observers: { observer: IoObserver; start: number; end: number }[] = [];
  #flushed = 0;

  constructor(
    side: 'downstream' | 'upstream' = 'downstream',
    dispatcher = new FakeDispatcher(),
    state: ConnectionState = 'open',
  ) {
    this.side = side;
    this.dispatcher = dispatcher;
    this.state = state;
    this.createdAt = dispatcher.clock.now();
    if (state === 'open') this.connectedAt = this.handshakeAt = this.createdAt;
  }

  get writePosition(): number {
    return this.written.length;
  }

  get writeBuffered(): number {
    return this.written.length - this.#flushed;
  }

  get readDisabled(): boolean {
    return this.readDisableDepth > 0;
  }

  addReadFilter(filter: ReadFilter): void {
    const callbacks: ReadFilterCallbacks = {
      connection: this,
      continueReading: () => this.#runFilters(false),
    };
    this.#filters.push(filter);
    filter.initializeReadFilterCallbacks(callbacks);
    filter.onNewConnection();
  }

  addWriteFilter(_filter: WriteFilter): void {
    throw new Error('the fake has no write filters');
  }

  addCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = [...this.#callbacks, callbacks];
  }

  removeCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = this.#callbacks.filter((entry) => entry !== callbacks);
  }

  write(bytes: Bytes, endStream: boolean): void {
    if (this.state === 'closed') return;
    this.written += bytes.block.buffer.toString('latin1', bytes.start, bytes.end);
    if (endStream) this.ended = true;
  }

  writeText(text: string): void {
    if (this.state !== 'closed') this.written += text;
  }

  endWrite(): void {
    this.ended = true;
  }

  readDisable(disable: boolean, cause: 'flow' | 'codec' = 'flow'): void {
    if (this.state === 'closed') return;
    this.readDisableDepth += disable ? 1 : -1;
    if (this.readDisableDepth < 0) throw new Error('read enabled more often than disabled');
    if (cause === 'flow') {
      if (disable) {
        this.pauses.consecutive += 1;
        if (this.pauses.since < 0) this.pauses.since = this.dispatcher.clock.now();
      } else {
        this.pauses.resumedAt = this.dispatcher.clock.now();
        this.pauses.resumedAfter = this.pauses.resumedAt - this.pauses.since;
        this.pauses.resumedCount = this.pauses.consecutive;
        this.pauses.since = -1;
        this.pauses.consecutive = 0;
      }
    }
    if (!disable && this.readDisableDepth === 0 && this.readBuffer.length > 0) {
      this.dispatcher.post(() => {
        if (this.readDisableDepth === 0 && this.state === 'open') this.#runFilters(false);
      });
    }
  }

  close(type: CloseType, reason = ''): void {
    if (this.state === 'closed' || this.closedBy !== null) return;
    this.closedBy = type;
    if (reason !== '') this.closeReason = reason;
    if (type === 'abort' || type === 'reset') this.#finish('local-close');
    else {
      this.state = 'closing';
      this.dispatcher.post(() => {
        this.flush();
        this.#finish('local-close');
      });
    }
  }

  setBufferLimit(bytes: number): void {
    this.bufferLimit = bytes;
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
  }

  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void {
    this.keepAlive = [probes, idleSeconds, intervalSeconds];
  }

  enableHalfClose(on: boolean): void {
    this.halfClose = on;
  }

  setDelayedCloseTimeout(ms: number): void {
    this.delayedCloseMs = ms;
  }

  observeWrites(observer: IoObserver): void {
    this.#observers.push({ observer, start: this.written.length, end: Infinity });
  }

  endObserveWrites(observer: IoObserver): void {
    for (const entry of this.#observers) if (entry.observer === observer) entry.end = this.written.length;
  }

  peek(): number {
    return this.state === 'closed' ? -1 : this.unread;
  }

  // --- what a test does to it ---

  /** Bytes arrive: one read. */
  receive(data: string | Buffer): void {
    const bytes = bytesOf(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
    this.lastRead.serial += 1;
    this.lastRead.at = this.dispatcher.clock.now();
    this.lastRead.bytes = bytes.end - bytes.start;
    this.bytesReceived += this.lastRead.bytes;
    this.readBuffer.push(bytes);
    if (!this.readDisabled) this.#runFilters(false);
  }

  /** The peer sends FIN. */
  receiveEnd(): void {
    this.remoteEnded = true;
    if (this.halfClose) this.#runFilters(true);
    else this.#finish('remote-close');
  }

  connect(): void {
    this.state = 'open';
    this.connectedAt = this.handshakeAt = this.dispatcher.clock.now();
    this.#tell((callbacks) => callbacks.onEvent('connected'));
  }

  /** The peer resets, or the connect fails. */
  fail(reason = 'ECONNRESET'): void {
    this.closeReason = reason;
    this.#finish('remote-close');
  }

  /** The kernel takes everything: observers are told, as at the end of a turn. */
  flush(): void {
    const now = this.dispatcher.clock.now();
    const from = this.#flushed;
    this.#flushed = this.written.length;
    this.bytesSent = this.#flushed;
    for (const { observer, start, end } of this.#observers) {
      const bytes = Math.min(this.#flushed, end) - Math.max(from, start);
      if (bytes > 0) observer.onWrite(now, 0, bytes, 0, true, this.id, this.secure);
    }
    const done = this.#observers.filter((entry) => entry.end <= this.#flushed);
    this.#observers = this.#observers.filter((entry) => entry.end > this.#flushed);
    for (const { observer } of done) observer.onFlushed(now);
  }

  crossHighWatermark(): void {
    this.aboveHighWatermark = true;
    this.#tell((callbacks) => callbacks.onAboveWriteBufferHighWatermark());
  }

  crossLowWatermark(): void {
    this.aboveHighWatermark = false;
    this.#tell((callbacks) => callbacks.onBelowWriteBufferLowWatermark());
  }

  /** Takes what was written so far. */
  take(): string {
    const taken = this.written.slice(this.#taken);
    this.#taken = this.written.length;
    return taken;
  }
  #taken = 0;

  #runFilters(endStream: boolean): void {
    for (const filter of this.#filters) {
      if (this.state !== 'open' || filter.onData(this.readBuffer, endStream) === 'stop') return;
    }
  }

  #finish(event: Exclude<ConnectionEvent, 'connected'>): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#tell((callbacks) => callbacks.onEvent(event));
  }

  #tell(call: (callbacks: ConnectionCallbacks) => void): void {
    for (const callbacks of this.#callbacks) call(callbacks);
  }
}
