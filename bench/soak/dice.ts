/** Chance from a seed, so that a run can be had again (mulberry32: 32 bits of state, full period, passes gjrand's short tests). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform over 0 to 2^32 - 1. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Whole number in [0, below). */
  below(below: number): number {
    return Math.floor((this.bits() / 2 ** 32) * below);
  }

  /** Whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(share: number): boolean {
    return this.bits() < share * 2 ** 32;
  }

  /** @throws RangeError for an empty list. */
  pick<T>(list: readonly T[]): T {
    const [picked] = list.slice(this.below(list.length));
    if (picked === undefined) throw new RangeError('nothing to choose from');
    return picked;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const keyed = list.map((item) => ({ item, key: this.bits() }));
    return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
  }
}
