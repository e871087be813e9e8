/**
 * One metric of all threads, in main: where its cells lie, and what threads that are gone have left.
 *
 * Invariant: a counter never goes back. A thread that ends has its last numbers folded in before its cells are forgotten,
 * and `reset` moves a base instead of touching cells, whose only writer is their thread.
 */
import type { MetricDescription } from '../../api/server.ts';
import type { HistogramView, ScalarView } from '../../api/stats.ts';
import { BucketCounts } from './bucket-counts.ts';
import { GROUPS, HEAD_COUNT, HEAD_GROUPS, HEAD_LOW, HEAD_SUM } from './histogram-layout.ts';
import { SLAB_CELLS } from './slab-memory.ts';

/** The slabs of one thread by number. */
export interface ThreadSlabs {
  readonly slabs: Float64Array[];
}

interface Place {
  readonly thread: ThreadSlabs;
  readonly cells: Float64Array;
  readonly index: number;
}

export class MergedScalar implements ScalarView {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly hidden: boolean;
  readonly tagEnd: number;
  readonly #merge: 'sum' | 'max';
  #places: Place[] = [];
  /** From threads that are gone; less what was reset. */
  #folded = 0;
  #base = 0;
  value = 0;
  used = false;

  constructor(description: MetricDescription, type: 'counter' | 'gauge') {
    this.name = description.name;
    this.type = type;
    this.hidden = description.hidden === true;
    this.tagEnd = description.tagEnd ?? 0;
    this.#merge = type === 'gauge' ? (description.merge ?? 'sum') : 'sum';
  }

  attach(place: Place): void {
    this.#places.push(place);
  }

  /** The thread is gone: its counts stay, its gauge ends. */
  detach(thread: ThreadSlabs): void {
    for (const place of this.#places) {
      if (place.thread === thread && this.type === 'counter') this.#folded += place.cells[place.index]!;
    }
    this.#places = this.#places.filter((place) => place.thread !== thread);
  }

  refresh(): void {
    let total = this.#folded;
    for (const { cells, index } of this.#places) {
      const value = cells[index]!;
      total = this.#merge === 'sum' ? total + value : Math.max(total, value);
    }
    this.value = total - this.#base;
    if (this.value !== 0) this.used = true;
  }

  reset(): void {
    this.refresh();
    this.#base += this.value;
    this.value = 0;
  }
}

export class MergedHistogram implements HistogramView {
  readonly name: string;
  readonly type = 'histogram';
  readonly hidden: boolean;
  readonly tagEnd: number;
  readonly interval = new BucketCounts();
  readonly cumulative = new BucketCounts();
  readonly #previous = new BucketCounts();
  readonly #folded = new BucketCounts();
  #places: Place[] = [];

  constructor(description: MetricDescription) {
    this.name = description.name;
    this.hidden = description.hidden === true;
    this.tagEnd = description.tagEnd ?? 0;
  }

  get used(): boolean {
    return this.cumulative.count > 0;
  }

  attach(place: Place): void {
    this.#places.push(place);
  }

  detach(thread: ThreadSlabs): void {
    for (const place of this.#places) if (place.thread === thread) readHistogram(this.#folded, place);
    this.#places = this.#places.filter((place) => place.thread !== thread);
  }

  /** Reads the buckets anew unless no thread has recorded since: what a thread was just writing is then read next time. */
  refresh(): void {
    let count = this.#folded.count;
    for (const { cells, index } of this.#places) count += cells[index + HEAD_COUNT]!;
    if (count === this.cumulative.count) return;
    this.cumulative.clear();
    this.cumulative.add(this.#folded);
    for (const place of this.#places) readHistogram(this.cumulative, place);
  }

  /** Ends the interval: what came since the last call becomes `interval`. */
  rollInterval(): void {
    this.refresh();
    if (this.interval.count > 0) this.interval.clear();
    if (this.cumulative.count === this.#previous.count) return;
    this.interval.add(this.cumulative);
    this.interval.add(this.#previous, -1);
    this.#previous.clear();
    this.#previous.add(this.cumulative);
  }
}

function readHistogram(into: BucketCounts, place: Place): void {
  const { cells, index } = place;
  into.addLow(cells[index + HEAD_LOW]!);
  into.sum += cells[index + HEAD_SUM]!;
  for (let group = 0; group < GROUPS; group += 1) {
    const pointer = cells[index + HEAD_GROUPS + group]!;
    if (pointer === 0) continue;
    const cell = pointer - 1;
    // A slab that is not announced yet: its counts are read after its message.
    const slab = place.thread.slabs[Math.floor(cell / SLAB_CELLS)];
    if (slab !== undefined) into.addGroup(group, slab, cell % SLAB_CELLS);
  }
}
