/**
 * The subscribers of one codec stream (`CodecStream.addCallbacks`): watermark edges of its connection and its reset.
 *
 * Invariant: a subscriber sees edges only, high first. One that comes while the write buffer is above its mark has the high
 * replayed; one that leaves during a round is not called any more.
 */
import type { ResetReason, StreamCallbacks } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';
import { withEntry, withoutEntry } from '../../base/short-list.ts';

export class StreamCallbackList {
  #list: readonly StreamCallbacks[] = NONE;

  add(callbacks: StreamCallbacks, connection: Connection): void {
    this.#list = withEntry(this.#list, callbacks);
    if (connection.aboveHighWatermark) callbacks.onAboveWriteBufferHighWatermark();
  }

  remove(callbacks: StreamCallbacks): void {
    this.#list = withoutEntry(this.#list, callbacks);
  }

  high(): void {
    const round = this.#list;
    for (const entry of round) if (this.#list.includes(entry)) entry.onAboveWriteBufferHighWatermark();
  }

  low(): void {
    const round = this.#list;
    for (const entry of round) if (this.#list.includes(entry)) entry.onBelowWriteBufferLowWatermark();
  }

  reset(reason: ResetReason, details: string): void {
    const round = this.#list;
    for (const entry of round) if (this.#list.includes(entry)) entry.onResetStream(reason, details);
  }
}

const NONE: readonly StreamCallbacks[] = [];
