/**
 * Finds threads whose loop does not turn: a filter that computes for seconds, a blocking call. On main, beside the traffic.
 *
 * A worker increments its heartbeat while its loop turns, and from a timer when there is nothing to do, so an idle worker is not a
 * blocked one. A pause longer than `missMs` counts one miss, one longer than `megamissMs` one mega miss, each once per pause
 * (Envoy's rule and defaults: 200 ms and 1 s). Main is watched by itself: how late its own check runs is how long it was blocked.
 */
import type { Counter, StatsScope } from '../api/stats.ts';
import { logger } from '../base/logger.ts';

export const DEFAULT_MISS_MS = 200;
export const DEFAULT_MEGAMISS_MS = 1000;
const log = logger('main');

export interface WatchdogLimits {
  readonly missMs: number;
  readonly megamissMs: number;
}

export interface WatchdogOptions {
  /** One Int32 per worker. */
  readonly heartbeats: SharedArrayBuffer;
  readonly workers: number;
  readonly limits: { readonly main: WatchdogLimits; readonly worker: WatchdogLimits };
  /** The `server` scope. */
  readonly stats: StatsScope;
  /** How often `check` is called; ms. */
  readonly intervalMs: number;
  /** Whether a worker is there to be watched: not while it starts or is being replaced. */
  readonly watched: (worker: number) => boolean;
}

type Lateness = 'on time' | 'missed' | 'mega missed';

class WatchedThread {
  readonly name: string;
  readonly #limits: WatchdogLimits;
  readonly #misses: readonly Counter[];
  readonly #megaMisses: readonly Counter[];
  #state: Lateness = 'on time';

  constructor(name: string, limits: WatchdogLimits, stats: StatsScope) {
    this.name = name;
    this.#limits = limits;
    const own = stats.scope(name);
    this.#misses = [stats.counter('watchdog_miss'), own.counter('watchdog_miss')];
    this.#megaMisses = [stats.counter('watchdog_mega_miss'), own.counter('watchdog_mega_miss')];
  }

  get blocked(): boolean {
    return this.#state !== 'on time';
  }

  /** `silentMs`: how long nothing has been seen of the thread. */
  judge(silentMs: number): void {
    if (silentMs <= this.#limits.missMs) {
      if (this.#state !== 'on time') log.info(`watchdog: ${this.name} turns again`);
      this.#state = 'on time';
      return;
    }
    if (this.#state === 'on time') {
      this.#state = 'missed';
      for (const counter of this.#misses) counter.inc();
      log.warning(`watchdog: ${this.name} is blocked for more than ${this.#limits.missMs} ms`);
    }
    if (this.#state === 'missed' && silentMs > this.#limits.megamissMs) {
      this.#state = 'mega missed';
      for (const counter of this.#megaMisses) counter.inc();
      log.error(`watchdog: ${this.name} is blocked for more than ${this.#limits.megamissMs} ms`);
    }
  }
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #heartbeats: Int32Array;
  readonly #main: WatchedThread;
  readonly #workers: readonly { thread: WatchedThread; beat: number; seenAt: number }[];
  #checkedAt: number;

  constructor(options: WatchdogOptions, now: number) {
    const { stats, limits } = options;
    this.#options = options;
    this.#heartbeats = new Int32Array(options.heartbeats);
    this.#main = new WatchedThread('main_thread', limits.main, stats);
    this.#workers = Array.from({ length: options.workers }, (_, index) => {
      const thread = new WatchedThread(`worker_${index}`, limits.worker, stats);
      return { thread, beat: -1, seenAt: now };
    });
    this.#checkedAt = now;
  }

  /** Nobody looked until now. */
  restart(now: number): void {
    this.#checkedAt = now;
    for (const worker of this.#workers) worker.seenAt = now;
  }

  /** No turn for longer than the miss time, as of the last check. */
  isBlocked(worker: number): boolean {
    return this.#workers[worker]?.thread.blocked ?? false;
  }

  check(now: number): void {
    const late = now - this.#checkedAt - this.#options.intervalMs;
    this.#checkedAt = now;
    this.#main.judge(late);
    if (late > 0) this.#main.judge(0);
    this.#workers.forEach((worker, index) => {
      const beat = Atomics.load(this.#heartbeats, index);
      // While main was blocked nobody looked: silence counts from main's return.
      const excused = !this.#options.watched(index) || late > this.#options.limits.worker.missMs;
      if (beat !== worker.beat || excused) {
        worker.beat = beat;
        worker.seenAt = now;
      }
      worker.thread.judge(now - worker.seenAt);
    });
  }
}
