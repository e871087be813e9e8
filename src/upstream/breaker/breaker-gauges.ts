/**
 * `cluster.<name>.circuit_breakers.<priority>.…_open`, on main: a breaker is open or not for the whole process, so the gauges are
 * computed from the shared table when somebody is about to read them. The request path pays nothing for them.
 */
import type { Gauge, StatsScope } from '../../api/stats.ts';
import type { ClusterSnapshot, Priority } from '../../api/upstream.ts';
import { retriesAllowed } from './circuit-breakers.ts';
import type { SharedCounts } from './shared-counts.ts';
import { PRIORITIES, cellOf, limitsOf } from './thresholds.ts';
import type { Limits, ResourceName } from './thresholds.ts';

interface Line {
  readonly resource: ResourceName;
  readonly cell: number;
  readonly limit: number;
  readonly open: Gauge;
  readonly remaining: Gauge | null;
}

interface PriorityLines {
  readonly lines: readonly Line[];
  readonly limits: Limits;
}

interface ClusterLines {
  readonly config: ClusterSnapshot['config'];
  readonly priorities: readonly PriorityLines[];
}

const NAMES: Readonly<Record<ResourceName, readonly [open: string, remaining: string]>> = {
  connections: ['cx_open', 'remaining_cx'],
  pendingRequests: ['rq_pending_open', 'remaining_pending'],
  requests: ['rq_open', 'remaining_rq'],
  retries: ['rq_retry_open', 'remaining_retries'],
};
const RESOURCES: readonly ResourceName[] = ['connections', 'pendingRequests', 'requests', 'retries'];

export class BreakerGauges {
  readonly #stats: StatsScope;
  readonly #counts: SharedCounts;
  #clusters = new Map<string, ClusterLines>();

  /** `stats` is the root scope of main. */
  constructor(stats: StatsScope, counts: SharedCounts) {
    this.#stats = stats;
    this.#counts = counts;
  }

  /** Sets the gauges of these clusters, which are all that there are. */
  refresh(snapshots: Iterable<readonly [string, ClusterSnapshot]>): void {
    const kept = new Map<string, ClusterLines>();
    for (const [name, snapshot] of snapshots) {
      const known = this.#clusters.get(name);
      const lines = known?.config === snapshot.config ? known : this.#linesOf(name, snapshot);
      kept.set(name, lines);
      if (snapshot.breakerIndex !== undefined) this.#set(lines, snapshot.breakerIndex);
    }
    this.#clusters = kept;
  }

  #linesOf(name: string, { config }: ClusterSnapshot): ClusterLines {
    const scope = this.#stats
      .scope('cluster')
      .scope(config.alt_stat_name ?? name)
      .scope('circuit_breakers');
    return {
      config,
      priorities: PRIORITIES.map((priority) => {
        const limits = limitsOf(config, priority);
        return { limits, lines: linesOf(scope.scope(priority), priority, limits) };
      }),
    };
  }

  #set({ priorities }: ClusterLines, row: number): void {
    for (const { lines, limits } of priorities) {
      let active = 0;
      for (const { resource, cell, limit, open, remaining } of lines) {
        const count = this.#counts.read(row, cell);
        if (resource === 'pendingRequests' || resource === 'requests') active += count;
        const budgeted = resource === 'retries' && limits.retryBudget !== null;
        const allowed = budgeted ? retriesAllowed(limits.retryBudget, active) : limit;
        open.set(count >= allowed ? 1 : 0);
        remaining?.set(Math.max(0, allowed - count));
      }
    }
  }
}

function linesOf(scope: StatsScope, priority: Priority, limits: Limits): Line[] {
  scope.gauge('cx_pool_open').set(0);
  return RESOURCES.map((resource) => ({
    resource,
    cell: cellOf(priority, resource),
    limit: limits[resource],
    open: scope.gauge(NAMES[resource][0]),
    remaining: limits.trackRemaining ? scope.gauge(NAMES[resource][1]) : null,
  }));
}
