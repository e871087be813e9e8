/**
 * Time and randomness, the one place where the code takes them from.
 *
 * Monotonic time is fractional milliseconds since the thread started, so each worker has an offset of its own to wall time.
 * Wall time moves (NTP); the offset is read anew once a second, so that all stamps of one line agree and a stamp costs an
 * addition. A thread that makes system calls reads its time by one, too (`os/syscall-clock.ts`).
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../api/event.ts';

const OFFSET_REFRESH_MS = 1000;

export abstract class MonotonicClock implements Clock {
  #recent: number;
  #offset: number;
  #offsetReadAt: number;

  /** `first`: what `read` gives now. */
  constructor(first: number) {
    this.#recent = first;
    this.#offset = Date.now() - first;
    this.#offsetReadAt = first;
  }

  protected abstract read(): number;

  now(): number {
    this.#recent = this.read();
    return this.#recent;
  }

  recent(): number {
    return this.#recent;
  }

  wallOffset(): number {
    const now = this.#recent;
    if (now - this.#offsetReadAt > OFFSET_REFRESH_MS) {
      this.#offset = Date.now() - this.read();
      this.#offsetReadAt = now;
    }
    return this.#offset;
  }
}

/** By the runtime, `performance.now()`. */
export class SystemClock extends MonotonicClock {
  constructor() {
    super(performance.now());
  }

  protected read(): number {
    return performance.now();
  }
}

/** Uniform in [0, 1). Not for secrets. */
export function random(): number {
  return Math.random();
}

/** The one place that arms the runtime's own timer; everything else uses `Dispatcher.createTimer`. */
export function afterMs(ms: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, ms);
}

/** Resolves after `ms`. Control path only (start-up, drain, back-off of threads), never on the byte path. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    afterMs(ms, resolve);
  });
}
