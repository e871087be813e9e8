/**
 * Timers that requests borrow: a route timeout is armed for nearly every request and almost never fires, so the timer and its
 * closure are made once and go from request to request. One cache per router configuration and worker, of bounded size.
 */
import type { Dispatcher, Timer } from '../api/event.ts';

/** Which of a request's timers fired. */
export type TimerKind = 'route' | 'back-off' | 'per-try' | 'per-try-idle' | 'max-duration';

export interface TimerOwner {
  onTimer(kind: TimerKind): void;
}

/** Idle timers kept for the next request. */
const KEPT = 1024;

export class BorrowedTimer {
  readonly #timer: Timer;
  readonly #cache: TimerCache;
  owner: TimerOwner | null = null;
  kind: TimerKind = 'route';

  constructor(cache: TimerCache, dispatcher: Dispatcher) {
    this.#cache = cache;
    this.#timer = dispatcher.createTimer(() => this.owner?.onTimer(this.kind));
  }

  enable(ms: number): void {
    this.#timer.enable(ms);
  }

  /** Disarms and gives the timer back: the borrower must drop its reference. */
  release(): void {
    this.#timer.disable();
    this.owner = null;
    this.#cache.give(this);
  }
}

export class TimerCache {
  readonly #dispatcher: Dispatcher;
  readonly #free: BorrowedTimer[] = [];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  take(owner: TimerOwner, kind: TimerKind): BorrowedTimer {
    const timer = this.#free.pop() ?? new BorrowedTimer(this, this.#dispatcher);
    timer.owner = owner;
    timer.kind = kind;
    return timer;
  }

  give(timer: BorrowedTimer): void {
    if (this.#free.length < KEPT) this.#free.push(timer);
  }
}
