/**
 * What main knows of each cluster in numbers: its membership and its circuit breakers. They become metrics only while somebody reads
 * the statistics, so that a cluster that nobody uses costs a few numbers and not some twenty metrics.
 *
 *   resolver -> take(config) -> figures.membership, figures.limit(row, config)      `/stats` -> counters(), gauges()
 *
 * Owns one entry per name in the statistics; clusters of the same `alt_stat_name` share it. Main thread.
 */
import type { Cluster } from '../api/envoy.ts';
import type { ComputedStats, ScalarView } from '../api/stats.ts';
import { sanitizeName } from '../observe/stats/metric-table.ts';
import { BreakerGauges } from './breaker/breaker-gauges.ts';
import type { SharedCounts } from './breaker/shared-counts.ts';
import { MembershipStats } from './membership-stats.ts';

/** The numbers of one cluster. */
export interface Figures {
  readonly membership: MembershipStats;
  /** There are hosts to be limited: with the cluster's first entry, and whenever it has changed. */
  limit(row: number, config: Cluster): void;
}

class Entry implements Figures {
  /** The cluster's own string, where nothing in it must be replaced. */
  readonly name: string;
  readonly membership = new MembershipStats();
  readonly #counts: SharedCounts;
  readonly #byRow: (Entry | undefined)[];
  breakers: BreakerGauges | null = null;
  /** Clusters of this name. */
  owners = 0;

  constructor(name: string, counts: SharedCounts, byRow: (Entry | undefined)[]) {
    this.name = name;
    this.#counts = counts;
    this.#byRow = byRow;
  }

  /** With the dot behind it: the order of names with it is that of the metrics. */
  get prefix(): string {
    return `cluster.${this.name}.`;
  }

  limit(row: number, config: Cluster): void {
    this.breakers = new BreakerGauges(this.#counts, row, config, this.breakers);
    this.#byRow[row] = this;
  }
}

export class ClusterFigures implements ComputedStats {
  readonly #counts: SharedCounts;
  readonly #byName = new Map<string, Entry>();
  /** By row of the shared table. */
  readonly #byRow: (Entry | undefined)[] = [];
  #sorted: readonly Entry[] | null = null;

  constructor(counts: SharedCounts) {
    this.#counts = counts;
  }

  /** To be given back when the cluster goes or is replaced. */
  take(config: Cluster): Figures {
    const name = nameOf(config);
    let entry = this.#byName.get(name);
    if (entry === undefined) {
      entry = new Entry(name, this.#counts, this.#byRow);
      this.#byName.set(name, entry);
      this.#sorted = null;
    }
    entry.owners += 1;
    return entry;
  }

  give(config: Cluster): void {
    const name = nameOf(config);
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    entry.owners -= 1;
    if (entry.owners > 0) return;
    this.#byName.delete(name);
    this.#sorted = null;
  }

  /** Only breakers that count something can be open now and closed at the next look. */
  refresh(): void {
    for (let row = 1; row < this.#byRow.length; row += 1)
      if (!this.#counts.isIdle(row)) this.#byRow[row]?.breakers?.note();
  }

  *counters(): Generator<ScalarView> {
    for (const { prefix, membership } of this.#inOrder()) {
      const views = new Views('counter', prefix);
      membership.counters(views.add);
      yield* views.list;
    }
  }

  *gauges(): Generator<ScalarView> {
    for (const { prefix, membership, breakers } of this.#inOrder()) {
      const views = new Views('gauge', prefix);
      breakers?.visit(views.add);
      membership.gauges(views.add);
      yield* views.list;
    }
  }

  resetCounters(): void {
    for (const { membership } of this.#byName.values()) membership.resetCounters();
  }

  #inOrder(): readonly Entry[] {
    this.#sorted ??= Array.from(this.#byName.values(), (entry) => ({ entry, prefix: entry.prefix }))
      .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
      .map(({ entry }) => entry);
    return this.#sorted;
  }
}

/** Metrics of one cluster, for a reader. */
class Views {
  readonly list: ScalarView[] = [];
  readonly #type: ScalarView['type'];
  readonly #prefix: string;

  constructor(type: ScalarView['type'], prefix: string) {
    this.#type = type;
    this.#prefix = prefix;
  }

  readonly add = (name: string, value: number, used: boolean): void => {
    const tagEnd = this.#prefix.length - 1;
    this.list.push({ name: this.#prefix + name, type: this.#type, value, used, hidden: false, tagEnd });
  };
}

function nameOf(config: Cluster): string {
  const name = config.alt_stat_name ?? config.name ?? '';
  return sanitizeName(name.endsWith('.') ? name.slice(0, -1) : name);
}
