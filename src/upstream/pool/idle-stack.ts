/**
 * Idle connections of a pool, last in first out: the warmest is reused, the coldest run into the idle timeout.
 *
 * Because a connection is pushed when it becomes idle, the bottom is always the one that is idle longest. One timer per pool
 * therefore serves all: it is armed for the bottom, and a push or pop on the hot path does not touch it (it may wake up once
 * too early, finds nothing due and arms itself anew).
 */
import type { Dispatcher, Timer } from '../../api/event.ts';
import type { PooledConnection } from './pooled-connection.ts';

export class IdleStack {
  readonly #connections: PooledConnection[] = [];
  readonly #dispatcher: Dispatcher;
  readonly #timeoutMs: number;
  readonly #timer: Timer;
  readonly #onTimeout: (connection: PooledConnection) => void;

  /** `timeoutMs` 0 = never. `onTimeout` closes the connection, which takes it out by `remove`. */
  constructor(dispatcher: Dispatcher, timeoutMs: number, onTimeout: (connection: PooledConnection) => void) {
    this.#dispatcher = dispatcher;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    this.#timer = dispatcher.createTimer(() => this.#expire());
  }

  get size(): number {
    return this.#connections.length;
  }

  push(connection: PooledConnection): void {
    if (this.#timeoutMs > 0) {
      connection.idleSince = this.#dispatcher.clock.recent();
      if (!this.#timer.enabled) this.#timer.enable(this.#timeoutMs);
    }
    this.#connections.push(connection);
  }

  pop(): PooledConnection | undefined {
    return this.#connections.pop();
  }

  remove(connection: PooledConnection): void {
    const index = this.#connections.lastIndexOf(connection);
    if (index >= 0) this.#connections.splice(index, 1);
  }

  bottom(): PooledConnection | undefined {
    return this.#connections[0];
  }

  #expire(): void {
    const now = this.#dispatcher.clock.now();
    for (let oldest = this.bottom(); oldest !== undefined; oldest = this.bottom()) {
      const left = oldest.idleSince + this.#timeoutMs - now;
      if (left > 0) {
        this.#timer.enable(left);
        return;
      }
      this.remove(oldest);
      this.#onTimeout(oldest);
    }
  }
}
