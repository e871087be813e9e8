/**
 * A TCP or unix connection of either side: the meeting point of socket, filters, write buffer and flow control.
 *
 *   socket --read--> read buffer --> read filters (terminal one: HTTP, tcp_proxy)
 *   writers --> write filters --> watermark queue --(end of turn)--> one sendmsg
 *
 * Owns its socket, both buffers, the delayed-close timer. Invariants: one of the two close events is told, exactly once and
 * last; whatever lies in the write buffer at the end of a turn has been offered to the kernel or waits for it to be writable.
 */
import type { ByteQueue, Bytes } from '../api/bytes.ts';
import type { Flushable } from '../api/event.ts';
import type {
  CloseType,
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  ConnectionState,
  LastRead,
  ReadFilter,
  ReadPauses,
  WriteFilter,
} from '../api/network.ts';
import type { IoObserver } from '../api/observe.ts';
import type { Address, ReadResult, Socket, SocketEvents } from '../api/socket.ts';
import { View } from '../buffer/bytes.ts';
import { ChunkQueue } from '../buffer/chunk-queue.ts';
import { SLAB_BYTES } from '../buffer/turn-slab.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { nextState } from './connection-state.ts';
import type { ConnectionTransition } from './connection-state.ts';
import { FilterChain } from './filter-chain.ts';
import { ReadControl } from './read-control.ts';
import { WriteSide } from './write-side.ts';
import type { ConnectionThread } from './connection-thread.ts';

export interface ConnectionOptions {
  readonly thread: ConnectionThread;
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly createdAt: number;
  readonly bufferLimitBytes: number;
}

/** Reads of one readiness event before others get their turn. */
const READS_PER_EVENT = 4;
/** `delayed_close_timeout` of Envoy. */
const DELAYED_CLOSE_MS = 1000;

export class StreamConnection implements Connection, SocketEvents, Flushable {
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly dispatcher: TurnDispatcher;
  readonly createdAt: number;
  connectedAt = -1;
  handshakeAt = -1;
  bytesReceived = 0;
  state: ConnectionState;
  closeReason = '';
  remoteEnded = false;
  readonly lastRead: LastRead = { serial: 0, at: -1, took: 0, waited: -1, bytes: 0 };
  readonly #thread: ConnectionThread;
  readonly #socket: Socket;
  readonly #readBuffer: ByteQueue;
  readonly #filters: FilterChain;
  readonly #reads = new ReadControl();
  readonly #out: WriteSide;
  #callbacks: ConnectionCallbacks[] = [];
  #bufferLimit: number;
  #halfClose = false;
  #flushScheduled = false;
  #closeAfterFlush: 'no' | 'flush' | 'flush-delayed' = 'no';
  #delayedCloseMs = DELAYED_CLOSE_MS;
  #delayedClose: ReturnType<TurnDispatcher['createTimer']> | null = null;
  #resumePosted = false;

