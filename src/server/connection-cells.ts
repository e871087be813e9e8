/**
 * The counts of open downstream connections that all workers see: an Int32 per worker in each row.
 *
 *   row 0            connections of the process        (global limit)
 *   row 1 + 2 i      connections of listener i         (its limit)
 *   row 2 + 2 i      connections of listener i by owner (exact_balance)
 *
 * Each worker adds in its own column, except that an exact balance raises the chosen worker's. Main clears the column of a worker
 * that is gone: its connections are.
 */
export class ConnectionCells {
  readonly #memory: SharedArrayBuffer;
  readonly #workers: number;

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#memory = memory;
    this.#workers = workers;
  }

  static allocate(workers: number, listeners: number): SharedArrayBuffer {
    return new SharedArrayBuffer((1 + 2 * listeners) * workers * Int32Array.BYTES_PER_ELEMENT);
  }

  get total(): Int32Array {
    return this.#row(0);
  }

  limit(listener: number): Int32Array {
    return this.#row(1 + 2 * listener);
  }

  balance(listener: number): Int32Array {
    return this.#row(2 + 2 * listener);
  }

  giveBack(worker: number): void {
    const cells = new Int32Array(this.#memory);
    for (let at = worker; at < cells.length; at += this.#workers) Atomics.store(cells, at, 0);
  }

  #row(index: number): Int32Array {
    const bytes = this.#workers * Int32Array.BYTES_PER_ELEMENT;
    return new Int32Array(this.#memory, index * bytes, this.#workers);
  }
}
