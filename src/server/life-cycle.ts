/**
 * The state of the process as the admin and the signals see it, and the one way to its end.
 *
 *   PRE_INITIALIZING -> INITIALIZING -> LIVE -> DRAINING -> (ended)
 *
 * SIGTERM and SIGINT drain: no new connections, what is in flight ends, at the latest after the drain time. A second one hurries:
 * what is open is closed. `/quitquitquit` is the hurried form from the start. Whoever asks, the end comes once.
 */
import type { ServerState } from '../api/admin.ts';
import { logger } from '../base/logger.ts';

const log = logger('main');

export type Ending = 'none' | 'draining' | 'hurrying' | 'ended';

export interface LifeCycleActions {
  /** Drains for at most `deadlineMs`; called again with a shorter time when hurried. Resolves when nothing is open. */
  readonly drain: (deadlineMs: number) => Promise<void>;
  readonly end: () => Promise<void>;
}

export class LifeCycle {
  readonly #drainTimeMs: number;
  readonly #actions: LifeCycleActions;
  #phase: 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' = 'PRE_INITIALIZING';
  #ending: Ending = 'none';
  #healthcheckFailed = false;
  #listenersDrained = false;
  readonly #end = Promise.withResolvers<void>();

  constructor(drainTimeMs: number, actions: LifeCycleActions) {
    this.#drainTimeMs = drainTimeMs;
    this.#actions = actions;
  }

  get state(): ServerState {
    const draining = this.#ending !== 'none' || this.#healthcheckFailed || this.#listenersDrained;
    return draining ? 'DRAINING' : this.#phase;
  }

  /** Resolves when the process is to exit. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  get ending(): Ending {
    return this.#ending;
  }

  enter(phase: 'INITIALIZING' | 'LIVE'): void {
    this.#phase = phase;
  }

  setHealthcheck(result: 'ok' | 'fail'): void {
    this.#healthcheckFailed = result === 'fail';
  }

  /** `/drain_listeners`: listeners are closed, the process stays. */
  noteListenersDrained(): void {
    this.#listenersDrained = true;
  }

  /** A signal. The first drains, the second hurries, later ones have nothing to add. */
  onSignal(signal: string): void {
    switch (this.#ending) {
      case 'none':
        log.warning(
          `caught ${signal}: draining, at most ${this.#drainTimeMs / 1000} s; a second one closes what is open`,
        );
        this.#begin('draining', this.#drainTimeMs);
        break;
      case 'draining':
        log.warning(`caught ${signal} again: closing what is open`);
        this.#ending = 'hurrying';
        void this.#actions.drain(0);
        break;
      case 'hurrying':
      case 'ended':
        break;
    }
  }

  /** `/quitquitquit`. */
  quit(): void {
    if (this.#ending === 'none') this.#begin('hurrying', 0);
    else if (this.#ending === 'draining') this.onSignal('quit');
  }

  #begin(ending: 'draining' | 'hurrying', deadlineMs: number): void {
    this.#ending = ending;
    void this.#finish(deadlineMs);
  }

  async #finish(deadlineMs: number): Promise<void> {
    await this.#actions.drain(deadlineMs);
    await this.#actions.end();
    this.#ending = 'ended';
    this.#end.resolve();
  }
}
