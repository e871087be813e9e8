/**
 * The memory that a thread's metrics lie in: slabs of one fixed size, each a `SharedArrayBuffer` of doubles. A full slab is
 * followed by another one and never moved, so the cell that a counter stores into is its own for the life of the thread.
 *
 * One writer, the owning thread; main reads without a lock. Invariant: a cell holds a double that its writer stored whole
 * (aligned 64-bit stores do not tear on the platforms that Node 26 runs on).
 */
import { invariant } from '../../base/invariant.ts';

/** 64 KiB a slab: 8,192 counters. */
export const SLAB_CELLS = 8192;

/** A run of cells inside one slab. */
export interface CellRun {
  readonly slab: number;
  readonly cells: Float64Array;
  /** First cell of the run in `cells`. */
  readonly index: number;
}

export class SlabMemory {
  readonly #slabs: Float64Array[] = [];
  #used = SLAB_CELLS;

  /** Number of slabs made so far. */
  get count(): number {
    return this.#slabs.length;
  }

  /** The shared memory of a slab, for the message that makes it known to main. */
  shared(slab: number): SharedArrayBuffer {
    const cells = this.#slabs[slab];
    invariant(cells !== undefined, `no slab ${slab}`);
    return cells.buffer as SharedArrayBuffer;
  }

  /** Zeroed cells that lie together. They are never given back: a metric lives as long as its thread. */
  allocate(size: number): CellRun {
    invariant(size > 0 && size <= SLAB_CELLS, `a run of ${size} cells`);
    if (this.#used + size > SLAB_CELLS) {
      this.#slabs.push(new Float64Array(new SharedArrayBuffer(SLAB_CELLS * Float64Array.BYTES_PER_ELEMENT)));
      this.#used = 0;
    }
    const slab = this.#slabs.length - 1;
    const index = this.#used;
    this.#used += size;
    return { slab, cells: this.#slabs[slab]!, index };
  }
}
