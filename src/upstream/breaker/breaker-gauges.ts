/**
 * `cluster.<name>.circuit_breakers.<priority>.…_open`, on main: a breaker is open or not for the whole process, so the gauges are
 * computed from the shared table when somebody reads them. The request path pays nothing for them, and a cluster keeps no more
 * than its limits, which those without any of their own share.
 */
import type { Cluster } from '../../api/envoy.ts';
import type { Priority } from '../../api/upstream.ts';
import { retriesAllowed } from './circuit-breakers.ts';
import type { SharedCounts } from './shared-counts.ts';
import { PRIORITIES, cellOf, limitsOf } from './thresholds.ts';
import type { Limits, ResourceName } from './thresholds.ts';

type BreakerLimits = Readonly<Record<Priority, Limits>>;

interface Field {
  readonly name: string;
  readonly priority: Priority;
  /** null: a gauge that is there for those who look for it. */
  readonly resource: ResourceName | null;
  readonly kind: 'open' | 'remaining';
}

/** Of one priority, in the order of their names. */
const NAMES: readonly (readonly [name: string, resource: ResourceName | null, kind: Field['kind']])[] = [
  ['cx_open', 'connections', 'open'],
  ['cx_pool_open', null, 'open'],
  ['remaining_cx', 'connections', 'remaining'],
  ['remaining_pending', 'pendingRequests', 'remaining'],
  ['remaining_retries', 'retries', 'remaining'],
  ['remaining_rq', 'requests', 'remaining'],
  ['rq_open', 'requests', 'open'],
  ['rq_pending_open', 'pendingRequests', 'open'],
  ['rq_retry_open', 'retries', 'open'],
];
const FIELDS: readonly Field[] = PRIORITIES.flatMap((priority) =>
  NAMES.map(([name, resource, kind]) => ({
    name: `circuit_breakers.${priority}.${name}`,
    priority,
    resource,
    kind,
  })),
);
const DEFAULT_LIMITS = breakerLimits({});

export class BreakerGauges {
  readonly #counts: SharedCounts;
  readonly #row: number;
  readonly #limits: BreakerLimits;
  /** Bit by field: what was other than 0 at some look. */
  #used: number;

  /** `before`: the gauges of the same name that these replace. */
  constructor(counts: SharedCounts, row: number, config: Cluster, before: BreakerGauges | null = null) {
    before?.note();
    this.#counts = counts;
    this.#row = row;
    this.#limits = config.circuit_breakers === undefined ? DEFAULT_LIMITS : breakerLimits(config);
    this.#used = before === null ? 0 : before.#used;
  }

  /** Remembers what is other than 0 now. */
  note(): void {
    FIELDS.forEach((field, position) => {
      if (this.#value(field) > 0) this.#used |= 1 << position;
    });
  }

  visit(visit: (name: string, value: number, used: boolean) => void): void {
    FIELDS.forEach((field, position) => {
      if (field.kind === 'remaining' && !this.#limits[field.priority].trackRemaining) return;
      const value = this.#value(field);
      if (value !== 0) this.#used |= 1 << position;
      visit(field.name, value, (this.#used & (1 << position)) !== 0);
    });
  }

  #value({ priority, resource, kind }: Field): number {
    if (resource === null) return 0;
    const count = this.#count(priority, resource);
    const allowed = this.#allowed(priority, resource);
    if (kind === 'open') return count >= allowed ? 1 : 0;
    return Math.max(0, allowed - count);
  }

  #allowed(priority: Priority, resource: ResourceName): number {
    const limits = this.#limits[priority];
    if (resource !== 'retries' || limits.retryBudget === null) return limits[resource];
    const active = this.#count(priority, 'pendingRequests') + this.#count(priority, 'requests');
    return retriesAllowed(limits.retryBudget, active);
  }

  #count(priority: Priority, resource: ResourceName): number {
    return this.#counts.read(this.#row, cellOf(priority, resource));
  }
}

function breakerLimits(config: Cluster): BreakerLimits {
  return { default: limitsOf(config, 'default'), high: limitsOf(config, 'high') };
}
