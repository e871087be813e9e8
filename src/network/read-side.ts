/**
 * The receiving half of a connection: reads in bounded portions, the read buffer, the L4 filters, counted read-disable.
 *
 *   readiness -> read -> read buffer -> filters drain what they use; the rest waits here for the next read or for `enable`
 *
 * What a filter leaves in the buffer is copied out of the turn's memory at the end of the turn (`own`). The first read of a
 * readiness is made ahead, together with those of other connections, and handled when the turn of this one comes: what its
 * bytes wait meanwhile is `waited`, as if they had lain in the kernel.
 */
import type { Connection, LastRead } from '../api/network.ts';
import type { ReadResult, Socket } from '../api/socket.ts';
import { View } from '../buffer/bytes.ts';
import { ChunkQueue } from '../buffer/chunk-queue.ts';
import { SLAB_BYTES } from '../buffer/turn-slab.ts';
import type { ConnectionThread } from './connection-thread.ts';
import { log } from './connection-log.ts';
import { FilterChain } from './filter-chain.ts';
import { ReadControl } from './read-control.ts';

/** Reads of one readiness event before other connections get their turn. */
const READS_PER_EVENT = 4;

/** What the reading half tells its connection. */
export interface ReadOwner extends Connection {
  /** The peer's FIN ends one direction only. */
  readonly halfClose: boolean;
  /** The peer has sent FIN. */
  onReadEnd(): void;
  onReadError(errorCode: string): void;
  /** Bytes stay in the read buffer: `own()` must be called at the end of this turn. */
  onBytesKept(): void;
}

export class ReadSide {
  readonly filters: FilterChain;
  readonly control = new ReadControl();
  readonly lastRead: LastRead = { serial: 0, at: -1, took: 0, waited: -1, bytes: 0 };
  /** Bytes read so far. */
  received = 0;
  /** Most that one read takes; the buffer limit is soft by as much. */
  limit: number;
  readonly #owner: ReadOwner;
  readonly #thread: ConnectionThread;
  readonly #buffer: ChunkQueue;
  #resumePosted = false;
  /** A read that was made and not handled yet. Other than bytes it may stay so over turns, while reads are off. */
  #ahead: ReadResult | null = null;

