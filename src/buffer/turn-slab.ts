/**
 * Memory good for one turn: reads land here, heads and chunk framing are encoded here, and `sendmsg` takes them from here.
 *
 * A bump allocator over slabs of 256 KiB. At the end of a turn the position goes back to the start of the first slab: nothing
 * is freed one by one. A burst takes more slabs; `MAX_SLABS` bounds them, and `crowded` tells the event source to end the turn
 * before that, so that a turn never runs out.
 *
 *   slab 0: [read C5][head C6][read C6] ... | slab 1: [read C7] ...        end of turn: position = 0
 */
import type { Block } from '../api/bytes.ts';
import { writeLatin1 } from '../base/latin1.ts';
import { MemoryBlock, View } from './bytes.ts';

/** One read takes as much as lies in the kernel up to this: fewer calls for bulk (HAProxy reads 16 KiB at a time). */
export const SLAB_BYTES = 256 * 1024;
/** A read is offered at least this much room. */
export const READ_ROOM_BYTES = 64 * 1024;
const CROWDED_AT = 6;
const MAX_SLABS = 16;

/** Makes the memory of a slab: the arena's below 2 GiB, or plain JS memory. */
export type SlabSource = (size: number) => MemoryBlock;

export const HEAP_SLABS: SlabSource = (size) => new MemoryBlock(Buffer.allocUnsafeSlow(size), 'turn');

/** What `poison` writes over the bytes of a turn that is over. */
const POISON = 0xdd;

export class TurnSlab {
  readonly #source: SlabSource;
  readonly #poison: boolean;
  readonly #slabs: MemoryBlock[];
  #current = 0;
  /** Next free byte of `block`. Whoever used bytes behind it moves it on. */
  position = 0;
  block: Block;

  /** `poison`: overwrite at the end of each turn, so that a test sees a view that was kept too long. Costs memory bandwidth. */
  constructor(source: SlabSource, poison = false) {
    this.#source = source;
    this.#poison = poison;
    this.#slabs = [source(SLAB_BYTES)];
    this.block = this.#first();
  }

  /** Only a little is used: what is read now may wait for its turn. */
  get roomy(): boolean {
    return this.#current === 0;
  }

  /** The turn has used so much that it should end before more is read. */
  get crowded(): boolean {
    return this.#current >= CROWDED_AT;
  }

  /** Makes `block` have at least `size` bytes behind `position`. A size above a slab gets memory of its own. */
  reserve(size: number): void {
    if (this.position + size <= this.block.buffer.length) return;
    this.position = 0;
    if (size > SLAB_BYTES || this.#current + 1 >= MAX_SLABS) {
      this.block = new MemoryBlock(Buffer.allocUnsafeSlow(Math.max(size, SLAB_BYTES)), 'turn');
      return;
    }
    this.#current += 1;
    let next = this.#slabs[this.#current];
    if (next === undefined) {
      next = this.#source(SLAB_BYTES);
      this.#slabs.push(next);
    }
    this.block = next;
  }

  /** The text's bytes, one for each character. */
  latin1(text: string): View {
    this.reserve(text.length);
    const start = this.position;
    this.position = start + writeLatin1(this.block.buffer, text, start);
    return new View(this.block, start, this.position);
  }

  /** Everything handed out this turn may be overwritten from now on. */
  reset(): void {
    if (this.#poison) this.#overwrite();
    this.#current = 0;
    this.position = 0;
    this.block = this.#first();
  }

  #overwrite(): void {
    for (let index = 0; index < this.#current; index += 1) this.#slabs[index]?.buffer.fill(POISON);
    this.block.buffer.fill(POISON, 0, this.position);
  }

  #first(): Block {
    const first = this.#slabs[0];
    if (first === undefined) throw new RangeError('a slab is always there');
    return first;
  }
}
