/**
 * A thread's statistics: the root scope that everything of the thread gets its metrics from. One per worker, one in main.
 *
 *   new SlabStats({ announce })  ->  scope('cluster.echo').counter('upstream_rq_total')  ->  inc(): one store
 *                    `--> 'stats' messages --> MergedStats.adopt(thread, message) in main
 *
 * A second look-up of a name gives the same object. Scopes are kept as long as the thread: their number is that of the
 * configured names.
 */
import type { HostStats } from '../../api/upstream.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../api/stats.ts';
import { MetricTable, sanitizeName } from './metric-table.ts';
import type { SlabStatsOptions } from './metric-table.ts';
import { HOST_FIELDS, hostStatName, SlabHostStats } from './host-stats.ts';

class SlabScope implements StatsScope {
  readonly #table: MetricTable;
  readonly #prefix: string;
  readonly #traits: { readonly tagEnd?: number };
  readonly #scopes = new Map<string, SlabScope>();

  constructor(table: MetricTable, prefix: string, tagEnd: number) {
    this.#table = table;
    this.#prefix = prefix;
    this.#traits = tagEnd === 0 ? {} : { tagEnd };
  }

  counter(name: string): Counter {
    return this.#table.counter(this.#full(name), this.#traits);
  }

  gauge(name: string, merge: 'sum' | 'max' = 'sum'): Gauge {
    return this.#table.gauge(this.#full(name), merge === 'sum' ? this.#traits : { ...this.#traits, merge });
  }

  histogram(name: string): Histogram {
    return this.#table.histogram(this.#full(name), this.#traits);
  }

  scope(prefix: string): StatsScope {
    const key = prefix.endsWith('.') ? prefix.slice(0, -1) : prefix;
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const full = this.#full(key);
    const tagEnd = this.#traits.tagEnd ?? (full.includes('.') ? full.length : 0);
    const made = new SlabScope(this.#table, full, tagEnd);
    this.#scopes.set(key, made);
    return made;
  }

  #full(name: string): string {
    const clean = sanitizeName(name);
    return this.#prefix === '' ? clean : `${this.#prefix}.${clean}`;
  }
}

export class SlabStats implements StatsScope {
  readonly #table: MetricTable;
  readonly #root: SlabScope;
  readonly #hosts = new Map<string, SlabHostStats>();

  constructor(options: SlabStatsOptions) {
    this.#table = new MetricTable(options);
    this.#root = new SlabScope(this.#table, '', 0);
  }

  counter(name: string): Counter {
    return this.#root.counter(name);
  }

  gauge(name: string, merge: 'sum' | 'max' = 'sum'): Gauge {
    return this.#root.gauge(name, merge);
  }

  histogram(name: string): Histogram {
    return this.#root.histogram(name);
  }

  scope(prefix: string): StatsScope {
    return this.#root.scope(prefix);
  }

  /**
   * The numbers of one host of a cluster, hidden from `/stats`. The same object for the same pair, so a host that leaves and
   * comes back goes on counting. Beyond the bound of metrics: numbers of its own that main never sees.
   */
  hostStats(cluster: string, address: string): HostStats {
    const key = hostStatName(cluster, address, '');
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const fields = HOST_FIELDS;
    if (!this.#table.reserve(fields.length, key))
      return new SlabHostStats(new Float64Array(fields.length), 0);
    const run = this.#table.allocate(fields.length);
    fields.forEach((field, position) => {
      const place = { ...run, index: run.index + position };
      this.#table.describe(place, hostStatName(cluster, address, field.name), field.type, { hidden: true });
    });
    const made = new SlabHostStats(run.cells, run.index);
    this.#hosts.set(key, made);
    return made;
  }

  /** Posts what is queued without waiting for the deferred task: before a report, and before the thread ends. */
  announceNow(): void {
    this.#table.announceNow();
  }
}

/** For builders that are handed the thread's statistics and a pair of names. */
export function createHostStats(stats: SlabStats, cluster: string, address: string): HostStats {
  return stats.hostStats(cluster, address);
}
