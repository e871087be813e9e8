/**
 * The L4 filters of one connection: read filters in order, write filters in reverse.
 *
 * A filter that stops keeps the ones behind it waiting until it calls `continueReading()`. After each call the connection is
 * checked to be still open, because any filter may have closed it.
 */
import type { ByteQueue } from '../api/bytes.ts';
import type { Connection, ReadFilter, ReadFilterCallbacks, WriteFilter } from '../api/network.ts';

class FilterPosition implements ReadFilterCallbacks {
  readonly connection: Connection;
  readonly filter: ReadFilter;
  started = false;
  readonly #continue: () => void;

  constructor(connection: Connection, filter: ReadFilter, onContinue: (from: FilterPosition) => void) {
    this.connection = connection;
    this.filter = filter;
    this.#continue = () => onContinue(this);
  }

  continueReading(): void {
    this.#continue();
  }
}

export class FilterChain {
  readonly #connection: Connection;
  readonly #data: ByteQueue;
  readonly #reads: FilterPosition[] = [];
  readonly #writes: WriteFilter[] = [];
  #endStream = false;

  /** `data` is the connection's read buffer. */
  constructor(connection: Connection, data: ByteQueue) {
    this.#connection = connection;
    this.#data = data;
  }

  get hasWriteFilters(): boolean {
    return this.#writes.length > 0;
  }

  addRead(filter: ReadFilter): void {
    const position = new FilterPosition(this.#connection, filter, (from) => {
      this.#run(this.#reads.indexOf(from) + 1);
    });
    this.#reads.push(position);
    filter.initializeReadFilterCallbacks(position);
  }

  addWrite(filter: WriteFilter): void {
    this.#writes.unshift(filter);
  }

  /** Starts the filters without data: each learns of the new connection. */
  start(): void {
    this.#run(0);
  }

  /** New bytes are in the read buffer, or the stream has ended. */
  onData(endStream: boolean): void {
    if (endStream) this.#endStream = true;
    this.#run(0);
  }

  /** False: a filter took or refused the bytes. */
  onWrite(data: ByteQueue, endStream: boolean): boolean {
    for (const filter of this.#writes) {
      if (filter.onWrite(data, endStream) === 'stop' || this.#connection.state === 'closed') return false;
    }
    return true;
  }

  #run(from: number): void {
    for (let index = from; index < this.#reads.length; index += 1) {
      const position = this.#reads[index];
      if (position === undefined) return;
      if (!position.started) {
        position.started = true;
        if (position.filter.onNewConnection() === 'stop' || !this.#open()) return;
      }
      if (this.#data.length === 0 && !this.#endStream) continue;
      if (position.filter.onData(this.#data, this.#endStream) === 'stop' || !this.#open()) return;
    }
  }

  #open(): boolean {
    const { state } = this.#connection;
    return state === 'open' || state === 'connecting';
  }
}
