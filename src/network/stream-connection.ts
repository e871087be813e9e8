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
import type { Flushable } from '../api/event.ts';
import type { CloseType, ConnectionCallbacks, ConnectionEvent, ConnectionState } from '../api/network.ts';
import type { IoObserver } from '../api/observe.ts';
import type { Socket, SocketEvents } from '../api/socket.ts';
import { EMPTY } from '../buffer/bytes.ts';
import { ChunkQueue } from '../buffer/chunk-queue.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { ConnectionSides } from './connection-sides.ts';
import { Closing } from './closing.ts';
import { log, logTransition } from './connection-log.ts';
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

export class StreamConnection extends ConnectionSides implements ReadOwner, SocketEvents, Flushable {
  readonly id: number;
  readonly side: 'downstream' | 'upstream';
  readonly dispatcher: TurnDispatcher;
  readonly createdAt: number;
  connectedAt = -1;
  handshakeAt = -1;
  state: ConnectionState;
  closeReason = '';
  remoteEnded = false;
  halfClose = false;
  readonly #thread: ConnectionThread;
  protected readonly socket: Socket;
  protected readonly reads: ReadSide;
  protected readonly writes: WriteSide;
  #callbacks: ConnectionCallbacks[] = [];
  #flushScheduled = false;
  readonly #closing: Closing;

