/** Something that main does again and again: flushes of statistics, the watchdog's look. Never two at a time; ends with `stop`. */
import { afterMs } from '../base/clock.ts';

export class Periodic {
  readonly #intervalMs: number;
  readonly #task: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, task: () => void) {
    this.#intervalMs = intervalMs;
    this.#task = task;
    this.#arm();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = afterMs(this.#intervalMs, () => {
      this.#arm();
      this.#task();
    });
  }
}
