/**
 * What a worker answers to `report`: numbers about itself that only its own thread can read. Asked by the admin, never on a
 * request's path. Main combines the answers; a worker that hangs leaves a gap.
 */
import type { DispatcherStatus, PoolStatus } from '../api/admin.ts';
import type { ClusterDescription } from '../upstream/description.ts';
import type { LoopTimes } from './loop-times.ts';

/** As `DispatcherStatus`; ms. */
export type LoopReport = Pick<
  DispatcherStatus,
  'turns' | 'lagP50Ms' | 'lagP99Ms' | 'turnP50Ms' | 'turnP99Ms'
>;

export interface WorkerReport {
  readonly connections: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly loop: LoopReport;
  readonly pools: readonly PoolStatus[];
}

export function loopReport(turns: number, times: LoopTimes): LoopReport {
  return {
    turns,
    lagP50Ms: times.lateness.quantile(0.5),
    lagP99Ms: times.lateness.quantile(0.99),
    turnP50Ms: times.turns.quantile(0.5),
    turnP99Ms: times.turns.quantile(0.99),
  };
}

/** One row per pool: the admin's `/pools`. */
export function poolStatuses(worker: string, clusters: readonly ClusterDescription[]): PoolStatus[] {
  return clusters.flatMap(({ name, hosts }) =>
    hosts.flatMap(({ address, pools }) =>
      pools.map(({ protocol, pending, connections }) => {
        const count = (state: string): number => connections.filter((each) => each.state === state).length;
        const shown = protocol === 'http1' ? 'HTTP/1.1' : 'TCP';
        const active = count('busy') + count('draining');
        return {
          worker,
          cluster: name,
          host: address,
          protocol: shown,
          active,
          idle: count('ready'),
          connecting: count('connecting'),
          pending,
        };
      }),
    ),
  );
}
