/**
 * Main's memory between its works. It has little to do, so V8 would keep for a long time what a start, or a scrape of the statistics of
 * a large mesh, left: some 65 MB with 1,500 clusters. It is collected some time after the last work, where it is worth the while; main is
 * in no request's way.
 */
import { getHeapStatistics } from 'node:v8';
import { afterMs } from '../base/clock.ts';
import { mapBlocksFrom } from '../os/trim-memory.ts';
import { collectGarbage } from './collect-garbage.ts';

/** A start takes and frees texts and buffers of any size, and keeps little: what it frees is to go back. */
const START_BLOCK_BYTES = 128 * 1024;
/** Afterwards blocks come and go with traffic, and a mapping for each would cost page faults. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** Until what has just happened is likely to be over, and what it held is let go; and the least between two collections. */
const REST_MS = 1000;
const LEAST_BYTES = 8 * 1024 * 1024;

/** Before anything large is read. */
export function prepareMemory(): void {
  mapBlocksFrom(START_BLOCK_BYTES);
}

export class MainMemory {
  readonly #collect: typeof collectGarbage;
  readonly #held: () => number;
  /** After the last collection. */
  #least = 0;
  #due = false;

  constructor(collect: typeof collectGarbage = collectGarbage, held: () => number = heldBytes) {
    this.#collect = collect;
    this.#held = held;
  }

  /** After the start: a full collection will come, and blocks stay from now on. */
  onStarted(): void {
    mapBlocksFrom(BLOCK_BYTES);
    // A collection on the way found the configuration still in use: what it left is no measure.
    this.#least = 0;
    this.onWork();
  }

  /** After anything that may have taken much. */
  onWork(): void {
    if (this.#due || this.#held() - this.#least < LEAST_BYTES) return;
    this.#due = true;
    afterMs(REST_MS, () => this.#collectNow()).unref();
  }

  #collectNow(): void {
    this.#due = false;
    this.#collect('everything');
    this.#least = this.#held();
  }
}

/** Of the heap, and of buffers behind it. */
function heldBytes(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
