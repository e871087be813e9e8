/**
 * Counts that all workers of the process share: what circuit breakers limit. One table in shared memory, made by main.
 *
 *   row 0 (process)  [worker 0: 16 cells][worker 1: 16 cells] …     free for limits of the process (listener connections)
 *   row 1 (cluster)  [worker 0: 16 cells][worker 1: 16 cells] …     cells 0-3 default priority, 4-7 high priority
 *   …
 *
 * A worker writes its own cells only, with plain stores, and a check adds up one cell per worker. Against one total under
 * `Atomics.add` that costs no locked instruction per request and no line that all cores fight for (16 cells = 64 bytes), and a
 * crashed worker's share is given back by zeroing its cells: no total can be left wrong. As in Envoy the check and the
 * increment are not one step, so workers may overshoot a limit briefly.
 */
import { invariant } from '../../base/invariant.ts';

/** One cache line per worker and row. */
const CELLS = 16;
/** Clusters whose limits are shared; pages that no cluster uses are never touched, so a large table costs nothing. */
export const DEFAULT_ROWS = 131_072;

export class SharedCounts {
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
  readonly rows: number;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.memory = memory;
    this.workers = workers;
    this.#cells = new Int32Array(memory);
    this.rows = Math.floor(this.#cells.length / (workers * CELLS));
    invariant(this.rows >= 1, 'shared counters hold at least one row');
  }

  static allocate(workers: number, rows = DEFAULT_ROWS): SharedCounts {
    const bytes = rows * workers * CELLS * Int32Array.BYTES_PER_ELEMENT;
    return new SharedCounts(new SharedArrayBuffer(bytes), workers);
  }

  /** Counts of one worker alone: for a cluster without a row, and for tests. */
  static local(): SharedCounts {
    return SharedCounts.allocate(1, 2);
  }

  /** Sum over all workers. */
  read(row: number, cell: number): number {
    const cells = this.#cells;
    const { workers } = this;
    let at = row * workers * CELLS + cell;
    let sum = 0;
    for (let worker = 0; worker < workers; worker += 1) {
      sum += cells[at] ?? 0;
      at += CELLS;
    }
    return sum;
  }

  /** No worker holds anything. */
  isIdle(row: number): boolean {
    const end = (row + 1) * this.workers * CELLS;
    for (let at = row * this.workers * CELLS; at < end; at += 1) if (this.#cells[at] !== 0) return false;
    return true;
  }

  add(row: number, worker: number, cell: number, amount: number): void {
    const at = (row * this.workers + worker) * CELLS + cell;
    this.#cells[at] = (this.#cells[at] ?? 0) + amount;
  }

  /** Main: the worker is gone, and with it everything that it held. */
  giveBack(worker: number): void {
    for (let row = 0; row < this.rows; row += 1) {
      const at = (row * this.workers + worker) * CELLS;
      for (let cell = at; cell < at + CELLS; cell += 1) {
        // Reading first keeps untouched pages untouched.
        if (this.#cells[cell] !== 0) this.#cells[cell] = 0;
      }
    }
  }
}
