/**
 * Which stream's bytes a system call wrote: observers of ranges of the connection's byte positions.
 *
 *   positions:  0 ... [ response 1 ............)[ response 2 ......
 *                          ^ flushed so far           ^ queued so far
 *
 * A write from position a to b is told to each observer with as many bytes as lie in its range. Usually there is one.
 */
import type { IoObserver } from '../api/observe.ts';
import type { WriteResult } from '../api/socket.ts';

interface Range {
  readonly observer: IoObserver;
  readonly start: number;
  /** Infinity while the observer's bytes are still coming. */
  end: number;
}

export class WriteObservers {
  readonly #ranges: Range[] = [];

  get empty(): boolean {
    return this.#ranges.length === 0;
  }

  begin(observer: IoObserver, position: number): void {
    this.#ranges.push({ observer, start: position, end: Infinity });
  }

  end(observer: IoObserver, position: number): void {
    for (const range of this.#ranges) if (range.observer === observer) range.end = position;
  }

  /** Bytes `[from, from + result.written)` have gone. */
  tell(
    from: number,
    result: WriteResult,
    blockedBefore: number,
    drained: boolean,
    connectionId: number,
    secure: boolean,
  ): void {
    const to = from + result.written;
    for (const { observer, start, end } of this.#ranges) {
      const bytes = Math.min(to, end) - Math.max(from, start);
      if (bytes > 0)
        observer.onWrite(result.at, result.took, bytes, blockedBefore, drained, connectionId, secure);
    }
  }

  /** Everything in front of `position` has gone: tells and forgets whoever ends there. */
  release(position: number, at: number): void {
    for (;;) {
      const first = this.#ranges[0];
      if (first === undefined || first.end > position) return;
      if (this.#ranges.length === 1) this.#ranges.pop();
      else this.#ranges.shift();
      first.observer.onFlushed(at);
    }
  }

  /** The connection is gone: nobody is told. */
  clear(): void {
    this.#ranges.length = 0;
  }
}
