/**
 * Requests that wait for a connection of a pool, first come first served.
 *
 * A doubly linked list through the tickets themselves: a cancel takes its ticket out of the middle without a search. Bounded
 * by `max_pending_requests`, which the pool asks before it pushes. Invariant: a ticket is in one queue or in none, and once in
 * none it is answered or cancelled and never comes back.
 */
import type { ResponseDecoder } from '../../api/http.ts';
import type { HttpPoolCallbacks, PoolTicket } from '../../api/upstream.ts';

/** Told when a waiting request gives up. */
export interface CancelListener {
  onCancelled(): void;
}

export class PendingRequest implements PoolTicket {
  readonly decoder: ResponseDecoder;
  readonly callbacks: HttpPoolCallbacks;
  /** Connection that was opened because of this request; 0 = none. */
  createdConnectionId = 0;
  queue: PendingQueue | null = null;
  previous: PendingRequest | null = null;
  next: PendingRequest | null = null;

  constructor(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks) {
    this.decoder = decoder;
    this.callbacks = callbacks;
  }

  /** Ignored when the request was answered already. */
  cancel(): void {
    const { queue } = this;
    if (queue === null) return;
    queue.remove(this);
    queue.listener.onCancelled();
  }
}

export class PendingQueue {
  readonly listener: CancelListener;
  length = 0;
  first: PendingRequest | null = null;
  #last: PendingRequest | null = null;

  constructor(listener: CancelListener) {
    this.listener = listener;
  }

  push(request: PendingRequest): void {
    request.queue = this;
    request.previous = this.#last;
    if (this.#last === null) this.first = request;
    else this.#last.next = request;
    this.#last = request;
    this.length += 1;
  }

  shift(): PendingRequest | null {
    const request = this.first;
    if (request !== null) this.remove(request);
    return request;
  }

  remove(request: PendingRequest): void {
    if (request.previous === null) this.first = request.next;
    else request.previous.next = request.next;
    if (request.next === null) this.#last = request.previous;
    else request.next.previous = request.previous;
    request.previous = null;
    request.next = null;
    request.queue = null;
    this.length -= 1;
  }

  /** The oldest request that no connection was opened for. */
  firstWithoutConnection(): PendingRequest | null {
    let request = this.first;
    while (request !== null && request.createdConnectionId !== 0) request = request.next;
    return request;
  }

  /** Takes all requests out into a queue of their own: whoever pushes meanwhile is not among them. */
  takeAll(): PendingQueue {
    const taken = new PendingQueue(this.listener);
    for (let request = this.shift(); request !== null; request = this.shift()) taken.push(request);
    return taken;
  }
}
