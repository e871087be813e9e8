/**
 * A stream socket on our own system calls: the socket interface of the data plane on Linux.
 *
 * Readiness is edge triggered, so it is remembered here: `#readable` stays true until a read finds the kernel's buffer empty,
 * even while the connection does not want to read (flow control). That memory is what makes a read-disable free of calls. An end
 * or a reset by the peer is told at once even then: no edge would come again, and the next write may be far away.
 *
 *   epoll edge -> #readable -> events.onReadable() -> read()* -> (short read or EAGAIN) -> !#readable
 */
import type { Bytes } from '../api/bytes.ts';
import type { Address, ReadResult, Socket, SocketEvents, WriteResult } from '../api/socket.ts';
import type { EventHandler } from '../event/epoll-source.ts';
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  IPPROTO_TCP,
  SHUT_WR,
  SOL_SOCKET,
  SO_KEEPALIVE,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../os/constants.ts';
import { EAGAIN, errnoName } from '../os/errno.ts';
import { MAX_VIEWS } from '../os/stream-calls.ts';
import { READ_ROOM_BYTES } from '../buffer/turn-slab.ts';
import { EMPTY } from '../buffer/bytes.ts';
import type { SyscallThread } from './syscall-thread.ts';

const HANG_UP = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

export class SyscallSocket implements Socket, EventHandler {
  readonly secure = false;
  readonly timed = true;
  localAddress: Address;
  remoteAddress: Address;
  readonly #thread: SyscallThread;
  readonly #fd: number;
  /** The same as the calls of the byte path take it. */
  readonly #word: bigint;
  readonly #events: SocketEvents;
  readonly #token: number;
  readonly #result: ReadResult;
  readonly #written: WriteResult = { written: 0, blocked: false, at: 0, took: 0, errorCode: '' };
  /** Events told and not yet handled. */
  #noted = 0;
  /** Turn of the newest read: what arrived since then has had no chance to be told. */
  #readInTurn = 0;
  #connecting: boolean;
  #readable = false;
  #hungUp = false;
  /** Why the connection is broken, where asking has taken it out of the kernel: the end of the bytes is no clean end then. */
  #failure = '';
  #interest = true;
  #notifyPosted = false;
  #closed = false;
  readonly #notify = (): void => {
    this.#notifyPosted = false;
    if (this.#closed || !this.#readable) return;
    if (this.#interest) this.#events.onReadable();
    else if (this.#hungUp) this.#tellHangUp();
  };

  /** `fd` is non-blocking and becomes this object's to close, unless `watchError` says that it cannot be used. */
  constructor(
    thread: SyscallThread,
    fd: number,
    local: Address,
    remote: Address,
    connecting: boolean,
    events: (socket: Socket) => SocketEvents,
  ) {
    this.#thread = thread;
    this.#fd = fd;
    this.#word = BigInt(fd);
    this.localAddress = local;
    this.remoteAddress = remote;
    this.#connecting = connecting;
    this.#result = {
      status: 'again',
      block: EMPTY.block,
      start: 0,
      end: 0,
      full: false,
      at: 0,
      took: 0,
      waited: -1,
      errorCode: '',
    };
    this.#events = events(this);
    this.#token = thread.source.watch(fd, this);
  }

  /** errno where the kernel has no room for another watch: no event will ever come. 0 = watched. */
  get watchError(): number {
    return this.#token < 0 ? -this.#token : 0;
  }

  noteEvents(events: number): void {
    this.#noted |= events;
    if (this.#connecting) return;
    if (events & HANG_UP) this.#hungUp = true;
    if (events & (EPOLLIN | HANG_UP)) this.#readable = true;
  }

  readAhead(): void {
    if (this.#interest && !this.#connecting && this.#noted & (EPOLLIN | HANG_UP)) this.#events.onReadAhead();
  }

  handleEvents(): void {
    const events = this.#noted;
    this.#noted = 0;
    if (this.#connecting) {
      if (events & (EPOLLOUT | HANG_UP)) this.#finishConnect(events);
      return;
    }
    if (this.#interest) {
      if (events & (EPOLLIN | HANG_UP)) this.#events.onReadable();
    } else if (events & HANG_UP) {
      this.#tellHangUp();
    }
    if (!this.#closed && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) this.#events.onWritable();
  }

  get moreToRead(): boolean {
    return this.#readable;
  }

  read(limit: number): ReadResult {
    const { slab, calls, clock } = this.#thread;
    const result = this.#result;
    slab.reserve(Math.min(limit, READ_ROOM_BYTES));
    const { block, position } = slab;
    const room = Math.min(limit, block.buffer.length - position);
    this.#readInTurn = this.#thread.dispatcher.turnNumber;
    const at = clock.now();
    const size = this.#receive(block.address, block.buffer, position, room);
    result.at = at;
    result.took = clock.now() - at;
    if (size > 0) {
      slab.position = position + size;
      result.status = 'data';
      result.block = block;
      result.start = position;
      result.end = position + size;
      result.full = size === room;
      const stamp = calls.readStamp();
      result.waited = stamp === 0 ? -1 : Math.max(0, at + this.#thread.wallOffset() - stamp);
      // A short read has emptied the kernel's buffer, unless a FIN stands behind it: that one wants a read of its own.
      if (!result.full && !this.#hungUp) this.#readable = false;
      return result;
    }
    result.full = false;
    if (size === 0) {
      result.status = this.#failure === '' ? 'end' : 'error';
      result.errorCode = this.#failure;
      this.#readable = false;
    } else if (size === -EAGAIN) {
      result.status = 'again';
      this.#readable = false;
    } else {
      result.status = 'error';
      result.errorCode = errnoName(-size);
    }
    return result;
  }

  write(views: readonly Bytes[], count: number): WriteResult {
    const { calls, clock } = this.#thread;
    const result = this.#written;
    const offered = this.#layOut(views, Math.min(count, MAX_VIEWS));
    const at = clock.now();
    const size = calls.write(this.#word, Math.min(count, MAX_VIEWS));
    result.at = at;
    result.took = clock.now() - at;
    result.errorCode = '';
    result.written = Math.max(0, size);
    result.blocked = size < offered && (size >= 0 || size === -EAGAIN);
    if (size < 0 && size !== -EAGAIN) result.errorCode = this.#failed(-size);
    return result;
  }

  setReadInterest(on: boolean): void {
    this.#interest = on;
    if (on || this.#hungUp) this.#postNotify();
  }

  shutdownWrite(): void {
    if (!this.#closed) this.#thread.sockets.shutdown(this.#fd, SHUT_WR);
  }

  close(reset: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reset) this.#thread.sockets.lingerZero(this.#fd);
    this.#thread.source.forget(this.#token);
    this.#thread.sockets.close(this.#fd);
  }

  setNoDelay(on: boolean): void {
    if (this.remoteAddress.kind === 'ip') {
      this.#thread.sockets.setOption(this.#fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
    }
  }

  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void {
    const { sockets } = this.#thread;
    sockets.setOption(this.#fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (this.remoteAddress.kind !== 'ip') return;
    if (probes > 0) sockets.setOption(this.#fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
    if (idleSeconds > 0) sockets.setOption(this.#fd, IPPROTO_TCP, TCP_KEEPIDLE, idleSeconds);
    if (intervalSeconds > 0) sockets.setOption(this.#fd, IPPROTO_TCP, TCP_KEEPINTVL, intervalSeconds);
  }

  /**
   * Asks the kernel only when the answer can be other than "nothing": epoll has told of something, or the socket was read in this
   * very turn, so that what came behind those bytes has not been told yet. A busy pool pays no call for each reuse.
   */
  peek(): number {
    if (this.#closed) return -1;
    const unsure = this.#readable || this.#hungUp || this.#readInTurn === this.#thread.dispatcher.turnNumber;
    return unsure ? this.#thread.calls.peek(this.#word) : 0;
  }

  #postNotify(): void {
    if (!this.#readable || this.#notifyPosted) return;
    this.#notifyPosted = true;
    this.#thread.dispatcher.post(this.#notify);
  }

  #tellHangUp(): void {
    const code = this.#thread.sockets.takeError(this.#fd);
    this.#events.onHangUp(code === 0 ? this.#failure : this.#failed(code));
  }

  /** A reset behind the peer's FIN (`EPIPE`) takes nothing from what was read: the end of the bytes is still a clean one. */
  #failed(code: number): string {
    const name = errnoName(code);
    if (name !== 'EPIPE') this.#failure = name;
    return name;
  }

  #finishConnect(events: number): void {
    this.#connecting = false;
    this.noteEvents(events);
    const error = this.#thread.sockets.takeError(this.#fd);
    if (error === 0) this.localAddress = this.#thread.sockets.localAddress(this.#fd);
    this.#events.onConnect(error === 0 ? '' : errnoName(error));
    // A server that speaks first may have been quicker than this event; its edge will not come again.
    this.#postNotify();
  }

  /** A slab that had to come from JS memory has no address: read beside it and copy. */
  #receive(address: number, buffer: Buffer, position: number, room: number): number {
    const { calls } = this.#thread;
    if (address !== 0) return calls.read(this.#word, address + position, room);
    const { staging } = this.#thread;
    const size = calls.read(this.#word, staging.address, Math.min(room, staging.buffer.length));
    if (size > 0) staging.buffer.copy(buffer, position, 0, size);
    return size;
  }

  /** Fills in the views of the gathered write; bytes in JS memory are copied into the slab first. Returns their sum. */
  #layOut(views: readonly Bytes[], count: number): number {
    const { calls, staging } = this.#thread;
    let offered = 0;
    let staged = 0;
    for (let index = 0; index < count; index += 1) {
      const view = views[index];
      if (view === undefined) break;
      let size = view.end - view.start;
      let address = view.block.address + view.start;
      if (view.block.address === 0) {
        size = Math.min(size, staging.buffer.length - staged);
        view.block.buffer.copy(staging.buffer, staged, view.start, view.start + size);
        address = staging.address + staged;
        staged += size;
      }
      calls.setView(index, address, size);
      offered += size;
      // Nothing may follow a view that was cut: the rest goes with the next call.
      if (size < view.end - view.start) {
        for (let rest = index + 1; rest < count; rest += 1) calls.setView(rest, address, 0);
        break;
      }
    }
    return offered;
  }
}
