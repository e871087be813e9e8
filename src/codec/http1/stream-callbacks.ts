/**
 * The subscribers of one codec stream (`CodecStream.addCallbacks`): watermark edges of its connection and its reset.
 *
 * Invariant: a subscriber sees edges only, high first. One that comes while the write buffer is above its mark has the high
 * replayed; one that comes or leaves during a round is not called in it any more. The first one has a place of its own: most
 * streams have no other, and a request then costs no array.
 */
import type { ResetReason, StreamCallbacks } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';

export class StreamCallbackList {
  #first: StreamCallbacks | null = null;
  #more: readonly StreamCallbacks[] = NONE;

  add(callbacks: StreamCallbacks, connection: Connection): void {
    if (this.#first === null && this.#more.length === 0) this.#first = callbacks;
    else this.#more = [...this.#more, callbacks];
    if (connection.aboveHighWatermark) callbacks.onAboveWriteBufferHighWatermark();
  }

  remove(callbacks: StreamCallbacks): void {
    if (this.#first === callbacks) this.#first = null;
    else this.#more = this.#more.filter((entry) => entry !== callbacks);
  }

  high(): void {
    const round = this.#more;
    this.#first?.onAboveWriteBufferHighWatermark();
    for (const entry of round) if (this.#more.includes(entry)) entry.onAboveWriteBufferHighWatermark();
  }

  low(): void {
    const round = this.#more;
    this.#first?.onBelowWriteBufferLowWatermark();
    for (const entry of round) if (this.#more.includes(entry)) entry.onBelowWriteBufferLowWatermark();
  }

  reset(reason: ResetReason, details: string): void {
    const round = this.#more;
    this.#first?.onResetStream(reason, details);
    for (const entry of round) if (this.#more.includes(entry)) entry.onResetStream(reason, details);
  }
}

const NONE: readonly StreamCallbacks[] = [];
