/**
 * The eight numbers that `/clusters` shows of each host, as fields over eight cells of the worker's slab: the pool writes
 * `stats.rqTotal += 1`, main adds the workers up by name (`cluster.<cluster>.host.<address>.<field>`, hidden from `/stats`).
 */
import type { HostStats } from '../../api/upstream.ts';
import { sanitizeName } from './metric-table.ts';

/** In the order of the cells, which is the order of `/clusters`. */
export const HOST_FIELDS = [
  { name: 'cx_active', key: 'cxActive', type: 'gauge' },
  { name: 'cx_connect_fail', key: 'cxConnectFail', type: 'counter' },
  { name: 'cx_total', key: 'cxTotal', type: 'counter' },
  { name: 'rq_active', key: 'rqActive', type: 'gauge' },
  { name: 'rq_error', key: 'rqError', type: 'counter' },
  { name: 'rq_success', key: 'rqSuccess', type: 'counter' },
  { name: 'rq_timeout', key: 'rqTimeout', type: 'counter' },
  { name: 'rq_total', key: 'rqTotal', type: 'counter' },
] as const;

/** `address` is `ip:port` or a path, as `/clusters` prints it. */
export function hostStatName(cluster: string, address: string, field: string): string {
  return sanitizeName(`cluster.${cluster}.host.${address}.${field}`);
}

export class SlabHostStats implements HostStats {
  readonly #cells: Float64Array;
  readonly #base: number;

  constructor(cells: Float64Array, base: number) {
    this.#cells = cells;
    this.#base = base;
  }

  get cxActive(): number {
    return this.#cells[this.#base]!;
  }

  set cxActive(value: number) {
    this.#cells[this.#base] = value;
  }

  get cxConnectFail(): number {
    return this.#cells[this.#base + 1]!;
  }

  set cxConnectFail(value: number) {
    this.#cells[this.#base + 1] = value;
  }

  get cxTotal(): number {
    return this.#cells[this.#base + 2]!;
  }

  set cxTotal(value: number) {
    this.#cells[this.#base + 2] = value;
  }

  get rqActive(): number {
    return this.#cells[this.#base + 3]!;
  }

  set rqActive(value: number) {
    this.#cells[this.#base + 3] = value;
  }

  get rqError(): number {
    return this.#cells[this.#base + 4]!;
  }

  set rqError(value: number) {
    this.#cells[this.#base + 4] = value;
  }

  get rqSuccess(): number {
    return this.#cells[this.#base + 5]!;
  }

  set rqSuccess(value: number) {
    this.#cells[this.#base + 5] = value;
  }

  get rqTimeout(): number {
    return this.#cells[this.#base + 6]!;
  }

  set rqTimeout(value: number) {
    this.#cells[this.#base + 6] = value;
  }

  get rqTotal(): number {
    return this.#cells[this.#base + 7]!;
  }

  set rqTotal(value: number) {
    this.#cells[this.#base + 7] = value;
  }
}