  constructor(owner: ReadOwner, thread: ConnectionThread, bufferLimit: number) {
    this.#owner = owner;
    this.#thread = thread;
    this.#buffer = new ChunkQueue(thread.blocks);
    this.filters = new FilterChain(owner, this.#buffer);
    this.limit = readLimit(bufferLimit);
  }

  setBufferLimit(bytes: number): void {
    this.limit = readLimit(bytes);
  }

  readAhead(socket: Socket): void {
    const open = this.#owner.state === 'open';
    if (open && this.#ahead === null && !this.control.disabled) this.#ahead = socket.read(this.limit);
  }

  /** As `Socket.peek`, of what is not handled yet. */
  peek(socket: Socket): number {
    const ahead = this.#ahead;
    if (ahead === null || ahead.status === 'again') return socket.peek();
    return ahead.status === 'data' ? ahead.end - ahead.start : -1;
  }

  onReadable(socket: Socket): void {
    const owner = this.#owner;
    for (let count = 0; count < READS_PER_EVENT; count += 1) {
      if (this.control.disabled || owner.state === 'closed' || owner.state === 'connecting') return;
      const result = this.#takeAhead() ?? socket.read(this.limit);
      if (result.status !== 'data') {
        if (result.status === 'end') owner.onReadEnd();
        else if (result.status === 'error') owner.onReadError(result.errorCode);
        return;
      }
      this.#take(result);
      if (!socket.moreToRead) return;
    }
    this.#postResume(socket);
  }

  /** True: reads have just been switched on or off. */
  disable(socket: Socket, disable: boolean, cause: 'flow' | 'codec'): void {
    if (!this.control.change(disable, cause, this.#thread.dispatcher.clock.now())) return;
    if (log.traceOn) log.trace(`[C${this.#owner.id}] reads ${disable ? 'off' : 'on'} (${cause})`);
    if (disable && this.#ahead?.status === 'data') this.#keepAhead();
    socket.setReadInterest(!disable);
    if (!disable && (this.#buffer.length > 0 || this.#ahead !== null)) this.#postResume(socket);
  }

  /**
   * The peer has gone while reads are off. A client's reset ends the connection at once, a server's when no part of its answer lies
   * unread; an end without half-close does when nothing is left to read or to write. What is not acted on now the next read finds.
   */
  onHangUp(socket: Socket, errorCode: string): void {
    const owner = this.#owner;
    if (owner.state === 'closed' || !this.control.disabled) return;
    const client = owner.side === 'downstream';
    const kept = this.#buffer.length > 0;
    const error = errorCode === '' && this.#ahead?.status === 'error' ? this.#ahead.errorCode : errorCode;
    if (error !== '') {
      if (client || (!kept && this.peek(socket) <= 0)) owner.onReadError(error);
    } else if (client && !owner.halfClose && !kept && owner.writeBuffered === 0 && this.peek(socket) < 0) {
      owner.onReadEnd();
    }
  }

  /** Nobody pauses it any more. */
  release(socket: Socket): void {
    this.control.release(this.#thread.dispatcher.clock.now(), () => socket.setReadInterest(true));
  }

  /** The stream has ended: the filters see `endStream`. */
  end(): void {
    this.filters.onData(true);
    if (this.#buffer.length > 0) this.#owner.onBytesKept();
  }

  own(): void {
    if (this.#buffer.length > 0) this.#buffer.own();
  }

  clear(): void {
    this.#buffer.clear();
    this.#ahead = null;
  }

  /** The read that was made ahead, as if it had ended now. */
  #takeAhead(): ReadResult | null {
    const ahead = this.#ahead;
    if (ahead === null) return null;
    this.#ahead = null;
    const at = this.#thread.dispatcher.clock.now() - ahead.took;
    if (ahead.waited >= 0) ahead.waited += at - ahead.at;
    ahead.at = at;
    return ahead;
  }

  /** Reads were switched off before it was handled: its bytes wait like those that a filter leaves. */
  #keepAhead(): void {
    const ahead = this.#takeAhead();
    if (ahead === null) return;
    this.#note(ahead);
    if (this.#owner.state !== 'open') return;
    this.#buffer.push(new View(ahead.block, ahead.start, ahead.end));
    this.#owner.onBytesKept();
  }

  #take(result: ReadResult): void {
    this.#note(result);
    // A closing connection reads on, so that no unread byte turns its FIN into a reset, and drops what it reads.
    if (this.#owner.state !== 'open') return;
    this.#buffer.push(new View(result.block, result.start, result.end));
    if (log.debugOn) this.#filterLogged();
    else this.#filter();
  }

  #note(result: ReadResult): void {
    const { lastRead } = this;
    const size = result.end - result.start;
    lastRead.serial += 1;
    lastRead.at = result.at;
    lastRead.took = result.took;
    lastRead.waited = result.waited;
    lastRead.bytes = size;
    this.received += size;
    if (log.traceOn) log.trace(`[C${this.#owner.id}] read ${size} bytes`);
  }

  #filter(): void {
    this.filters.onData(false);
    if (this.#buffer.length > 0) this.#owner.onBytesKept();
  }

  /** Reads end at the limit, so the buffer's watermarks pause nobody: they only show what the filters take at a time. */
  #filterLogged(): void {
    const { id } = this.#owner;
    const above = this.#buffer.length >= this.limit;
    if (above) log.debug(`[C${id}] onAboveReadBufferHighWatermark`);
    this.#filter();
    if (above && this.#buffer.length <= this.limit / 2) log.debug(`[C${id}] onBelowReadBufferLowWatermark`);
  }

  #postResume(socket: Socket): void {
    if (this.#resumePosted) return;
    this.#resumePosted = true;
    this.#thread.dispatcher.post(() => {
      this.#resumePosted = false;
      if (this.control.disabled || this.#owner.state === 'closed') return;
      if (this.#buffer.length > 0 && this.#owner.state === 'open') this.#filter();
      this.onReadable(socket);
    });
  }
}

function readLimit(bufferLimit: number): number {
  return bufferLimit === 0 ? SLAB_BYTES : Math.min(SLAB_BYTES, bufferLimit);
}
