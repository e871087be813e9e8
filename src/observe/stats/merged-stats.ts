/**
 * All threads' statistics in main, merged by name: counters and histograms add up, gauges add up or take the highest.
 *
 *   worker's 'stats' message -> adopt(thread, message)      worker ended -> retire(thread)
 *   every flush interval     -> flush()                     scrape       -> refresh(), then counters(), gauges(), histograms()
 *
 * Between two refreshes the numbers stand still, so a page is of one moment. Invariant: after a refresh a counter is the sum
 * of the cells of all threads that ever had it, less what was reset.
 */
import type { StatsAnnouncement } from '../../api/server.ts';
import type { ComputedStats, HistogramView, ScalarView, StatsView } from '../../api/stats.ts';
import type { HostStats } from '../../api/upstream.ts';
import { HOST_FIELDS, hostStatName } from './host-stats.ts';
import { MergedHistogram, MergedScalar } from './merged-metric.ts';
import type { ThreadSlabs } from './merged-metric.ts';

/** Envoy's `stats_flush_interval` default. */
export const DEFAULT_FLUSH_INTERVAL_MS = 5000;

/** A map by name with its sorted list, made when it is asked for. */
class SortedByName<T extends { readonly name: string }> {
  readonly #byName = new Map<string, T>();
  #sorted: readonly T[] | null = null;

  get(name: string): T | undefined {
    return this.#byName.get(name);
  }

  add(made: T): T {
    this.#byName.set(made.name, made);
    this.#sorted = null;
    return made;
  }

  values(): Iterable<T> {
    return this.#byName.values();
  }

  sorted(): readonly T[] {
    this.#sorted ??= [...this.#byName.values()].sort(byName);
    return this.#sorted;
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** The gauges that a sum is made of. */
interface Watch {
  readonly accepts: (name: string) => boolean;
  readonly found: MergedScalar[];
}

export class MergedStats implements StatsView {
  readonly #threads = new Map<string, ThreadSlabs>();
  readonly #counters = new SortedByName<MergedScalar>();
  readonly #gauges = new SortedByName<MergedScalar>();
  readonly #histograms = new SortedByName<MergedHistogram>();
  readonly #computed: ComputedStats[] = [];
  readonly #watches: Watch[] = [];

  /** Shown with the threads' metrics from now on; its names are no thread's. */
  addComputed(computed: ComputedStats): void {
    this.#computed.push(computed);
  }

  /** The threads' gauges with such a name added up, as of the last refresh; for what is asked too often to look through all. */
  sumOfGauges(accepts: (name: string) => boolean): () => number {
    const found: MergedScalar[] = [];
    for (const gauge of this.#gauges.values()) if (accepts(gauge.name)) found.push(gauge);
    this.#watches.push({ accepts, found });
    return () => found.reduce((sum, { value }) => sum + value, 0);
  }

  /** Takes a thread's announcement. A first slab from a thread that has one is that of its successor. */
  adopt(thread: string, message: StatsAnnouncement): void {
    if (message.memory !== undefined && message.slab === 0) this.retire(thread);
    let known = this.#threads.get(thread);
    if (known === undefined) {
      known = { slabs: [] };
      this.#threads.set(thread, known);
    }
    if (message.memory !== undefined) known.slabs[message.slab] = new Float64Array(message.memory);
    const cells = known.slabs[message.slab];
    // The last words of a thread that was retired already: its numbers were folded, its memory is gone.
    if (cells === undefined) return;
    for (const metric of message.metrics) {
      const place = { thread: known, cells, index: metric.index };
      const { type } = metric;
      if (type === 'histogram') {
        const histograms = this.#histograms;
        (histograms.get(metric.name) ?? histograms.add(new MergedHistogram(metric))).attach(place);
      } else {
        const known = (type === 'counter' ? this.#counters : this.#gauges).get(metric.name);
        (known ?? this.#addScalar(new MergedScalar(metric, type))).attach(place);
      }
    }
  }

  #addScalar(made: MergedScalar): MergedScalar {
    if (made.type === 'counter') return this.#counters.add(made);
    for (const { accepts, found } of this.#watches) if (accepts(made.name)) found.push(made);
    return this.#gauges.add(made);
  }

  /** The thread has ended: its counts are kept, its gauges end, its slabs are let go. */
  retire(thread: string): void {
    const gone = this.#threads.get(thread);
    if (gone === undefined) return;
    this.#threads.delete(thread);
    for (const metric of this.#counters.values()) metric.detach(gone);
    for (const metric of this.#gauges.values()) metric.detach(gone);
    for (const metric of this.#histograms.values()) metric.detach(gone);
  }

  refresh(): void {
    for (const metric of this.#counters.values()) metric.refresh();
    for (const metric of this.#gauges.values()) metric.refresh();
    for (const metric of this.#histograms.values()) metric.refresh();
    for (const computed of this.#computed) computed.refresh();
  }

  /** Ends a flush interval: refreshes, and starts the next interval of the histograms. */
  flush(): void {
    this.refresh();
    for (const metric of this.#histograms.values()) metric.rollInterval();
  }

  /** `/reset_counters`: counters start at 0 again. Per-host numbers go on, as in Envoy. */
  resetCounters(): void {
    for (const metric of this.#counters.values()) if (!metric.hidden) metric.reset();
    for (const computed of this.#computed) computed.resetCounters();
  }

  counters(): readonly ScalarView[] {
    return this.#withComputed(this.#counters.sorted(), (computed) => computed.counters());
  }

  gauges(): readonly ScalarView[] {
    return this.#withComputed(this.#gauges.sorted(), (computed) => computed.gauges());
  }

  /** Both are in order, or nearly: sorting them is little more than merging. */
  #withComputed(
    own: readonly ScalarView[],
    viewsOf: (computed: ComputedStats) => Iterable<ScalarView>,
  ): readonly ScalarView[] {
    if (this.#computed.length === 0) return own;
    const all = [...own];
    for (const computed of this.#computed) for (const view of viewsOf(computed)) all.push(view);
    return all.sort(byName);
  }

  histograms(): readonly HistogramView[] {
    return this.#histograms.sorted();
  }

  /** Value at the last refresh; undefined: no thread has announced such a counter or gauge. Not of what is computed. */
  value(name: string): number | undefined {
    return (this.#counters.get(name) ?? this.#gauges.get(name))?.value;
  }

  /** The workers' numbers of a host added up now; zeros for a host that no worker has used. */
  hostTotals(cluster: string, address: string): HostStats {
    const totals: HostStats = {
      cxActive: 0,
      cxConnectFail: 0,
      cxTotal: 0,
      rqActive: 0,
      rqError: 0,
      rqSuccess: 0,
      rqTimeout: 0,
      rqTotal: 0,
    };
    for (const field of HOST_FIELDS) {
      const table = field.type === 'counter' ? this.#counters : this.#gauges;
      const metric = table.get(hostStatName(cluster, address, field.name));
      metric?.refresh();
      totals[field.key] = metric?.value ?? 0;
    }
    return totals;
  }
}
