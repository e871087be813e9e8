/**
 * Limits of a cluster per priority, with Envoy's defaults (`envoy-reference.md` 13), and where each resource is counted in a
 * cluster's row of the shared table.
 */
import type { CircuitBreakersThresholdsRetryBudget, Cluster } from '../../api/envoy.ts';
import type { Priority } from '../../api/upstream.ts';

export const PRIORITIES: readonly Priority[] = ['default', 'high'];

export type ResourceName = 'connections' | 'pendingRequests' | 'requests' | 'retries';

export interface Limits {
  readonly connections: number;
  readonly pendingRequests: number;
  readonly requests: number;
  readonly retries: number;
  readonly retryBudget: RetryBudget | null;
  readonly trackRemaining: boolean;
}

export interface RetryBudget {
  /** Retries allowed at a time as a share of requests active and pending, 0 to 1. */
  readonly share: number;
  readonly floor: number;
}

const CELL: Readonly<Record<ResourceName, number>> = {
  connections: 0,
  pendingRequests: 1,
  requests: 2,
  retries: 3,
};
const CELLS_PER_PRIORITY = 4;

const DEFAULT_LIMIT = 1024;
const DEFAULT_RETRIES = 3;
const DEFAULT_BUDGET_PERCENT = 20;

export function cellOf(priority: Priority, resource: ResourceName): number {
  return (priority === 'high' ? CELLS_PER_PRIORITY : 0) + CELL[resource];
}

/** The first threshold of a priority counts, as in Envoy. */
export function limitsOf(config: Cluster, priority: Priority): Limits {
  const wanted = priority === 'high' ? 'HIGH' : 'DEFAULT';
  const found = config.circuit_breakers?.thresholds?.find(
    (entry) => (entry.priority ?? 'DEFAULT') === wanted,
  );
  return {
    connections: found?.max_connections ?? DEFAULT_LIMIT,
    pendingRequests: found?.max_pending_requests ?? DEFAULT_LIMIT,
    requests: found?.max_requests ?? DEFAULT_LIMIT,
    retries: found?.max_retries ?? DEFAULT_RETRIES,
    retryBudget: found?.retry_budget === undefined ? null : budgetOf(found.retry_budget),
    trackRemaining: found?.track_remaining ?? false,
  };
}

function budgetOf(config: CircuitBreakersThresholdsRetryBudget): RetryBudget {
  return {
    share: (config.budget_percent?.value ?? DEFAULT_BUDGET_PERCENT) / 100,
    floor: config.min_retry_concurrency ?? DEFAULT_RETRIES,
  };
}
