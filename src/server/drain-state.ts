/**
 * Whether answers of this worker carry `connection: close`, and who wants to know when that begins: HTTP connections with nothing
 * in flight close then, the others after an answer. One per worker.
 *
 * `immediate`: from now on all. `gradual` (Envoy's default for a graceful drain): each answer with a chance that grows from 0 to 1
 * over the ramp, so that clients do not all reconnect at once.
 */
import type { DrainDecision, DrainObserver } from '../api/network.ts';

export interface DrainClock {
  readonly now: () => number;
  readonly random: () => number;
}

type State =
  | { readonly kind: 'serving' }
  | { readonly kind: 'ramp'; readonly from: number; readonly ms: number }
  | { readonly kind: 'draining' };

export class DrainState implements DrainDecision {
  readonly observers = new Set<DrainObserver>();
  readonly #clock: DrainClock;
  #state: State = { kind: 'serving' };

  constructor(clock: DrainClock) {
    this.#clock = clock;
  }

  /** Asked once per answer: on the ramp it draws. */
  get draining(): boolean {
    const state = this.#state;
    if (state.kind === 'serving') return false;
    if (state.kind === 'draining') return true;
    return this.#clock.random() * state.ms < this.#clock.now() - state.from;
  }

  /** `rampMs` 0: at once. There is no way back. */
  begin(rampMs: number): void {
    if (this.#state.kind === 'draining') return;
    if (rampMs > 0) {
      if (this.#state.kind === 'serving') this.#state = { kind: 'ramp', from: this.#clock.now(), ms: rampMs };
      return;
    }
    this.#state = { kind: 'draining' };
    // An observer that closes its connection takes itself out meanwhile.
    for (const observer of this.observers) observer.onDrain();
  }
}
