/**
 * The ledger's brackets: while code runs for a stream it is in `proxy` (or in a filter), and when the code returns it is in
 * the segment that it waits for. That segment is derived in one place, from the stream's state.
 *
 *   begin(at) .. code .. end()   =>   ledger: ... | proxy | <what the stream waits for>
 *
 * Brackets nest (an upstream event runs inside a filter's callback): only the outermost pair counts.
 */
import type { Clock } from '../api/event.ts';
import type { Ledger, Segment } from '../api/observe.ts';

export type UpstreamWait = Extract<
  Segment,
  'pool' | 'connect' | 'handshake' | 'upstream' | 'body' | 'retry'
> | null;

/** What the derivation looks at. */
export interface WaitView {
  readonly over: boolean;
  readonly delivering: boolean;
  readonly requestComplete: boolean;
  readonly responseStarted: boolean;
  readonly downstreamHigh: boolean;
  readonly downstreamPaused: boolean;
  /** Index of the filter that stopped one of the passages, -1 = none. */
  pausedFilter(): number;
}

export class StreamWork {
  readonly #ledger: Ledger;
  readonly #enabled: boolean;
  readonly #clock: Clock;
  readonly #view: WaitView;
  #depth = 0;
  #upstreamWait: UpstreamWait = null;

  constructor(ledger: Ledger, clock: Clock, view: WaitView) {
    this.#ledger = ledger;
    this.#enabled = ledger.enabled;
    this.#clock = clock;
    this.#view = view;
  }

  /** `at`: when the event's read began (default: now); `lateMs`: how long its bytes had lain in the kernel. */
  begin(at = -1, lateMs = 0): void {
    if (!this.#enabled) return;
    this.#depth += 1;
    if (this.#depth > 1) return;
    if (lateMs > 0) this.#ledger.late(lateMs);
    this.#ledger.enter('proxy', at < 0 ? this.#clock.now() : at);
  }

  end(): void {
    if (!this.#enabled) return;
    this.#depth -= 1;
    if (this.#depth === 0) this.#wait(this.#clock.now());
  }

  setUpstreamWait(segment: UpstreamWait): void {
    this.#upstreamWait = segment;
    if (this.#enabled && this.#depth === 0) this.#wait(this.#clock.now());
  }

  /** Flow control changed outside of a bracket. */
  refresh(): void {
    if (this.#enabled && this.#depth === 0) this.#wait(this.#clock.now());
  }

  #wait(now: number): void {
    if (this.#view.over) return;
    const paused = this.#view.pausedFilter();
    if (paused >= 0) this.#ledger.enter('paused', now, paused);
    else this.#ledger.enter(waitSegment(this.#view, this.#upstreamWait), now);
  }
}

/** What a stream waits for that no filter holds up. */
export function waitSegment(view: WaitView, upstreamWait: UpstreamWait): Segment {
  if (view.delivering) return 'deliver';
  if (view.responseStarted && view.downstreamHigh) return 'flow.downstream';
  if (!view.requestComplete) {
    if (view.downstreamPaused) return 'flow.upstream';
    // Before the response begins, an upstream that is ready waits for the client like we do.
    if (upstreamWait === null || (upstreamWait === 'upstream' && !view.responseStarted)) return 'client';
    return upstreamWait;
  }
  return upstreamWait ?? 'proxy';
}
