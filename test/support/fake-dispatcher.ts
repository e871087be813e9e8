/**
 * A dispatcher whose turns and time a test drives: the real timer queue on a fake clock, no runtime timers, no immediates.
 * `turn(fn)` runs `fn` and everything due at the end of the turn; `advance(ms)` moves time and runs what became due.
 */
import type { Disposable, Dispatcher, Flushable, Timer } from '../../src/api/event.ts';
import { TimerQueue } from '../../src/event/timer-queue.ts';
import { FakeClock } from './fake-clock.ts';

export class FakeDispatcher implements Dispatcher {
  readonly name = 'worker_0';
  readonly tid = 42;
  readonly clock = new FakeClock();
  turn = 0;
  /** Values that `random()` gives in order, then 0.5. */
  readonly randoms: number[] = [];
  readonly #timers = new TimerQueue(this.clock, () => undefined);
  readonly #posts: (() => void)[] = [];
  readonly #flushes: Flushable[] = [];
  readonly #deletions: Disposable[] = [];

  createTimer(callback: () => void): Timer {
    return this.#timers.create(callback);
  }

  post(task: () => void): void {
    this.#posts.push(task);
  }

  scheduleFlush(item: Flushable): void {
    this.#flushes.push(item);
  }

  deferredDelete(item: Disposable): void {
    this.#deletions.push(item);
  }

  random(): number {
    return this.randoms.shift() ?? 0.5;
  }

  /** One turn: `fn`, then posts (also those that posts make), flushes, deletions. */
  run(fn: () => void = () => undefined): void {
    this.turn += 1;
    fn();
    for (;;) {
      const post = this.#posts.shift();
      if (post !== undefined) {
        post();
        continue;
      }
      const flush = this.#flushes.shift();
      if (flush !== undefined) {
        flush.flush();
        flush.afterFlush();
        continue;
      }
      const deletion = this.#deletions.shift();
      if (deletion === undefined) return;
      deletion.dispose();
    }
  }

  /** Moves time, stopping at each deadline on the way. */
  advance(ms: number): void {
    const until = this.clock.time + ms;
    for (;;) {
      const next = this.#timers.nextDeadline();
      if (next > until) break;
      this.clock.time = Math.max(this.clock.time, next);
      this.run(() => this.#timers.run());
    }
    this.clock.time = until;
    this.run();
  }

  /** Timers armed now have a deadline before this; Infinity when none is. */
  nextDeadline(): number {
    return this.#timers.nextDeadline();
  }
}
