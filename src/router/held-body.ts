/**
 * Request body that the router keeps: until the pool has a connection, and for a retry as long as one may come.
 *
 * The bytes are copied once into plain JS memory (an owned block of a queue belongs to the queue that drains it; these bytes
 * may go out several times and to several connections). Small pieces share a block, so a million one-byte pieces cost their
 * bytes. The router bounds it: it pauses the client, or gives the retry up, beyond the buffer limit.
 */
import type { Block, Bytes } from '../api/bytes.ts';
import { MemoryBlock, View } from '../buffer/bytes.ts';

const MIN_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 16 * 1024;

/** Takes the bytes when they go out. */
export interface BodyTarget {
  sendData(bytes: Bytes, endStream: boolean): void;
}

export class HeldBody {
  #views: Bytes[] = [];
  #tail: Block | null = null;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Bytes): void {
    let from = bytes.start;
    while (from < bytes.end) {
      const tail = this.#room(bytes.end - from);
      const size = Math.min(bytes.end - from, tail.buffer.length - this.#used);
      bytes.block.buffer.copy(tail.buffer, this.#used, from, from + size);
      this.#note(tail, this.#used, this.#used + size);
      this.#used += size;
      this.#length += size;
      from += size;
    }
  }

  /** Gives all of it to `target`, in order; it stays held. `endStream` comes with the last piece. */
  replay(target: BodyTarget, endStream: boolean): void {
    const views = this.#views;
    for (let index = 0; index < views.length; index += 1) {
      const view = views[index];
      if (view !== undefined) target.sendData(view, endStream && index === views.length - 1);
    }
  }

  clear(): void {
    this.#views = [];
    this.#tail = null;
    this.#used = 0;
    this.#length = 0;
  }

  #room(wanted: number): Block {
    if (this.#tail !== null && this.#used < this.#tail.buffer.length) return this.#tail;
    const size = Math.min(Math.max(wanted, this.#length, MIN_BLOCK_BYTES), MAX_BLOCK_BYTES);
    const tail = new MemoryBlock(Buffer.allocUnsafeSlow(size), 'static');
    this.#tail = tail;
    this.#used = 0;
    return tail;
  }

  #note(block: Block, start: number, end: number): void {
    const last = this.#views.at(-1);
    if (last?.block === block && last.end === start) {
      this.#views[this.#views.length - 1] = new View(block, last.start, end);
    } else {
      this.#views.push(new View(block, start, end));
    }
  }
}
