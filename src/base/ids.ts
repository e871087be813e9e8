/**
 * Connection ids: one counter per process for both sides, as in the talk's log (C676 down, C677 up).
 *
 * The counter lies in shared memory. A worker takes ids in runs, so that an accept costs no atomic operation; ids are unique
 * and grow within a worker, but two workers' ids interleave in runs.
 */
const RUN = 16;

export class ConnectionIds {
  readonly #shared: Int32Array;
  #next = 0;
  #end = 0;

  constructor(shared: SharedArrayBuffer) {
    this.#shared = new Int32Array(shared);
  }

  next(): number {
    if (this.#next === this.#end) {
      this.#next = Atomics.add(this.#shared, 0, RUN) + 1;
      this.#end = this.#next + RUN;
    }
    return this.#next++;
  }
}
