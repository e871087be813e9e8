/**
 * How a connection ends when bytes are still waiting: which close was asked, and the timer that bounds it.
 *
 * The timer runs from the moment of the close and starts anew with each write that makes progress (Envoy's
 * `delayed_close_timeout`): a peer that takes nothing for so long is given up, one that is slow is not.
 */
import type { Timer } from '../api/event.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';

/** Envoy's default. */
const DELAYED_CLOSE_MS = 1000;

export class Closing {
  /** What happens when the write buffer is empty. */
  whenFlushed: 'nothing' | 'close' | 'half-close' = 'nothing';
  /** 0 = no waiting for the peer. */
  timeoutMs = DELAYED_CLOSE_MS;
  readonly #dispatcher: TurnDispatcher;
  readonly #onTimeout: () => void;
  #timer: Timer | null = null;

  constructor(dispatcher: TurnDispatcher, onTimeout: () => void) {
    this.#dispatcher = dispatcher;
    this.#onTimeout = onTimeout;
  }

  begin(type: 'flush' | 'flush-delayed'): void {
    this.whenFlushed = type === 'flush' || this.timeoutMs === 0 ? 'close' : 'half-close';
    this.restart();
  }

  /** The close makes progress. */
  restart(): void {
    if (this.timeoutMs === 0 || this.whenFlushed === 'nothing') return;
    this.#timer ??= this.#dispatcher.createTimer(this.#onTimeout);
    this.#timer.enable(this.timeoutMs);
  }

  stop(): void {
    this.#timer?.disable();
  }
}
