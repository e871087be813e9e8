/**
 * Who serves an accepted connection: the worker whose socket the kernel chose, or, with `exact_balance`, the worker that has
 * the fewest connections of this listener now.
 *
 * The counts of all workers lie in shared memory. The accepting worker raises the count of the chosen one before the descriptor
 * travels, so two workers deciding at the same time see each other's choice. The descriptor is a plain integer of the process;
 * it has one owner at any time: the acceptor until the message is sent, the receiver from then on.
 */
import type { AcceptedSocket } from '../api/socket.ts';

export interface ConnectionBalance {
  /** True: the connection is another worker's now. */
  handOver(accepted: AcceptedSocket): boolean;
  onClosed(): void;
}

/** The kernel's choice stands. */
export const KERNEL_BALANCE: ConnectionBalance = { handOver: () => false, onClosed: () => undefined };

export class ExactBalance implements ConnectionBalance {
  readonly #counts: Int32Array;
  readonly #own: number;
  readonly #send: (worker: number, fd: number, acceptedAt: number) => void;

  /** `counts`: connections per worker; `send` posts the descriptor to that worker. */
  constructor(
    counts: Int32Array,
    own: number,
    send: (worker: number, fd: number, acceptedAt: number) => void,
  ) {
    this.#counts = counts;
    this.#own = own;
    this.#send = send;
  }

  handOver(accepted: AcceptedSocket): boolean {
    const chosen = accepted.fd < 0 ? this.#own : this.#fewest();
    Atomics.add(this.#counts, chosen, 1);
    if (chosen === this.#own) return false;
    this.#send(chosen, accepted.fd, accepted.acceptedAt);
    return true;
  }

  onClosed(): void {
    Atomics.sub(this.#counts, this.#own, 1);
  }

  /** This worker when it is among the fewest: a hand-over costs a message. */
  #fewest(): number {
    let best = this.#own;
    for (let worker = 0; worker < this.#counts.length; worker += 1) {
      if ((this.#counts[worker] ?? 0) < (this.#counts[best] ?? 0)) best = worker;
    }
    return best;
  }
}
