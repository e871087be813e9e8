/**
 * Counter, gauge and histogram whose numbers lie in the slab of their thread. They are looked up when their owner is made and
 * used for each request: an update is one array store (a histogram: three), without allocation.
 *
 * Owned by the thread that made them; nobody else writes their cells.
 */
import type { Counter, Gauge, Histogram } from '../../api/stats.ts';
import type { CellRun } from './slab-memory.ts';
import {
  GROUP_SHIFT,
  GROUP_SLOTS,
  GROUPS,
  HEAD_COUNT,
  HEAD_GROUPS,
  HEAD_LOW,
  HEAD_SUM,
  LARGEST_VALUE,
  slotOf,
} from './histogram-layout.ts';

export class SlabCounter implements Counter {
  readonly #cells: Float64Array;
  readonly #index: number;

  constructor(run: CellRun) {
    this.#cells = run.cells;
    this.#index = run.index;
  }

  inc(): void {
    this.#cells[this.#index]! += 1;
  }

  add(amount: number): void {
    this.#cells[this.#index]! += amount;
  }

  get value(): number {
    return this.#cells[this.#index]!;
  }
}

export class SlabGauge implements Gauge {
  readonly #cells: Float64Array;
  readonly #index: number;

  constructor(run: CellRun) {
    this.#cells = run.cells;
    this.#index = run.index;
  }

  set(value: number): void {
    this.#cells[this.#index] = value;
  }

  add(amount: number): void {
    this.#cells[this.#index]! += amount;
  }

  get value(): number {
    return this.#cells[this.#index]!;
  }
}

/** Gives a histogram the cells of a group, and the number that its head points to them by. */
export interface GroupSource {
  allocateGroup(size: number): { readonly run: CellRun; readonly pointer: number };
}

const NO_CELLS = new Float64Array(0);

export class SlabHistogram implements Histogram {
  readonly #head: Float64Array;
  readonly #base: number;
  readonly #source: GroupSource;
  readonly #groups: Float64Array[] = Array.from({ length: GROUPS }, () => NO_CELLS);
  readonly #offsets: number[] = Array.from({ length: GROUPS }, () => 0);

  constructor(head: CellRun, source: GroupSource) {
    this.#head = head.cells;
    this.#base = head.index;
    this.#source = source;
  }

  /** NaN is not a measurement and is left out; what lies below zero counts as zero. */
  record(value: number): void {
    if (value !== value) return;
    const measured = value > LARGEST_VALUE ? LARGEST_VALUE : value;
    const slot = measured > 0 ? slotOf(measured) : -1;
    const base = this.#base;
    if (slot < 0) {
      this.#head[base + HEAD_LOW]! += 1;
    } else {
      const group = slot >>> GROUP_SHIFT;
      let cells = this.#groups[group]!;
      if (cells.length === 0) cells = this.#openGroup(group);
      cells[this.#offsets[group]! + (slot & (GROUP_SLOTS - 1))]! += 1;
    }
    if (measured > 0) this.#head[base + HEAD_SUM]! += measured;
    this.#head[base + HEAD_COUNT]! += 1;
  }

  #openGroup(group: number): Float64Array {
    const { run, pointer } = this.#source.allocateGroup(GROUP_SLOTS);
    this.#groups[group] = run.cells;
    this.#offsets[group] = run.index;
    this.#head[this.#base + HEAD_GROUPS + group] = pointer;
    return run.cells;
  }
}
