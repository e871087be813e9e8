/**
 * Whether this worker is draining, and who wants to know when it begins: HTTP connections with nothing in flight close then, the
 * others after their current answer. One per worker; there is no way back.
 */
import type { DrainDecision, DrainObserver } from '../api/network.ts';

export class DrainState implements DrainDecision {
  readonly observers = new Set<DrainObserver>();
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  begin(): void {
    this.#draining = true;
    // An observer that closes its connection takes itself out meanwhile.
    for (const observer of this.observers) observer.onDrain();
  }
}
