/**
 * What each HTTP filter of a stream costs: its synchronous calls, and the time that the stream waited for it after it stopped.
 *
 * Asked around every call into a filter, so it costs one boolean where no configured log prints it. Calls nest (a filter that
 * continues runs the ones behind it): an inner call is taken out of the outer one's time.
 */
import type { Clock } from '../api/event.ts';
import type { StreamInfo } from '../api/observe.ts';
import type { FilterSide } from './filter-side.ts';

export class FilterTimes {
  readonly #enabled: boolean;
  readonly #info: StreamInfo;
  readonly #clock: Clock;
  #open: FilterSide | null = null;
  #openedAt = 0;
  /** Filters around the open one, oldest first; made when a call first nests. */
  #around: (FilterSide | null)[] | null = null;

  constructor(info: StreamInfo, clock: Clock) {
    this.#enabled = info.ledger.enabled;
    this.#info = info;
    this.#clock = clock;
  }

  enter(side: FilterSide): void {
    // The router, reached with no filter's call around it, is the proxy's time already.
    if (this.#enabled && (!side.terminal || this.#open !== null)) this.#enter(side);
  }

  leave(side: FilterSide): void {
    if (side.timed) this.#leave(side);
  }

  stopped(side: FilterSide): void {
    if (this.#enabled && !side.terminal) side.stoppedAt = this.#clock.now();
  }

  resumed(side: FilterSide): void {
    if (side.stoppedAt < 0) return;
    this.#info.noteFilterTime(side.index, this.#clock.now() - side.stoppedAt);
    side.stoppedAt = -1;
  }

  #enter(side: FilterSide): void {
    const now = this.#clock.now();
    side.timed = true;
    if (this.#open !== null) this.#note(now);
    (this.#around ??= []).push(this.#open);
    this.#switch(side.terminal ? null : side, now);
  }

  #leave(side: FilterSide): void {
    const now = this.#clock.now();
    side.timed = false;
    if (!side.terminal) this.#note(now);
    this.#switch(this.#around?.pop() ?? null, now);
  }

  #note(now: number): void {
    if (this.#open !== null) this.#info.noteFilterTime(this.#open.index, now - this.#openedAt);
  }

  #switch(to: FilterSide | null, now: number): void {
    this.#open = to;
    this.#openedAt = now;
    if (to === null) this.#info.ledger.enter('proxy', now);
    else this.#info.ledger.enter('filter', now, to.index);
  }
}
