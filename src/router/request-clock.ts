/**
 * The time of one forwarded request: when it was complete, its limits, the route timer and the back-off timer.
 *
 * The route timeout begins with the request's last byte and runs on through all attempts. A tunnel's request has no end, so it
 * has no route timeout. Invariant: `release` leaves no timer armed.
 */
import type { RouterConfig } from './router-config.ts';
import type { TimeLimits } from './route.ts';
import type { BorrowedTimer, TimerOwner } from './timer-cache.ts';

export class RequestClock {
  readonly limits: TimeLimits;
  complete = false;
  readonly #owner: TimerOwner;
  readonly #config: RouterConfig;
  #completeAt = 0;
  #route: BorrowedTimer | null = null;
  #backOff: BorrowedTimer | null = null;

  constructor(owner: TimerOwner, config: RouterConfig, limits: TimeLimits) {
    this.#owner = owner;
    this.#config = config;
    this.limits = limits;
  }

  onComplete(tunnel: boolean): void {
    if (this.complete) return;
    this.complete = true;
    this.#completeAt = this.#config.dispatcher.clock.recent();
    if (this.limits.routeMs <= 0 || tunnel) return;
    this.#route = this.#config.timers.take(this.#owner, 'route');
    this.#route.enable(this.limits.routeMs);
  }

  /** ms from the complete request to `at`; 0 if it is not complete. */
  since(at: number): number {
    return this.complete ? Math.max(at - this.#completeAt, 0) : 0;
  }

  startBackOff(ms: number): void {
    this.#backOff = this.#config.timers.take(this.#owner, 'back-off');
    this.#backOff.enable(ms);
  }

  endBackOff(): void {
    this.#backOff?.release();
    this.#backOff = null;
  }

  release(): void {
    this.#route?.release();
    this.#route = null;
    this.endBackOff();
  }
}
