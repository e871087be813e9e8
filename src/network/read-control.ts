/**
 * Counted read-disable, and what the log tells of it.
 *
 * Each `disable(true)` needs its `disable(false)`; reads go on at zero. Only pauses by flow control are noted (the `!n` and
 * `+ms<t>` of the instrumented log): a codec that is not ready for the next pipelined request is no flow control.
 */
import type { ReadPauses } from '../api/network.ts';
import { invariant } from '../base/invariant.ts';

export class ReadControl {
  readonly pauses: ReadPauses = {
    consecutive: 0,
    since: -1,
    resumedAt: -1,
    resumedAfter: 0,
    resumedCount: 0,
  };
  #depth = 0;
  #flowDepth = 0;
  #released = false;

  get disabled(): boolean {
    return this.#depth > 0;
  }

  /** True when this call switched reads on or off. After `release` nobody decides any more: late calls have no effect. */
  change(disable: boolean, cause: 'flow' | 'codec', now: number): boolean {
    if (this.#released) return false;
    const before = this.#depth;
    this.#depth += disable ? 1 : -1;
    invariant(this.#depth >= 0, 'read enabled more often than disabled');
    if (cause === 'flow') this.#noteFlow(disable, now);
    return (before === 0) !== (this.#depth === 0);
  }

  /** Drops all disables: a draining connection reads until the peer has closed. A pause that this ends is one for the log too. */
  release(now: number, onEnabled: () => void): void {
    this.#released = true;
    if (this.#depth === 0) return;
    this.#depth = 0;
    if (this.#flowDepth > 0) this.#noteResumed(now);
    this.#flowDepth = 0;
    onEnabled();
  }

  #noteFlow(disable: boolean, now: number): void {
    const { pauses } = this;
    this.#flowDepth += disable ? 1 : -1;
    if (disable) {
      pauses.consecutive += 1;
      if (this.#flowDepth === 1) pauses.since = now;
    } else if (this.#flowDepth === 0) {
      this.#noteResumed(now);
    }
  }

  #noteResumed(now: number): void {
    const { pauses } = this;
    pauses.resumedAt = now;
    pauses.resumedAfter = now - pauses.since;
    pauses.resumedCount = pauses.consecutive;
    pauses.since = -1;
    pauses.consecutive = 0;
  }
}
