/**
 * The pool that an attempt goes to: the balancer's choice, asked again when `previous_hosts` forbids the host that came out, as
 * often as the policy allows. Then the last choice stands, tried before or not.
 */
import type { HttpPool, LoadBalancerContext, Priority, ThreadLocalCluster } from '../api/upstream.ts';

/** Null: no healthy host. */
export function choosePool(
  cluster: ThreadLocalCluster,
  context: LoadBalancerContext,
  priority: Priority,
  selectionAttempts: number,
): HttpPool | null {
  let pool = cluster.httpPool(context, priority);
  const { attempted } = context;
  if (attempted === undefined || attempted.length === 0) return pool;
  for (let tries = selectionAttempts; tries > 0; tries -= 1) {
    if (pool === null || !attempted.includes(pool.host)) return pool;
    pool = cluster.httpPool(context, priority);
  }
  return pool;
}
