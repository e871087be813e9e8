/**
 * The time limits of one attempt: per try, per try without activity, life of the exchange. Made only where one is set, so the
 * common request has none of it. Invariant: `release` leaves no timer armed.
 */
import type { BorrowedTimer, TimerCache, TimerOwner } from './timer-cache.ts';

export class AttemptTimers {
  readonly #cache: TimerCache;
  readonly #owner: TimerOwner;
  #perTry: BorrowedTimer | null = null;
  #perTryIdle: BorrowedTimer | null = null;
  #maxDuration: BorrowedTimer | null = null;
  #idleMs = 0;

  constructor(cache: TimerCache, owner: TimerOwner) {
    this.#cache = cache;
    this.#owner = owner;
  }

  startMaxDuration(ms: number): void {
    this.#maxDuration ??= this.#cache.take(this.#owner, 'max-duration');
    this.#maxDuration.enable(ms);
  }

  /** Once; 0 = off. */
  startTry(perTryMs: number, idleMs: number): void {
    if (perTryMs > 0 && this.#perTry === null) {
      this.#perTry = this.#cache.take(this.#owner, 'per-try');
      this.#perTry.enable(perTryMs);
    }
    if (idleMs > 0 && this.#perTryIdle === null) {
      this.#idleMs = idleMs;
      this.#perTryIdle = this.#cache.take(this.#owner, 'per-try-idle');
      this.#perTryIdle.enable(idleMs);
    }
  }

  active(): void {
    this.#perTryIdle?.enable(this.#idleMs);
  }

  stopPerTry(): void {
    this.#perTry?.release();
    this.#perTry = null;
  }

  release(): void {
    this.stopPerTry();
    this.#perTryIdle?.release();
    this.#maxDuration?.release();
    this.#perTryIdle = null;
    this.#maxDuration = null;
  }
}
