/**
 * A TCP or unix connection of either side: the meeting point of socket, filters, write buffer and flow control.
 *
 *   socket --read--> ReadSide --> read filters (terminal one: HTTP, tcp_proxy)
 *   writers --> write filters --> WriteSide (watermarks) --(end of turn)--> one sendmsg
 *
 * Owns its socket and the delayed-close timer. Invariants: one of the two close events is told, exactly once and last; what
 * lies in the write buffer at the end of a turn has been offered to the kernel or waits for it to be writable.
 */
import type { Bytes } from '../api/bytes.ts';
import type { Flushable, Timer } from '../api/event.ts';
import type {
  CloseType,
  ConnectionCallbacks,
  ConnectionEvent,
  ConnectionState,
  LastRead,
  ReadFilter,
  ReadPauses,
  WriteFilter,
} from '../api/network.ts';
import type { IoObserver } from '../api/observe.ts';
import type { Address, Socket, SocketEvents } from '../api/socket.ts';
import { View } from '../buffer/bytes.ts';
import { ChunkQueue } from '../buffer/chunk-queue.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { nextState } from './connection-state.ts';
import type { ConnectionTransition } from './connection-state.ts';
import type { ConnectionThread } from './connection-thread.ts';
import { ReadSide } from './read-side.ts';
import type { ReadOwner } from './read-side.ts';
import { WriteSide } from './write-side.ts';

export interface ConnectionOptions {
  readonly thread: ConnectionThread;
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly createdAt: number;
  readonly bufferLimitBytes: number;
}

/** `delayed_close_timeout` of Envoy. */
const DELAYED_CLOSE_MS = 1000;

export class StreamConnection implements ReadOwner, SocketEvents, Flushable {
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly dispatcher: TurnDispatcher;
  readonly createdAt: number;
  connectedAt = -1;
  handshakeAt = -1;
  state: ConnectionState;
  closeReason = '';
  remoteEnded = false;
  readonly #thread: ConnectionThread;
  readonly #socket: Socket;
  readonly #in: ReadSide;
  readonly #out: WriteSide;
  #callbacks: ConnectionCallbacks[] = [];
  #halfClose = false;
  #flushScheduled = false;
  #closeWhenFlushed: 'no' | 'flush' | 'flush-delayed' = 'no';
  #delayedCloseMs = DELAYED_CLOSE_MS;
  #delayedClose: Timer | null = null;

