/** A scope whose counters and gauges a test reads by their full names. */
import type { Counter, Gauge, Histogram, StatsScope } from '../../../src/api/stats.ts';

class Cell implements Counter, Gauge {
  value = 0;

  inc(): void {
    this.value += 1;
  }

  add(amount: number): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }
}

export class CountingStats implements StatsScope {
  readonly #cells: Map<string, Cell>;
  readonly #prefix: string;

  constructor(prefix = '', cells = new Map<string, Cell>()) {
    this.#prefix = prefix;
    this.#cells = cells;
  }

  get(name: string): number {
    return this.#cells.get(name)?.value ?? 0;
  }

  counter(name: string): Counter {
    return this.#cell(name);
  }

  gauge(name: string): Gauge {
    return this.#cell(name);
  }

  histogram(_name: string): Histogram {
    return { record: () => undefined };
  }

  scope(prefix: string): StatsScope {
    return new CountingStats(`${this.#prefix}${prefix}.`, this.#cells);
  }

  #cell(name: string): Cell {
    const key = this.#prefix + name;
    const cell = this.#cells.get(key) ?? new Cell();
    this.#cells.set(key, cell);
    return cell;
  }
}