  /** `open` makes the socket and binds this object's events to it. */
  constructor(
    options: ConnectionOptions,
    state: 'connecting' | 'open',
    open: (events: (socket: Socket) => SocketEvents) => Socket,
  ) {
    super();
    const { thread, bufferLimitBytes } = options;
    this.#thread = thread;
    this.dispatcher = thread.dispatcher;
    this.id = options.id;
    this.side = options.side;
    this.createdAt = options.createdAt;
    this.state = state;
    if (state === 'open') this.#markConnected(options.createdAt);
    this.#closing = new Closing(thread.dispatcher, () => {
      this.#finish('local-close', 'triggered_delayed_close_timeout', false);
    });
    this.reads = new ReadSide(this, thread, bufferLimitBytes);
    this.writes = new WriteSide(thread, {
      onHigh: () => {
        if (log.debugOn) log.debug(`[C${this.id}] onAboveWriteBufferHighWatermark`);
        this.#tell((callbacks) => callbacks.onAboveWriteBufferHighWatermark());
      },
      onLow: () => {
        if (log.debugOn) log.debug(`[C${this.id}] onBelowWriteBufferLowWatermark`);
        this.#tell((callbacks) => callbacks.onBelowWriteBufferLowWatermark());
      },
    });
    this.writes.queue.setLimit(bufferLimitBytes);
    this.socket = open(() => this);
  }

  addCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = [...this.#callbacks, callbacks];
  }

  removeCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = this.#callbacks.filter((entry) => entry !== callbacks);
  }

  enableHalfClose(on: boolean): void {
    this.halfClose = on;
  }

  write(bytes: Bytes, endStream: boolean): void {
    if (!this.#acceptsWrites()) return;
    if (this.reads.filters.hasWriteFilters) {
      if (!this.#writeThroughFilters(bytes, endStream)) return;
    } else if (bytes.end > bytes.start) this.writes.queue.push(bytes);
    if (endStream) this.writes.endRequested = true;
    this.onBytesKept();
  }

  writeText(text: string): void {
    if (!this.#acceptsWrites()) return;
    this.write(this.#thread.slab.latin1(text), false);
  }

  endWrite(): void {
    this.write(EMPTY, true);
  }

  readDisable(disable: boolean, cause: 'flow' | 'codec' = 'flow'): void {
    if (this.state !== 'closed') this.reads.disable(this.socket, disable, cause);
  }

  setBufferLimit(bytes: number): void {
    this.reads.setBufferLimit(bytes);
    this.writes.queue.setLimit(bytes);
  }

  setDelayedCloseTimeout(ms: number): void {
    this.#closing.timeoutMs = ms;
  }

  observeWrites(observer: IoObserver): void {
    this.writes.observers.begin(observer, this.writes.position);
  }

  endObserveWrites(observer: IoObserver): void {
    this.writes.observers.end(observer, this.writes.position);
    this.onBytesKept();
  }

  close(type: CloseType, reason = ''): void {
    if (this.state === 'closed') return;
    if (type === 'abort' || type === 'reset' || this.state === 'connecting') {
      this.#finish('local-close', reason, type === 'reset');
      return;
    }
    if (this.#closing.whenFlushed !== 'nothing') return;
    this.#closing.begin(type);
    if (reason !== '') this.closeReason = reason;
    this.#move('begin-close');
    this.reads.clear();
    this.onBytesKept();
  }

  onConnect(errorCode: string, local = false): void {
    if (this.state !== 'connecting') return;
    if (errorCode !== '') {
      this.#finish(local ? 'local-close' : 'remote-close', errorCode, false);
      return;
    }
    this.#move('connected');
    this.#markConnected(this.dispatcher.clock.now());
    this.#tell((callbacks) => callbacks.onEvent('connected'));
    if (this.writes.queue.length > 0 || this.writes.endRequested) this.onBytesKept();
  }

  onReadAhead(): void {
    this.reads.readAhead(this.socket);
  }

  onReadable(): void {
    this.reads.onReadable(this.socket);
  }

  onWritable(): void {
    if (!this.writes.blocked || this.state === 'closed') return;
    this.writes.blocked = false;
    this.#closing.restart();
    this.onBytesKept();
  }

  onHangUp(errorCode: string): void {
    this.reads.onHangUp(this.socket, errorCode);
  }

  onReadEnd(): void {
    if (this.remoteEnded) return;
    this.remoteEnded = true;
    if (!this.halfClose || this.state !== 'open') {
      this.#finish('remote-close', '', false);
      return;
    }
    this.reads.end();
    if (this.writes.ended) this.#finish('remote-close', '', false);
  }

  onReadError(errorCode: string): void {
    this.#finish('remote-close', errorCode, false);
  }

  /** This connection needs the end of the turn: bytes to send, or bytes to keep. */
  onBytesKept(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.dispatcher.scheduleFlush(this);
  }

  /** End of the turn: offers what is queued to the kernel. */
  flush(): void {
    this.#flushScheduled = false;
    this.reads.own();
    if (this.state === 'closed' || this.state === 'connecting') this.writes.queue.own();
    else this.writes.offer(this.socket);
  }

  /** Offers what is still to be written, keeps what the kernel does not take, and tells. */
  afterFlush(): void {
    if (this.state === 'closed' || this.state === 'connecting') return;
    const error = this.writes.flush(this.socket, this.id);
    if (error !== '') {
      this.#onWriteError(error);
      return;
    }
    if (this.writes.progressed) this.#closing.restart();
    // An observer may have closed it; a portable socket that is blocked still holds the last bytes itself.
    if (this.writes.queue.length === 0 && !this.writes.blocked && this.#alive()) this.#onDrained();
  }

  #markConnected(at: number): void {
    this.connectedAt = this.handshakeAt = at;
  }

  #alive(): boolean {
    return this.state !== 'closed';
  }

  #acceptsWrites(): boolean {
    return this.state === 'open' || this.state === 'connecting';
  }

  /** The peer does not take bytes any more. What it sent before that is still worth reading: an early answer. */
  #onWriteError(error: string): void {
    this.writes.fail();
    if (this.side === 'upstream' && !this.readDisabled) this.onReadable();
    this.#finish('remote-close', error, false);
  }

  #onDrained(): void {
    if (this.writes.endRequested) this.#endWriting();
    switch (this.#closing.whenFlushed) {
      case 'nothing':
        if (this.remoteEnded && this.writes.ended) this.#finish('remote-close', '', false);
        break;
      case 'close':
        this.#finish('local-close', this.closeReason, false);
        break;
      case 'half-close':
        if (this.state === 'draining') break;
        this.#move('half-closed');
        this.#endWriting();
        this.#closing.restart();
        this.reads.release(this.socket);
        break;
    }
  }

  #endWriting(): void {
    if (this.writes.ended) return;
    this.writes.ended = true;
    this.socket.shutdownWrite();
  }

  #finish(event: Exclude<ConnectionEvent, 'connected'>, reason: string, reset: boolean): void {
    if (this.state === 'closed') return;
    if (reason !== '') this.closeReason = reason;
    this.#move('closed');
    this.#closing.stop();
    this.socket.close(reset);
    this.reads.clear();
    this.writes.close(this.socket, this.id);
    this.#tell((callbacks) => callbacks.onEvent(event));
  }

  /** False: a filter stopped, neither the bytes nor the end behind them are written. */
  #writeThroughFilters(bytes: Bytes, endStream: boolean): boolean {
    const data = new ChunkQueue(this.#thread.blocks);
    data.push(bytes);
    if (!this.reads.filters.onWrite(data, endStream)) return false;
    data.moveTo(this.writes.queue);
    return true;
  }

  #move(transition: ConnectionTransition): void {
    if (log.debugOn) logTransition(this, transition);
    this.state = nextState(this.state, transition);
  }

  #tell(call: (callbacks: ConnectionCallbacks) => void): void {
    for (const callbacks of this.#callbacks) call(callbacks);
  }
}
