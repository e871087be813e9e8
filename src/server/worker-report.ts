/**
 * What a worker answers to `report`: numbers about itself that only its own thread can read. Asked by the admin, never on a
 * request's path. Main combines the answers; a worker that hangs leaves a gap.
 */
import type { PoolStatus } from '../api/admin.ts';
import type { ClusterDescription } from '../upstream/description.ts';

export interface WorkerReport {
  readonly turns: number;
  readonly connections: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  /** How much later than asked its timer came, over the last samples; ms, ascending. */
  readonly lateness: readonly number[];
  readonly pools: readonly PoolStatus[];
}

/** The last so many firings of the heartbeat timer: some seconds. */
const SAMPLES = 128;

/** Ring of how late a periodic timer fired: the lag that every event of the thread suffers. */
export class LatenessSamples {
  readonly #ring = new Float64Array(SAMPLES);
  #count = 0;

  add(ms: number): void {
    this.#ring[this.#count % SAMPLES] = Math.max(0, ms);
    this.#count += 1;
  }

  sorted(): number[] {
    return Array.from(this.#ring.subarray(0, Math.min(this.#count, SAMPLES)).toSorted());
  }
}

/** NaN without samples. */
export function quantile(ascending: readonly number[], fraction: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * fraction))] ?? NaN;
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
