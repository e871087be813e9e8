/**
 * The four limited resources of a cluster at one priority, as a worker moves them.
 *
 * On the hot path: `canCreate` reads one cell per worker, `inc` and `dec` are one store each. Invariant: whoever called `inc`
 * calls `dec` once, so this worker's cells are zero when it holds nothing.
 */
import type { CircuitBreakers, Priority, Resource } from '../../api/upstream.ts';
import type { SharedCounts } from './shared-counts.ts';
import { cellOf } from './thresholds.ts';
import type { Limits, RetryBudget } from './thresholds.ts';

/** Where a cluster counts: its row of the table, and the worker that this is. */
export interface CountPlace {
  readonly counts: SharedCounts;
  readonly row: number;
  readonly worker: number;
}

export class CountedResource implements Resource {
  readonly #place: CountPlace;
  readonly #cell: number;
  readonly #limit: number;

  constructor(place: CountPlace, cell: number, limit: number) {
    this.#place = place;
    this.#cell = cell;
    this.#limit = limit;
  }

  /** Held by all workers. */
  get count(): number {
    return this.#place.counts.read(this.#place.row, this.#cell);
  }

  canCreate(): boolean {
    return this.count < this.#limit;
  }

  inc(): void {
    this.#place.counts.add(this.#place.row, this.#place.worker, this.#cell, 1);
  }

  dec(): void {
    this.#place.counts.add(this.#place.row, this.#place.worker, this.#cell, -1);
  }
}

/** Retries limited to a share of what is going on; replaces `max_retries`. */
class BudgetedRetries implements Resource {
  readonly #retries: CountedResource;
  readonly #requests: CountedResource;
  readonly #pending: CountedResource;
  readonly #budget: RetryBudget;

  constructor(
    retries: CountedResource,
    requests: CountedResource,
    pending: CountedResource,
    budget: RetryBudget,
  ) {
    this.#retries = retries;
    this.#requests = requests;
    this.#pending = pending;
    this.#budget = budget;
  }

  canCreate(): boolean {
    return this.#retries.count < retriesAllowed(this.#budget, this.#requests.count + this.#pending.count);
  }

  inc(): void {
    this.#retries.inc();
  }

  dec(): void {
    this.#retries.dec();
  }
}

export class ClusterBreakers implements CircuitBreakers {
  readonly connections: CountedResource;
  readonly pendingRequests: CountedResource;
  readonly requests: CountedResource;
  readonly retries: Resource;

  constructor(place: CountPlace, priority: Priority, limits: Limits) {
    this.connections = new CountedResource(place, cellOf(priority, 'connections'), limits.connections);
    this.pendingRequests = new CountedResource(
      place,
      cellOf(priority, 'pendingRequests'),
      limits.pendingRequests,
    );
    this.requests = new CountedResource(place, cellOf(priority, 'requests'), limits.requests);
    const retries = new CountedResource(place, cellOf(priority, 'retries'), limits.retries);
    this.retries =
      limits.retryBudget === null
        ? retries
        : new BudgetedRetries(retries, this.requests, this.pendingRequests, limits.retryBudget);
  }
}

export function retriesAllowed(budget: RetryBudget, active: number): number {
  return Math.max(budget.floor, Math.floor(active * budget.share));
}
