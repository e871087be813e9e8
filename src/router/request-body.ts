/**
 * The request's body on its way through the router: straight to the upstream while it takes it, held while the pool has no
 * connection yet, and kept beside that for as long as a retry may need it again.
 *
 * Bounded by the buffer limit: beyond it the client is paused (waiting for the pool) or keeping for a retry ends
 * (`abandoned`). A limit is soft by one read. Whatever it paused it lets go in `release()`.
 */
import type { Bytes } from '../api/bytes.ts';
import type { DecoderFilterCallbacks, HeaderMap } from '../api/http.ts';
import { HeldBody } from './held-body.ts';
import type { UpstreamRequest } from './upstream-request.ts';

export class RequestBody {
  readonly #callbacks: DecoderFilterCallbacks;
  readonly #held = new HeldBody();
  readonly #limit: number;
  #keeping: boolean;
  #paused = false;
  #complete = false;
  #trailers: HeaderMap | null = null;

  constructor(callbacks: DecoderFilterCallbacks, limit: number, keepForRetry: boolean) {
    this.#callbacks = callbacks;
    this.#limit = limit;
    this.#keeping = keepForRetry;
  }

  get held(): number {
    return this.#held.length;
  }

  /** `abandoned`: the request can no longer be retried. */
  take(bytes: Bytes, endStream: boolean, attempt: UpstreamRequest | null): 'taken' | 'abandoned' {
    if (endStream) this.#complete = true;
    const open = attempt?.open ?? false;
    if (!open || this.#keeping) this.#held.push(bytes);
    const over = this.#held.length > this.#limit;
    const abandoned = over && this.#keeping;
    if (abandoned) this.#stopKeeping(open);
    if (open) attempt?.sendData(bytes, endStream);
    else if (over) this.#pause();
    return abandoned ? 'abandoned' : 'taken';
  }

  takeTrailers(trailers: HeaderMap, attempt: UpstreamRequest | null): void {
    this.#complete = true;
    this.#trailers = trailers;
    if (attempt?.open === true) attempt.sendTrailers(trailers);
  }

  /** Head and everything held go out on a fresh attempt. */
  sendTo(attempt: UpstreamRequest, headers: HeaderMap): void {
    const lastIsData = this.#complete && this.#trailers === null;
    attempt.sendHead(headers, lastIsData && this.#held.length === 0);
    this.#held.replay(attempt, lastIsData);
    if (this.#trailers !== null) attempt.sendTrailers(this.#trailers);
    if (!this.#keeping) this.#held.clear();
    this.#resume();
  }

  /** No retry will come: an answer is going down. */
  dropKept(): void {
    this.#stopKeeping(true);
  }

  release(): void {
    this.#keeping = false;
    this.#held.clear();
    this.#resume();
  }

  #stopKeeping(sent: boolean): void {
    this.#keeping = false;
    if (sent) this.#held.clear();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }
}