  /** `open` makes the socket and binds this object's events to it. */
  constructor(
    options: ConnectionOptions,
    state: 'connecting' | 'open',
    open: (events: (socket: Socket) => SocketEvents) => Socket,
  ) {
    this.#thread = options.thread;
    this.dispatcher = options.thread.dispatcher;
    this.id = options.id;
    this.side = options.side;
    this.createdAt = options.createdAt;
    this.state = state;
    if (state === 'open') this.#markConnected(options.createdAt);
    this.#bufferLimit = options.bufferLimitBytes;
    this.#readBuffer = new ChunkQueue(options.thread.blocks);
    this.#filters = new FilterChain(this, this.#readBuffer);
    this.#out = new WriteSide(options.thread, {
      onHigh: () => this.#tell((callbacks) => callbacks.onAboveWriteBufferHighWatermark()),
      onLow: () => this.#tell((callbacks) => callbacks.onBelowWriteBufferLowWatermark()),
    });
    this.#out.queue.setLimit(options.bufferLimitBytes);
    this.#socket = open(() => this);
  }

  get localAddress(): Address {
    return this.#socket.localAddress;
  }

  get remoteAddress(): Address {
    return this.#socket.remoteAddress;
  }

  get secure(): boolean {
    return this.#socket.secure;
  }

  get bytesSent(): number {
    return this.#out.flushed;
  }

  get pauses(): ReadPauses {
    return this.#reads.pauses;
  }

  get readDisabled(): boolean {
    return this.#reads.disabled;
  }

  get writePosition(): number {
    return this.#out.position;
  }

  get writeBuffered(): number {
    return this.#out.queue.length;
  }

  get aboveHighWatermark(): boolean {
    return this.#out.queue.above;
  }

  addReadFilter(filter: ReadFilter): void {
    this.#filters.addRead(filter);
  }

  addWriteFilter(filter: WriteFilter): void {
    this.#filters.addWrite(filter);
  }

  addCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = [...this.#callbacks, callbacks];
  }

  removeCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = this.#callbacks.filter((entry) => entry !== callbacks);
  }

  /** Tells the read filters of the new connection. Called once, after they were added. */
  startFilters(): void {
    this.#filters.start();
  }

  enableHalfClose(on: boolean): void {
    this.#halfClose = on;
  }

  write(bytes: Bytes, endStream: boolean): void {
    if (!this.#writable()) return;
    if (this.#filters.hasWriteFilters) this.#writeThroughFilters(bytes, endStream);
    else if (bytes.end > bytes.start) this.#out.queue.push(bytes);
    if (endStream) this.#out.endRequested = true;
    this.#schedule();
  }

  writeText(text: string): void {
    if (!this.#writable()) return;
    const { slab } = this.#thread;
    slab.reserve(text.length);
    const start = slab.position;
    const end = start + slab.block.buffer.write(text, start, text.length, 'latin1');
    slab.position = end;
    this.write(new View(slab.block, start, end), false);
  }

  endWrite(): void {
    if (!this.#writable()) return;
    this.#out.endRequested = true;
    this.#schedule();
  }

  readDisable(disable: boolean, cause: 'flow' | 'codec' = 'flow'): void {
    if (this.state === 'closed') return;
    if (!this.#reads.change(disable, cause, this.dispatcher.clock.now())) return;
    this.#socket.setReadInterest(!disable);
    if (!disable && this.#readBuffer.length > 0) this.#postResume();
  }

  setBufferLimit(bytes: number): void {
    this.#bufferLimit = bytes;
    this.#out.queue.setLimit(bytes);
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void {
    this.#socket.setKeepAlive(probes, idleSeconds, intervalSeconds);
  }

  setDelayedCloseTimeout(ms: number): void {
    this.#delayedCloseMs = ms;
  }

  observeWrites(observer: IoObserver): void {
    this.#out.observers.begin(observer, this.#out.position);
  }

  endObserveWrites(observer: IoObserver): void {
    this.#out.observers.end(observer, this.#out.position);
    this.#schedule();
  }

  peek(): number {
    return this.#socket.peek();
  }

  close(type: CloseType, reason = ''): void {
    if (this.state === 'closed') return;
    if (type === 'abort' || type === 'reset') {
      this.#finish('local-close', reason, type === 'reset');
      return;
    }
    if (this.#closeAfterFlush !== 'no' || this.state === 'connecting') {
      if (this.state === 'connecting') this.#finish('local-close', reason, false);
      return;
    }
    this.#closeAfterFlush = type;
    if (reason !== '') this.closeReason = reason;
    this.#move('begin-close');
    this.#readBuffer.clear();
    this.#armDelayedClose();
    this.#schedule();
  }

  onConnect(errorCode: string): void {
    if (this.state !== 'connecting') return;
    if (errorCode !== '') {
      this.#finish('remote-close', errorCode, false);
      return;
    }
    this.#move('connected');
    this.#markConnected(this.dispatcher.clock.now());
    this.#tell((callbacks) => callbacks.onEvent('connected'));
    if (this.#out.pending) this.#schedule();
  }

  onReadable(): void {
    for (let count = 0; count < READS_PER_EVENT; count += 1) {
      if (this.#reads.disabled || this.state === 'closed' || this.state === 'connecting') return;
      const result = this.#socket.read(
        this.#bufferLimit === 0 ? SLAB_BYTES : Math.min(SLAB_BYTES, this.#bufferLimit),
      );
      if (!this.#takeRead(result)) return;
    }
    this.#postResume();
  }

  onWritable(): void {
    if (!this.#out.blocked || this.state === 'closed') return;
    this.#out.blocked = false;
    this.#schedule();
  }

  /** End of the turn: offers what is queued to the kernel, and keeps what it does not take. */
  flush(): void {
    this.#flushScheduled = false;
    if (this.#readBuffer.length > 0) this.#readBuffer.own();
    if (this.state === 'closed' || this.state === 'connecting') {
      this.#out.queue.own();
      return;
    }
    const error = this.#out.flush(this.#socket, this.id);
    if (error !== '') {
      this.#onWriteError(error);
      return;
    }
    if (this.#out.progressed && this.#delayedClose?.enabled) this.#armDelayedClose();
    if (!this.#out.pending) this.#onDrained();
  }

  #markConnected(at: number): void {
    this.connectedAt = at;
    this.handshakeAt = at;
  }

  #writable(): boolean {
    return this.state === 'open' || this.state === 'connecting';
  }

  /** False: nothing more to read now. */
  #takeRead(result: ReadResult): boolean {
    switch (result.status) {
      case 'again':
        return false;
      case 'error':
        this.#finish('remote-close', result.errorCode, false);
        return false;
      case 'end':
        this.#onRemoteEnd();
        return false;
      case 'data':
        break;
    }
    const { lastRead } = this;
    const size = result.end - result.start;
    lastRead.serial += 1;
    lastRead.at = result.at;
    lastRead.took = result.took;
    lastRead.waited = result.waited;
    lastRead.bytes = size;
    this.bytesReceived += size;
    // A closing connection reads on, so that no unread byte turns the FIN into a reset, and drops what it reads.
    if (this.state !== 'open') return true;
    this.#readBuffer.push(new View(result.block, result.start, result.end));
    this.#filters.onData(false);
    if (this.#readBuffer.length > 0) this.#schedule();
    return this.#socket.moreToRead;
  }

  #onRemoteEnd(): void {
    if (this.remoteEnded) return;
    this.remoteEnded = true;
    if (!this.#halfClose || this.state !== 'open') {
      this.#finish('remote-close', '', false);
      return;
    }
    this.#filters.onData(true);
    if (this.#readBuffer.length > 0) this.#schedule();
    if (this.#out.ended) this.#finish('remote-close', '', false);
  }

  /** The peer does not take bytes any more. What it sent before that is still worth reading: an early answer. */
  #onWriteError(error: string): void {
    this.#out.queue.clear();
    this.#out.blocked = true;
    if (this.side === 'upstream' && !this.#reads.disabled) this.onReadable();
    if (this.state !== 'closed') this.#finish('remote-close', error, false);
  }

  #onDrained(): void {
    if (this.#out.endRequested && !this.#out.ended) {
      this.#out.ended = true;
      this.#socket.shutdownWrite();
      if (this.remoteEnded && this.#closeAfterFlush === 'no') this.#finish('remote-close', '', false);
    }
    if (this.#closeAfterFlush === 'flush' || (this.#closeAfterFlush !== 'no' && this.#delayedCloseMs === 0)) {
      this.#finish('local-close', this.closeReason, false);
    } else if (this.#closeAfterFlush === 'flush-delayed' && this.state === 'closing') {
      this.#move('half-closed');
      if (!this.#out.ended) this.#socket.shutdownWrite();
      this.#out.ended = true;
      this.#armDelayedClose();
      while (this.#reads.disabled) this.readDisable(false, 'codec');
    }
  }

  #armDelayedClose(): void {
    if (this.#delayedCloseMs === 0) return;
    this.#delayedClose ??= this.dispatcher.createTimer(() =>
      this.#finish('local-close', 'triggered_delayed_close_timeout', false),
    );
    this.#delayedClose.enable(this.#delayedCloseMs);
  }

  #finish(event: Exclude<ConnectionEvent, 'connected'>, reason: string, reset: boolean): void {
    if (this.state === 'closed') return;
    this.#move('closed');
    if (reason !== '') this.closeReason = reason;
    this.#delayedClose?.disable();
    this.#socket.close(reset);
    this.#readBuffer.clear();
    this.#out.close();
    this.#tell((callbacks) => callbacks.onEvent(event));
  }

  #writeThroughFilters(bytes: Bytes, endStream: boolean): void {
    const data = new ChunkQueue(this.#thread.blocks);
    data.push(bytes);
    if (this.#filters.onWrite(data, endStream)) data.moveTo(this.#out.queue);
  }

  #postResume(): void {
    if (this.#resumePosted) return;
    this.#resumePosted = true;
    this.dispatcher.post(() => {
      this.#resumePosted = false;
      this.#resume();
    });
  }

  /** Goes on with what lies in the read buffer, then with the socket. */
  #resume(): void {
    if (this.#reads.disabled || this.state === 'closed') return;
    if (this.#readBuffer.length > 0 && this.state === 'open') {
      this.#filters.onData(false);
      if (this.#readBuffer.length > 0) this.#schedule();
    }
    this.onReadable();
  }

  #schedule(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.dispatcher.scheduleFlush(this);
  }

  #move(transition: ConnectionTransition): void {
    this.state = nextState(this.state, transition);
  }

  #tell(call: (callbacks: ConnectionCallbacks) => void): void {
    for (const callbacks of this.#callbacks) call(callbacks);
  }
}
