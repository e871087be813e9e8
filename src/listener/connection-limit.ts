/**
 * Limits on open downstream connections, per listener and for the process: counters in memory shared by all workers.
 *
 * Taking is optimistic (add, look, give back), so workers racing for the last place may refuse one too many for a moment, never
 * admit one too many. Each worker adds in a cell of its own: a crashed worker's share is cleared by main with its row.
 */
import type { Counter } from '../api/stats.ts';

export class ConnectionLimit {
  readonly #cells: Int32Array;
  readonly #own: number;
  readonly #limit: number;
  /** Counts refused connections. */
  readonly overflow: Counter;

  /** `cells`: one per worker. */
  constructor(cells: Int32Array, own: number, limit: number, overflow: Counter) {
    this.#cells = cells;
    this.#own = own;
    this.#limit = limit;
    this.overflow = overflow;
  }

  tryTake(): boolean {
    Atomics.add(this.#cells, this.#own, 1);
    if (this.#sum() <= this.#limit) return true;
    this.give();
    return false;
  }

  give(): void {
    Atomics.sub(this.#cells, this.#own, 1);
  }

  #sum(): number {
    let sum = 0;
    for (const cell of this.#cells) sum += cell;
    return sum;
  }
}
