/**
 * The pools of one host on one worker, made when a request first needs them: HTTP and TCP, each per priority, because limits
 * are per priority.
 */
import type { Priority } from '../../api/upstream.ts';
import type { ClusterBreakers } from '../breaker/circuit-breakers.ts';
import type { UpstreamHost } from '../host.ts';
import type { PoolEnvironment } from './environment.ts';
import { Http1Pool } from './http-pool.ts';
import { FreshTcpPool } from './tcp-pool.ts';

export class HostPools {
  readonly #environment: PoolEnvironment;
  readonly #host: UpstreamHost;
  readonly #onEmpty: () => void;
  httpDefault: Http1Pool | null = null;
  httpHigh: Http1Pool | null = null;
  tcpDefault: FreshTcpPool | null = null;
  tcpHigh: FreshTcpPool | null = null;
  #draining = false;

  /** `onEmpty`: all were told to drain, and none has a connection or a request left. May be called more than once. */
  constructor(environment: PoolEnvironment, host: UpstreamHost, onEmpty: () => void) {
    this.#environment = environment;
    this.#host = host;
    this.#onEmpty = onEmpty;
  }

  http(priority: Priority, breakers: ClusterBreakers): Http1Pool {
    const found = priority === 'high' ? this.httpHigh : this.httpDefault;
    if (found !== null) return found;
    const made = new Http1Pool(this.#environment, this.#host, breakers, () => this.#checkEmpty());
    if (this.#draining) made.drain();
    if (priority === 'high') this.httpHigh = made;
    else this.httpDefault = made;
    return made;
  }

  tcp(priority: Priority, breakers: ClusterBreakers): FreshTcpPool {
    const found = priority === 'high' ? this.tcpHigh : this.tcpDefault;
    if (found !== null) return found;
    const made = new FreshTcpPool(this.#environment, this.#host, breakers, () => this.#checkEmpty());
    if (this.#draining) made.drain();
    if (priority === 'high') this.tcpHigh = made;
    else this.tcpDefault = made;
    return made;
  }

  get made(): readonly (Http1Pool | FreshTcpPool)[] {
    return [this.httpDefault, this.httpHigh, this.tcpDefault, this.tcpHigh].filter((pool) => pool !== null);
  }

  isHigh(pool: Http1Pool | FreshTcpPool): boolean {
    return pool === this.httpHigh || pool === this.tcpHigh;
  }

  get empty(): boolean {
    return this.made.every((pool) => pool.connections.size === 0 && pool.pending === 0);
  }

  drain(): void {
    this.#draining = true;
    for (const pool of this.made) pool.drain();
    this.#checkEmpty();
  }

  resume(): void {
    this.#draining = false;
    for (const pool of this.made) pool.resume();
  }

  closeAll(): void {
    for (const pool of this.made) pool.closeAll();
  }

  #checkEmpty(): void {
    if (this.#draining && this.empty) this.#onEmpty();
  }
}
