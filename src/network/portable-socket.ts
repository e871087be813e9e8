/**
 * A stream socket on `node:net`, behind the same contract as the system-call one.
 *
 * Node pushes: it reads before JavaScript runs. Here the pushed chunks wait in a small queue until the connection reads them;
 * switching the read interest off pauses the stream, so at most what was in flight waits. How long the system's read took and
 * how long bytes lay in the kernel cannot be known: `took` of a read and `waited` are -1 and absent from the log. libuv tries
 * each write at once, so the time of a write is real. A paused stream is not polled at all, so a reset by the peer shows when
 * reads go on or at the next write, and `onHangUp` is never told.
 */
import type { Socket as NetSocket } from 'node:net';
import type { Bytes } from '../api/bytes.ts';
import type { Address, ReadResult, Socket, SocketEvents, WriteResult } from '../api/socket.ts';
import { EMPTY, MemoryBlock } from '../buffer/bytes.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { addressOf } from './portable-address.ts';

/** Bytes handed to the stream by one write. */
const WRITE_BYTES = 64 * 1024;
/** A closed socket may send what the stream still holds for this long. */
const LINGER_MS = 1000;

export class PortableSocket implements Socket {
  readonly timed = false;
  readonly secure: boolean;
  readonly #dispatcher: TurnDispatcher;
  readonly #socket: NetSocket;
  readonly #events: SocketEvents;
  readonly #chunks: Buffer[] = [];
  readonly #result: ReadResult = {
    status: 'again',
    block: EMPTY.block,
    start: 0,
    end: 0,
    full: false,
    at: 0,
    took: -1,
    waited: -1,
    errorCode: '',
  };
  readonly #written: WriteResult = { written: 0, blocked: false, at: 0, took: 0, errorCode: '' };
  #connecting: boolean;
  #local: Address | null = null;
  #remote: Address | null = null;
  #firstChunkRead = 0;
  #ended = false;
  #errorCode = '';
  #needDrain = false;
  #interest = true;
  #closed = false;

  constructor(
    dispatcher: TurnDispatcher,
    socket: NetSocket,
    connecting: boolean,
    remote: Address | null,
    events: (socket: Socket) => SocketEvents,
  ) {
    this.#dispatcher = dispatcher;
    this.#socket = socket;
    this.#connecting = connecting;
    this.#remote = remote;
    this.secure = 'encrypted' in socket && socket.encrypted === true;
    this.#events = events(this);
    this.#bind();
    if (!connecting) socket.resume();
  }

  get localAddress(): Address {
    this.#local ??= addressOf(this.#socket.localAddress, this.#socket.localPort, this.#socket.localFamily);
    return this.#local;
  }

  get remoteAddress(): Address {
    this.#remote ??= addressOf(
      this.#socket.remoteAddress,
      this.#socket.remotePort,
      this.#socket.remoteFamily,
    );
    return this.#remote;
  }

  get moreToRead(): boolean {
    return this.#chunks.length > 0 || this.#ended || this.#errorCode !== '';
  }

  read(limit: number): ReadResult {
    const result = this.#result;
    result.at = this.#dispatcher.clock.now();
    result.full = false;
    const chunk = this.#chunks[0];
    if (chunk !== undefined) {
      const start = this.#firstChunkRead;
      const end = Math.min(chunk.length, start + limit);
      result.status = 'data';
      result.block = new MemoryBlock(chunk, 'static');
      result.start = start;
      result.end = end;
      this.#firstChunkRead = end;
      if (end === chunk.length) {
        this.#chunks.shift();
        this.#firstChunkRead = 0;
      }
      result.full = this.#chunks.length > 0;
    } else if (this.#errorCode !== '') {
      result.status = 'error';
      result.errorCode = this.#errorCode;
    } else if (this.#ended) {
      result.status = 'end';
      this.#ended = false;
    } else {
      result.status = 'again';
    }
    return result;
  }

  write(views: readonly Bytes[], count: number): WriteResult {
    const result = this.#written;
    result.at = this.#dispatcher.clock.now();
    result.written = 0;
    result.errorCode = this.#errorCode;
    result.blocked = this.#needDrain;
    if (this.#needDrain || this.#errorCode !== '') return result;
    const data = gather(views, count);
    this.#needDrain = !this.#socket.write(data);
    result.took = this.#dispatcher.clock.now() - result.at;
    result.written = data.length;
    result.blocked = this.#needDrain;
    return result;
  }

  setReadInterest(on: boolean): void {
    this.#interest = on;
    if (!on) {
      this.#socket.pause();
      return;
    }
    this.#socket.resume();
    if (this.moreToRead) this.#dispatcher.post(() => this.#notifyReadable());
  }

  shutdownWrite(): void {
    this.#socket.end();
  }

  close(reset: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks.length = 0;
    if (reset) {
      this.#socket.resetAndDestroy();
    } else if (this.#socket.writableLength > 0 && this.#errorCode === '') {
      const timer = this.#dispatcher.createTimer(() => this.#socket.destroy());
      timer.enable(LINGER_MS);
      this.#socket.resume();
      this.#socket.end(() => {
        timer.disable();
        this.#socket.destroy();
      });
    } else {
      this.#socket.destroy();
    }
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(_probes: number, idleSeconds: number, _intervalSeconds: number): void {
    this.#socket.setKeepAlive(true, idleSeconds * 1000);
  }

  peek(): number {
    if (this.#closed || this.#ended || this.#errorCode !== '' || this.#socket.destroyed) return -1;
    return this.#chunks.length > 0 ? 1 : 0;
  }

  #bind(): void {
    const turn = (handle: () => void) => (): void =>
      this.#dispatcher.run(() => (this.#closed ? undefined : handle()));
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return;
      this.#chunks.push(chunk);
      this.#dispatcher.run(() => this.#notifyReadable());
    });
    this.#socket.on(
      'end',
      turn(() => {
        this.#ended = true;
        this.#notifyReadable();
      }),
    );
    this.#socket.on(
      'drain',
      turn(() => {
        this.#needDrain = false;
        this.#events.onWritable();
      }),
    );
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#errorCode = error.code ?? 'EIO';
      this.#dispatcher.run(() => this.#onError());
    });
    this.#socket.on(
      'connect',
      turn(() => {
        if (!this.#connecting) return;
        this.#connecting = false;
        this.#events.onConnect('');
        if (this.#interest) this.#socket.resume();
      }),
    );
  }

  #onError(): void {
    if (this.#closed) return;
    if (this.#connecting) {
      this.#connecting = false;
      this.#events.onConnect(this.#errorCode);
    } else {
      this.#notifyReadable();
      this.#events.onWritable();
    }
  }

  #notifyReadable(): void {
    if (!this.#closed && !this.#connecting && this.#interest && this.moreToRead) this.#events.onReadable();
  }
}

/** One buffer of its own: the stream keeps it beyond this turn, the views do not live so long. */
function gather(views: readonly Bytes[], count: number): Buffer {
  let size = 0;
  for (let index = 0; index < count; index += 1) {
    const view = views[index];
    if (view !== undefined) size += view.end - view.start;
  }
  const data = Buffer.allocUnsafe(Math.min(size, WRITE_BYTES));
  let at = 0;
  for (let index = 0; index < count && at < data.length; index += 1) {
    const view = views[index];
    if (view !== undefined) at += view.block.buffer.copy(data, at, view.start, view.end);
  }
  return data;
}