  /** `open` makes the socket and binds this object's events to it. */
  constructor(
    options: ConnectionOptions,
    state: 'connecting' | 'open',
    open: (events: (socket: Socket) => SocketEvents) => Socket,
  ) {
    const { thread, bufferLimitBytes } = options;
    this.#thread = thread;
    this.dispatcher = thread.dispatcher;
    this.id = options.id;
    this.side = options.side;
    this.createdAt = options.createdAt;
    this.state = state;
    if (state === 'open') this.#markConnected(options.createdAt);
    this.#in = new ReadSide(this, thread, bufferLimitBytes);
    this.#out = new WriteSide(thread, {
      onHigh: () => this.#tell((callbacks) => callbacks.onAboveWriteBufferHighWatermark()),
      onLow: () => this.#tell((callbacks) => callbacks.onBelowWriteBufferLowWatermark()),
    });
    this.#out.queue.setLimit(bufferLimitBytes);
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

  get bytesReceived(): number {
    return this.#in.received;
  }

  get bytesSent(): number {
    return this.#out.flushed;
  }

  get lastRead(): LastRead {
    return this.#in.lastRead;
  }

  get pauses(): ReadPauses {
    return this.#in.control.pauses;
  }

  get readDisabled(): boolean {
    return this.#in.control.disabled;
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
    this.#in.filters.addRead(filter);
  }

  addWriteFilter(filter: WriteFilter): void {
    this.#in.filters.addWrite(filter);
  }

  addCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = [...this.#callbacks, callbacks];
  }

  removeCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = this.#callbacks.filter((entry) => entry !== callbacks);
  }

  /** Tells the read filters of the new connection. Called once, after they were added. */
  startFilters(): void {
    this.#in.filters.start();
  }

  enableHalfClose(on: boolean): void {
    this.#halfClose = on;
  }

  write(bytes: Bytes, endStream: boolean): void {
    if (!this.#acceptsWrites()) return;
    if (this.#in.filters.hasWriteFilters) this.#writeThroughFilters(bytes, endStream);
    else if (bytes.end > bytes.start) this.#out.queue.push(bytes);
    if (endStream) this.#out.endRequested = true;
    this.onBytesKept();
  }

  writeText(text: string): void {
    if (!this.#acceptsWrites()) return;
    const { slab } = this.#thread;
    slab.reserve(text.length);
    const start = slab.position;
    const end = start + slab.block.buffer.write(text, start, text.length, 'latin1');
    slab.position = end;
    this.write(new View(slab.block, start, end), false);
  }

  endWrite(): void {
    if (!this.#acceptsWrites()) return;
    this.#out.endRequested = true;
    this.onBytesKept();
  }

  readDisable(disable: boolean, cause: 'flow' | 'codec' = 'flow'): void {
    if (this.state !== 'closed') this.#in.disable(this.#socket, disable, cause);
  }

  setBufferLimit(bytes: number): void {
    this.#in.setBufferLimit(bytes);
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
    this.onBytesKept();
  }

  peek(): number {
    return this.#socket.peek();
  }

  close(type: CloseType, reason = ''): void {
    if (this.state === 'closed') return;
    if (type === 'abort' || type === 'reset' || this.state === 'connecting') {
      this.#finish('local-close', reason, type === 'reset');
      return;
    }
    if (this.#closeWhenFlushed !== 'no') return;
    this.#closeWhenFlushed = type;
    if (reason !== '') this.closeReason = reason;
    this.#move('begin-close');
    this.#in.clear();
    this.#armDelayedClose();
    this.onBytesKept();
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
    if (this.#out.queue.length > 0) this.onBytesKept();
  }

  onReadable(): void {
    this.#in.onReadable(this.#socket);
  }

  onWritable(): void {
    if (!this.#out.blocked || this.state === 'closed') return;
    this.#out.blocked = false;
    this.onBytesKept();
  }

  onReadEnd(): void {
    if (this.remoteEnded) return;
    this.remoteEnded = true;
    if (!this.#halfClose || this.state !== 'open') {
      this.#finish('remote-close', '', false);
      return;
    }
    this.#in.end();
    if (this.#out.ended) this.#finish('remote-close', '', false);
  }

  onReadError(errorCode: string): void {
    this.#finish('remote-close', errorCode, false);
  }

  /** Something of this connection needs the end of the turn: bytes to send, or bytes to keep. */
  onBytesKept(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.dispatcher.scheduleFlush(this);
  }

  /** End of the turn: offers what is queued to the kernel, and keeps what it does not take. */
  flush(): void {
    this.#flushScheduled = false;
    this.#in.own();
    if (this.state === 'closed' || this.state === 'connecting') {
      this.#out.queue.own();
      return;
    }
    const error = this.#out.flush(this.#socket, this.id);
    if (error !== '') {
      this.#onWriteError(error);
      return;
    }
    if (this.#out.progressed && this.#delayedClose?.enabled === true) this.#armDelayedClose();
    if (this.#out.queue.length === 0) this.#onDrained();
  }

  #markConnected(at: number): void {
    this.connectedAt = at;
    this.handshakeAt = at;
  }

  #acceptsWrites(): boolean {
    return this.state === 'open' || this.state === 'connecting';
  }

  /** The peer does not take bytes any more. What it sent before that is still worth reading: an early answer. */
  #onWriteError(error: string): void {
    this.#out.fail();
    if (this.side === 'upstream' && !this.readDisabled) this.onReadable();
    this.#finish('remote-close', error, false);
  }

  #onDrained(): void {
    if (this.#out.endRequested) this.#endWriting();
    if (this.#closeWhenFlushed === 'no') {
      if (this.remoteEnded && this.#out.ended) this.#finish('remote-close', '', false);
    } else if (this.#closeWhenFlushed === 'flush' || this.#delayedCloseMs === 0) {
      this.#finish('local-close', this.closeReason, false);
    } else if (this.state === 'closing') {
      this.#move('half-closed');
      this.#endWriting();
      this.#armDelayedClose();
      this.#in.control.release(() => this.#socket.setReadInterest(true));
    }
  }

  #endWriting(): void {
    if (this.#out.ended) return;
    this.#out.ended = true;
    this.#socket.shutdownWrite();
  }

  #armDelayedClose(): void {
    if (this.#delayedCloseMs === 0) return;
    this.#delayedClose ??= this.dispatcher.createTimer(() => {
      this.#finish('local-close', 'triggered_delayed_close_timeout', false);
    });
    this.#delayedClose.enable(this.#delayedCloseMs);
  }

  #finish(event: Exclude<ConnectionEvent, 'connected'>, reason: string, reset: boolean): void {
    if (this.state === 'closed') return;
    this.#move('closed');
    if (reason !== '') this.closeReason = reason;
    this.#delayedClose?.disable();
    this.#socket.close(reset);
    this.#in.clear();
    this.#out.close();
    this.#tell((callbacks) => callbacks.onEvent(event));
  }

  #writeThroughFilters(bytes: Bytes, endStream: boolean): void {
    const data = new ChunkQueue(this.#thread.blocks);
    data.push(bytes);
    if (this.#in.filters.onWrite(data, endStream)) data.moveTo(this.#out.queue);
  }

  #move(transition: ConnectionTransition): void {
    this.state = nextState(this.state, transition);
  }

  #tell(call: (callbacks: ConnectionCallbacks) => void): void {
    for (const callbacks of this.#callbacks) call(callbacks);
  }
}
