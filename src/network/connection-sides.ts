/**
 * The part of a connection's contract that its socket and its two sides answer by themselves: what can be read off it, its
 * filters, and socket options.
 * `StreamConnection` adds everything that changes it.
 */
import type { LastRead, ReadFilter, ReadPauses, WriteFilter } from '../api/network.ts';
import type { Address, Socket } from '../api/socket.ts';
import type { ReadSide } from './read-side.ts';
import type { WriteSide } from './write-side.ts';

export abstract class ConnectionSides {
  protected abstract readonly socket: Socket;
  protected abstract readonly reads: ReadSide;
  protected abstract readonly writes: WriteSide;

  get localAddress(): Address {
    return this.socket.localAddress;
  }

  get remoteAddress(): Address {
    return this.socket.remoteAddress;
  }

  get secure(): boolean {
    return this.socket.secure;
  }

  get bytesReceived(): number {
    return this.reads.received;
  }

  get bytesSent(): number {
    return this.writes.flushed;
  }

  get lastRead(): LastRead {
    return this.reads.lastRead;
  }

  get pauses(): ReadPauses {
    return this.reads.control.pauses;
  }

  get readDisabled(): boolean {
    return this.reads.control.disabled;
  }

  get writePosition(): number {
    return this.writes.position;
  }

  get writeBuffered(): number {
    return this.writes.queue.length;
  }

  get aboveHighWatermark(): boolean {
    return this.writes.queue.above;
  }

  addReadFilter(filter: ReadFilter): void {
    this.reads.filters.addRead(filter);
  }

  addWriteFilter(filter: WriteFilter): void {
    this.reads.filters.addWrite(filter);
  }

  /** Tells the read filters of the new connection. Called once, after they were added. */
  startFilters(): void {
    this.reads.filters.start();
  }

  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }

  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void {
    this.socket.setKeepAlive(probes, idleSeconds, intervalSeconds);
  }

  peek(): number {
    return this.reads.peek(this.socket);
  }
}
