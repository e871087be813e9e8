/**
 * The worker's memory below 2 GiB, cut for two uses: slabs of a turn, and owned blocks for what a slow peer leaves waiting.
 *
 * Blocks come out of regions of 1 MiB and go back to a free list; above `KEPT_FREE` their pages go back to the kernel, so a
 * burst of slow clients does not stay resident. A block given back is quarantined until the turn ends: views of it that others
 * still hold in this turn stay true. When the low addresses are used up, JS memory serves (the socket copies it once more).
 */
import type { Block } from '../api/bytes.ts';
import { mapRegion, releasePages } from '../os/memory.ts';
import { MemoryBlock } from './bytes.ts';
import { BLOCK_BYTES } from './chunk-queue.ts';
import type { BlockSource } from './chunk-queue.ts';

const REGION_BYTES = 1024 * 1024;
/** 1 MiB of free blocks stays resident per worker. */
const KEPT_FREE = 64;

export class Arena implements BlockSource {
  readonly #free: Block[] = [];
  /** Given back this turn. */
  readonly #quarantine: Block[] = [];
  /** Free, and their pages are not resident. */
  readonly #released: Block[] = [];

  /** For `TurnSlab`. */
  slab(size: number): MemoryBlock {
    const region = mapRegion(size);
    if (region === null) return new MemoryBlock(Buffer.allocUnsafeSlow(size), 'turn');
    return new MemoryBlock(region.buffer, 'turn', region.address);
  }

  take(): Block {
    const block = this.#free.pop() ?? this.#released.pop();
    if (block !== undefined) return block;
    this.#cutRegion();
    return this.#released.pop() ?? new MemoryBlock(Buffer.allocUnsafeSlow(BLOCK_BYTES), 'owned');
  }

  give(block: Block): void {
    this.#quarantine.push(block);
  }

  endTurn(): void {
    if (this.#quarantine.length === 0) return;
    for (const block of this.#quarantine) this.#putBack(block);
    this.#quarantine.length = 0;
  }

  #putBack(block: Block): void {
    if (this.#free.length < KEPT_FREE) {
      this.#free.push(block);
    } else if (block.address !== 0) {
      releasePages(block.address, BLOCK_BYTES);
      this.#released.push(block);
    }
  }

  #cutRegion(): void {
    const region = mapRegion(REGION_BYTES);
    if (region === null) return;
    for (let at = 0; at < REGION_BYTES; at += BLOCK_BYTES) {
      const buffer = region.buffer.subarray(at, at + BLOCK_BYTES);
      this.#released.push(new MemoryBlock(buffer, 'owned', region.address + at));
    }
  }
}
