/**
 * How a worker's loop does: how long its turns took and how late it came to what was due. The newest samples for `/dispatcher`,
 * and with `enable_dispatcher_stats` Envoy's two histograms.
 *
 * A turn's end is the newest time that something in the turn read off the clock: it costs nothing. For the histograms the clock is
 * read once more, behind the last deletion.
 */
import type { Clock } from '../api/event.ts';
import type { Histogram, StatsScope } from '../api/stats.ts';

/** The last so many firings of the heartbeat timer: some seconds. */
const LATENESS_SAMPLES = 128;
/** Under load about a second. */
const TURN_SAMPLES = 4096;
const US_PER_MS = 1000;

/** Ring of the newest values. */
export class Samples {
  readonly #ring: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#ring = new Float64Array(size);
  }

  add(value: number): void {
    this.#ring[this.#count % this.#ring.length] = Math.max(0, value);
    this.#count += 1;
  }

  /** NaN without samples. */
  quantile(fraction: number): number {
    const ascending = this.#ring.subarray(0, Math.min(this.#count, this.#ring.length)).toSorted();
    return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * fraction))] ?? NaN;
  }
}

interface Histograms {
  readonly duration: Histogram;
  readonly delay: Histogram;
}

export class LoopTimes {
  readonly lateness = new Samples(LATENESS_SAMPLES);
  readonly turns = new Samples(TURN_SAMPLES);
  readonly #clock: Clock;
  readonly #histograms: Histograms | null;

  /** `stats`: scope of the loop's histograms; null = `enable_dispatcher_stats` is off. */
  constructor(clock: Clock, stats: StatsScope | null) {
    this.#clock = clock;
    this.#histograms =
      stats === null
        ? null
        : { duration: stats.histogram('loop_duration_us'), delay: stats.histogram('poll_delay_us') };
  }

  /** At the end of each turn. */
  onTurn(startedAt: number): void {
    if (this.#histograms === null) {
      this.turns.add(this.#clock.recent() - startedAt);
      return;
    }
    const ms = this.#clock.now() - startedAt;
    this.turns.add(ms);
    this.#histograms.duration.record(ms * US_PER_MS);
  }

  /** A timer of the loop fired `ms` after it was due. */
  onLate(ms: number): void {
    this.lateness.add(ms);
    this.#histograms?.delay.record(Math.max(0, ms) * US_PER_MS);
  }
}
