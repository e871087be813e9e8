/** Statistics as a map by full name, for assertions. */
import type { Counter, Gauge, Histogram, StatsScope } from '../../../src/api/stats.ts';

class Value implements Counter, Gauge, Histogram {
  value = 0;
  readonly recorded: number[] = [];

  inc(): void {
    this.value += 1;
  }

  add(amount: number): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }

  record(value: number): void {
    this.recorded.push(value);
  }
}

export class FakeStats implements StatsScope {
  readonly #values: Map<string, Value>;
  readonly #prefix: string;

  constructor(values = new Map<string, Value>(), prefix = '') {
    this.#values = values;
    this.#prefix = prefix;
  }

  counter(name: string): Counter {
    return this.#find(name);
  }

  gauge(name: string): Gauge {
    return this.#find(name);
  }

  histogram(name: string): Histogram {
    return this.#find(name);
  }

  scope(prefix: string): StatsScope {
    return new FakeStats(this.#values, `${this.#prefix}${prefix}.`);
  }

  /** Throws on a name that nobody made. */
  value(name: string): number {
    return this.#known(name).value;
  }

  recorded(name: string): readonly number[] {
    return this.#known(name).recorded;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  #known(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new Error(`nobody made ${name}`);
    return value;
  }

  #find(name: string): Value {
    const full = this.#prefix + name;
    let value = this.#values.get(full);
    if (value === undefined) this.#values.set(full, (value = new Value()));
    return value;
  }
}
