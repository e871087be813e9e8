/**
 * The queue of views behind every connection's read and write side.
 *
 * Views are pushed without copying. `own()` copies what is good for this turn only (turn blocks, and blocks that another
 * queue owns) into blocks of its own, filled up one after the other: a million small writes to a stuck peer cost their bytes,
 * not a block each. Draining gives a block back when its last byte has gone; the source hands it out again only in a later
 * turn, so a view that someone else still holds in this turn stays true.
 *
 *   views:  [turn][turn]         own()   [owned.....][owned..]
 *            ^ head                       ^ head        ^ tail block, filled further by the next own()
 */
import type { Block, ByteQueue, Bytes } from '../api/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { MemoryBlock, View } from './bytes.ts';

/** Size of an owned block: a run of pages that a socket buffer takes in one call. */
export const BLOCK_BYTES = 16 * 1024;

/** Where owned blocks come from: the worker's arena, or the JS heap. A block given back is not handed out in the same turn. */
export interface BlockSource {
  take(): Block;
  give(block: Block): void;
}

/** Owned blocks in JS memory, for the portable interface and for tests; the garbage collector takes them back. */
export const HEAP_BLOCKS: BlockSource = {
  take: () => new MemoryBlock(Buffer.allocUnsafeSlow(BLOCK_BYTES), 'owned'),
  give: () => undefined,
};

/** The views before the head are dropped for good when there are this many. */
const COMPACT_AT = 64;

export class ChunkQueue implements ByteQueue {
  readonly #blocks: BlockSource;
  #views: Bytes[] = [];
  #head = 0;
  #length = 0;

  constructor(blocks: BlockSource) {
    this.#blocks = blocks;
  }

  get length(): number {
    return this.#length;
  }

  get count(): number {
    return this.#views.length - this.#head;
  }

  at(index: number): Bytes {
    const view = this.#views[this.#head + index];
    invariant(view !== undefined, 'view index inside the queue');
    return view;
  }

  /** Puts the first views (at most `limit`) into `out` for a gathered write; returns how many. */
  gather(out: Bytes[], limit: number): number {
    const count = Math.min(this.count, limit);
    for (let index = 0; index < count; index += 1) out[index] = this.at(index);
    return count;
  }

  push(bytes: Bytes): void {
    const size = bytes.end - bytes.start;
    if (size === 0) return;
    const last = this.#views.length - 1;
    const tail = last >= this.#head ? this.#views[last] : undefined;
    if (tail !== undefined && tail.block === bytes.block && tail.end === bytes.start) {
      this.#views[last] = new View(tail.block, tail.start, bytes.end);
    } else {
      this.#views.push(bytes);
    }
    this.#length += size;
  }

  drain(size: number): void {
    invariant(size <= this.#length, 'drain within the queue');
    this.#length -= size;
    let left = size;
    while (left > 0) {
      const view = this.at(0);
      const available = view.end - view.start;
      if (left < available) {
        this.#views[this.#head] = new View(view.block, view.start + left, view.end);
        return;
      }
      left -= available;
      this.#dropHead(view);
    }
    if (this.#head === this.#views.length) this.#reset();
    else if (this.#head > COMPACT_AT) this.#compact();
  }

  moveTo(other: ByteQueue): void {
    for (let index = 0; index < this.count; index += 1) {
      const view = this.at(index);
      if (view.block.owner === this) view.block.owner = other;
      other.push(view);
    }
    this.#reset();
  }

  own(): void {
    if (!this.#hasForeign()) return;
    const views = this.#views;
    const head = this.#head;
    this.#views = [];
    this.#head = 0;
    let space = 0;
    let block: Block | null = null;
    for (let index = head; index < views.length; index += 1) {
      const view = views[index];
      if (view === undefined) break;
      if (this.#isKept(view.block)) {
        this.#views.push(view);
        block = view.block.owner === this ? view.block : null;
        space = view.end;
        continue;
      }
      let from = view.start;
      while (from < view.end) {
        if (block === null || space === block.buffer.length) {
          block = this.#blocks.take();
          block.owner = this;
          space = 0;
        }
        const size = Math.min(view.end - from, block.buffer.length - space);
        view.block.buffer.copy(block.buffer, space, from, from + size);
        this.#append(block, space, space + size);
        space += size;
        from += size;
      }
    }
  }

  clear(): void {
    while (this.#head < this.#views.length) this.#dropHead(this.at(0));
    this.#reset();
  }

  #append(block: Block, start: number, end: number): void {
    const last = this.#views.at(-1);
    if (last !== undefined && last.block === block && last.end === start) {
      this.#views[this.#views.length - 1] = new View(block, last.start, end);
    } else {
      this.#views.push(new View(block, start, end));
    }
  }

  #isKept(block: Block): boolean {
    return block.owner === this || block.lifetime === 'static';
  }

  #hasForeign(): boolean {
    for (let index = this.#head; index < this.#views.length; index += 1) {
      const view = this.#views[index];
      if (view !== undefined && !this.#isKept(view.block)) return true;
    }
    return false;
  }

  #dropHead(view: Bytes): void {
    this.#head += 1;
    if (view.block.owner !== this || this.#views[this.#head]?.block === view.block) return;
    view.block.owner = null;
    this.#blocks.give(view.block);
  }

  #compact(): void {
    this.#views = this.#views.slice(this.#head);
    this.#head = 0;
  }

  #reset(): void {
    // Popped, not `length = 0`: that setter is a call into the runtime, and there is usually one view.
    while (this.#views.length > 0) this.#views.pop();
    this.#head = 0;
    this.#length = 0;
  }
}
