/**
 * Making and cutting views of bytes (`api/bytes.ts`).
 *
 * A view made here lies in ordinary JS memory (`address` 0): right for what is made once or rarely, such as bodies of local
 * replies. Bytes of the hot path are views of the turn slab, made by the socket and by `TurnSlab`.
 */
import type { Block, ByteQueue, Bytes } from '../api/bytes.ts';

/** Memory as a block; the one implementation of `Block`, so that every view's `block` has the same shape. */
export class MemoryBlock implements Block {
  readonly buffer: Buffer;
  readonly address: number;
  readonly lifetime: 'turn' | 'owned' | 'static';
  owner: ByteQueue | null = null;

  constructor(buffer: Buffer, lifetime: 'turn' | 'owned' | 'static', address = 0) {
    this.buffer = buffer;
    this.lifetime = lifetime;
    this.address = address;
  }
}

export class View implements Bytes {
  readonly block: Block;
  readonly start: number;
  readonly end: number;

  constructor(block: Block, start: number, end: number) {
    this.block = block;
    this.start = start;
    this.end = end;
  }
}

export const EMPTY: Bytes = new View(new MemoryBlock(Buffer.alloc(0), 'static'), 0, 0);

export function lengthOf(bytes: Bytes): number {
  return bytes.end - bytes.start;
}

/** A view of a copy of the text (UTF-8), or of the buffer itself: do not change it afterwards. */
export function bytesOf(source: string | Buffer): Bytes {
  const buffer = typeof source === 'string' ? Buffer.from(source) : source;
  return new View(new MemoryBlock(buffer, 'static'), 0, buffer.length);
}

/** The part `[from, to)` of a view; offsets count from its start. */
export function slice(bytes: Bytes, from: number, to: number): Bytes {
  return new View(bytes.block, bytes.start + from, bytes.start + to);
}

/** A copy that lives as long as it is referred to. */
export function copyOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.block.buffer.subarray(bytes.start, bytes.end));
}
