/**
 * Which row of the shared table counts for which cluster; kept by main. A row that was given back is used again last of all, so
 * that requests still in flight on the removed cluster rarely count for another one.
 */
export class BreakerRows {
  readonly #limit: number;
  readonly #byName = new Map<string, number>();
  readonly #free: number[] = [];
  /** Row 0 belongs to the process. */
  #next = 1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const row = this.#next < this.#limit ? this.#next++ : this.#free.shift();
    if (row === undefined) throw new Error(`cluster ${name}: more than ${this.#limit - 1} clusters`);
    this.#byName.set(name, row);
    return row;
  }

  of(name: string): number {
    return this.take(name);
  }

  give(name: string): void {
    const row = this.#byName.get(name);
    if (row === undefined) return;
    this.#byName.delete(name);
    this.#free.push(row);
  }
}
