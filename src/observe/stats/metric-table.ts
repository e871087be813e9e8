/**
 * All metrics of one thread by full name, the slabs below them, and the queue of what main has not been told of yet.
 *
 * Bounded: beyond `maxMetrics` a new name gets a nameless scratch metric that all refused ones share, `stats.overflow` counts the
 * refusals, and the first is logged. Names come from configuration, never from a peer: the bound is a guard, not a working range.
 */
import type { Counter, Gauge, Histogram } from '../../api/stats.ts';
import type { MetricDescription, StatsAnnouncement } from '../../api/server.ts';
import { logger } from '../../base/logger.ts';
import { HEAD_CELLS } from './histogram-layout.ts';
import { SLAB_CELLS, SlabMemory } from './slab-memory.ts';
import type { CellRun } from './slab-memory.ts';
import { SlabCounter, SlabGauge, SlabHistogram } from './slab-metrics.ts';
import type { GroupSource } from './slab-metrics.ts';

/** Some 70 for each of 50,000 services that are all in use, with room. Nothing is set aside for them. */
export const DEFAULT_MAX_METRICS = 5_000_000;
const log = logger('stats');
/** Descriptions per message, so that a large configuration does not become one long task for main. */
const BATCH = 2000;
/** A histogram counts as this many metrics against the bound: its head and a typical share of groups. */
const HISTOGRAM_WEIGHT = 4;

export interface SlabStatsOptions {
  /** Takes a message for main's `MergedStats`: a worker posts it, main adopts it at once. */
  readonly announce: (message: StatsAnnouncement) => void;
  /** Runs the task once, soon, so that metrics made together are announced together. Default: a microtask. */
  readonly defer?: (task: () => void) => void;
  readonly maxMetrics?: number;
}

type Traits = Pick<MetricDescription, 'merge' | 'hidden' | 'tagEnd'>;

/** `:` becomes `_` as in Envoy; so do control characters, which would break the lines of the text output. */
export function sanitizeName(name: string): string {
  return name.replace(/[:\p{Cc}]/gu, '_');
}

export class MetricTable implements GroupSource {
  readonly #memory = new SlabMemory();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #options: SlabStatsOptions;
  readonly #maxMetrics: number;
  readonly #overflow: Counter;
  readonly #spareCounter: Counter;
  readonly #spareGauge: Gauge;
  readonly #spareHistogram: Histogram;
  #size = 0;
  #announcedSlabs = 0;
  #pending: { readonly slab: number; readonly metric: MetricDescription }[] = [];
  #scheduled = false;

  constructor(options: SlabStatsOptions) {
    this.#options = options;
    this.#maxMetrics = Math.max(1, options.maxMetrics ?? DEFAULT_MAX_METRICS);
    this.#overflow = this.counter('stats.overflow', {});
    this.#spareCounter = new SlabCounter(this.#memory.allocate(1));
    this.#spareGauge = new SlabGauge(this.#memory.allocate(1));
    this.#spareHistogram = new SlabHistogram(this.#memory.allocate(HEAD_CELLS), this);
  }

  counter(name: string, traits: Traits): Counter {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    if (!this.reserve(1, name)) return this.#spareCounter;
    const run = this.#memory.allocate(1);
    this.describe(run, name, 'counter', traits);
    const made = new SlabCounter(run);
    this.#counters.set(name, made);
    return made;
  }

  gauge(name: string, traits: Traits): Gauge {
    const known = this.#gauges.get(name);
    if (known !== undefined) return known;
    if (!this.reserve(1, name)) return this.#spareGauge;
    const run = this.#memory.allocate(1);
    this.describe(run, name, 'gauge', traits);
    const made = new SlabGauge(run);
    this.#gauges.set(name, made);
    return made;
  }

  histogram(name: string, traits: Traits): Histogram {
    const known = this.#histograms.get(name);
    if (known !== undefined) return known;
    if (!this.reserve(HISTOGRAM_WEIGHT, name)) return this.#spareHistogram;
    const run = this.#memory.allocate(HEAD_CELLS);
    this.describe(run, name, 'histogram', traits);
    const made = new SlabHistogram(run, this);
    this.#histograms.set(name, made);
    return made;
  }

  /** Takes room under the bound; false (and counted, the first one also logged) when there is none. */
  reserve(weight: number, name: string): boolean {
    if (this.#size + weight > this.#maxMetrics) {
      if (this.#overflow.value === 0)
        log.warning(
          `more than ${this.#maxMetrics} statistics: ${name} and what comes after it are not shown; stats.overflow counts them`,
        );
      this.#overflow.inc();
      return false;
    }
    this.#size += weight;
    return true;
  }

  /** Cells that the caller lays out and describes itself. */
  allocate(size: number): CellRun {
    return this.#memory.allocate(size);
  }

  allocateGroup(size: number): { readonly run: CellRun; readonly pointer: number } {
    const run = this.#memory.allocate(size);
    if (run.slab >= this.#announcedSlabs) this.#schedule();
    return { run, pointer: run.slab * SLAB_CELLS + run.index + 1 };
  }

  /** Queues the description of the metric at `run.index` for main. */
  describe(run: CellRun, name: string, type: MetricDescription['type'], traits: Traits): void {
    this.#pending.push({ slab: run.slab, metric: { name, type, index: run.index, ...traits } });
    this.#schedule();
  }

  /** Tells main of everything new now: one message per run of metrics in one slab, each new slab exactly once. */
  announceNow(): void {
    this.#scheduled = false;
    const pending = this.#pending;
    this.#pending = [];
    let from = 0;
    while (from < pending.length) {
      const slab = pending[from]!.slab;
      let to = from + 1;
      while (to < pending.length && pending[to]!.slab === slab && to - from < BATCH) to += 1;
      this.#announceSlabs(slab);
      const metrics = pending.slice(from, to).map((entry) => entry.metric);
      this.#send(slab, metrics);
      from = to;
    }
    this.#announceSlabs(this.#memory.count);
  }

  /** A slab may hold nothing but groups of histograms: it is announced without metrics then. */
  #announceSlabs(end: number): void {
    while (this.#announcedSlabs < end) this.#send(this.#announcedSlabs, []);
  }

  #send(slab: number, metrics: readonly MetricDescription[]): void {
    if (slab < this.#announcedSlabs) {
      this.#options.announce({ kind: 'stats', slab, metrics });
      return;
    }
    this.#announcedSlabs = slab + 1;
    this.#options.announce({ kind: 'stats', slab, memory: this.#memory.shared(slab), metrics });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const defer = this.#options.defer ?? queueMicrotask;
    defer(() => this.announceNow());
  }
}
