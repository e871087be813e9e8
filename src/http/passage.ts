/**
 * The way of one message through the filters of its direction: head, body, trailers, each filter's `continue` or `stop`.
 *
 *   start/data/end --> side --> side --> side --> deliver…   (decode: into the router, which is the last side;
 *                       `-- held body while stopped            encode: into the codec)
 *
 * The common path, filters that continue, is a walk over a linked list. Invariants: parts reach a filter in their order;
 * after every call into a filter `ended` is checked, because any filter may answer or reset the stream inside its callback.
 */
import type { Bytes } from '../api/bytes.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, HeaderMap } from '../api/http.ts';
import { EMPTY, lengthOf } from '../buffer/bytes.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';
import { invariant } from '../base/invariant.ts';
import { logger } from '../base/logger.ts';
import type { FilterSide, SideState } from './filter-side.ts';
import type { FilterTimes } from './filter-times.ts';

/** What a passage asks of its stream. */
export interface PassageHost {
  readonly blocks: BlockSource;
  readonly filterTimes: FilterTimes;
  /** A trace line; asked for only when that level is on. `status` '': the call begins, else what it returned. */
  logFilterCall(index: number, call: string, status: string): void;
}

const log = logger('filter');

export abstract class Passage<Host extends PassageHost> {
  first: FilterSide | null = null;
  /** No filter is called and nothing is delivered any more. */
  ended = false;
  /** Most bytes kept for a stopped filter; 0 = no limit. */
  limit: number;
  protected readonly host: Host;
  #headers: HeaderMap | null = null;
  #trailers: HeaderMap | null = null;
  /** The message is its head alone. */
  #headOnly = false;

  constructor(host: Host, limit: number) {
    this.host = host;
    this.limit = limit;
  }

  /** Whether the head has entered. */
  get started(): boolean {
    return this.#headers !== null;
  }

  start(headers: HeaderMap, endStream: boolean): void {
    this.#headers = headers;
    this.#headOnly = endStream;
    this.#headersFrom(this.first, endStream);
  }

  data(bytes: Bytes, endStream: boolean): void {
    if (!this.ended) this.#dataFrom(this.first, bytes, endStream);
  }

  end(trailers: HeaderMap): void {
    this.#trailers = trailers;
    if (!this.ended) this.#trailersFrom(this.first);
  }

  /** `continueDecoding()`, `continueEncoding()` of a filter. */
  continueAt(side: FilterSide): void {
    if (side.inCall) {
      side.continueAsked = true;
      return;
    }
    if (this.ended || !side.stopped) return;
    const from = side.state === 'stopped' ? side.next : side;
    side.state = 'open';
    this.host.filterTimes.resumed(side);
    this.#passHeaders(side, this.#headOnly);
    if (!this.ended) this.#release(side, from);
  }

  /** Body that a filter made, for the filters behind it. */
  inject(side: FilterSide, bytes: Bytes, endStream: boolean): void {
    if (this.ended) return;
    this.#passHeaders(side, false);
    if (!this.ended) this.#dataFrom(side.next, bytes, endStream);
  }

  /** The filter that holds the message up, for the ledger; -1 = none. The router stops every message: it is not meant. */
  stoppedIndex(): number {
    for (let side = this.first; side !== null; side = side.next) {
      if (side.stopped && !side.terminal && side.filter.waitsForBody !== true) return side.index;
    }
    return -1;
  }

  /** For the log. */
  protected abstract readonly verb: 'decode' | 'encode';

  protected abstract callHeaders(
    side: FilterSide,
    headers: HeaderMap,
    endStream: boolean,
  ): FilterHeadersStatus;
  /** Null: the filter has no such method. */
  protected abstract callData(side: FilterSide, bytes: Bytes, endStream: boolean): FilterDataStatus | null;
  protected abstract callTrailers(side: FilterSide, trailers: HeaderMap): FilterTrailersStatus | null;
  protected abstract seesBody(side: FilterSide): boolean;
  protected abstract deliverHeaders(headers: HeaderMap, endStream: boolean): void;
  protected abstract deliverData(bytes: Bytes, endStream: boolean): void;
  protected abstract deliverTrailers(trailers: HeaderMap): void;
  protected abstract pauseSource(): void;
  protected abstract resumeSource(): void;
  /** A filter that buffers was given more than `limit`. */
  protected abstract overflow(): void;

  #passHeaders(side: FilterSide, endStream: boolean): void {
    if (side.headersPassed) return;
    side.headersPassed = true;
    this.#headersFrom(side.next, endStream);
  }

  #headersFrom(from: FilterSide | null, endStream: boolean): void {
    const headers = this.#headers;
    invariant(headers !== null, 'a head before its parts');
    for (let side = from; side !== null; side = side.next) {
      side.state = 'open';
      this.host.filterTimes.enter(side);
      side.inCall = true;
      if (log.traceOn) this.#logCall(side, 'headers', '');
      const status = this.callHeaders(side, headers, endStream);
      if (log.traceOn) this.#logCall(side, 'headers', status);
      side.inCall = false;
      this.host.filterTimes.leave(side);
      if (this.ended) return;
      if (side.takeContinue() || status === 'continue') {
        side.headersPassed = true;
        continue;
      }
      this.#stop(side, stateAfterHeaders(status));
      return;
    }
    this.deliverHeaders(headers, endStream);
  }

  #dataFrom(from: FilterSide | null, bytes: Bytes, endStream: boolean): void {
    for (let side = from; side !== null; side = side.next) {
      if (side.state === 'all-buffer' || side.state === 'all-watermark') {
        this.#keep(side, bytes, endStream, side.state === 'all-watermark');
        return;
      }
      const status = this.#giveData(side, bytes, endStream);
      if (this.ended) return;
      const asked = side.takeContinue();
      if (status === 'continue' || (asked && status !== 'stop-no-buffer')) {
        if (side.state === 'open') continue;
        this.#keep(side, bytes, endStream, true);
        this.continueAt(side);
        return;
      }
      if (side.state === 'open') this.#stop(side, 'stopped');
      this.#keep(
        side,
        status === 'stop-no-buffer' ? EMPTY : bytes,
        endStream,
        status === 'stop-and-watermark',
      );
      if (asked) this.continueAt(side);
      return;
    }
    this.deliverData(bytes, endStream);
  }

  #giveData(side: FilterSide, bytes: Bytes, endStream: boolean): FilterDataStatus {
    this.host.filterTimes.enter(side);
    side.inCall = true;
    if (log.traceOn) this.#logCall(side, 'data', '');
    const status = this.callData(side, bytes, endStream);
    if (log.traceOn && status !== null) this.#logCall(side, 'data', status);
    side.inCall = false;
    this.host.filterTimes.leave(side);
    // Who stops the head and has no method for body wants it kept, and its source slowed down.
    return status ?? (side.state === 'stopped' ? 'stop-and-watermark' : 'continue');
  }

  #trailersFrom(from: FilterSide | null): void {
    const trailers = this.#trailers;
    invariant(trailers !== null, 'trailers to pass on');
    for (let side = from; side !== null; side = side.next) {
      if (side.state === 'all-buffer' || side.state === 'all-watermark') {
        side.trailersHeld = true;
        return;
      }
      const status = this.#giveTrailers(side, trailers);
      if (this.ended) return;
      if (side.takeContinue() || status === 'continue') {
        if (side.state === 'open') continue;
        side.trailersHeld = true;
        this.continueAt(side);
        return;
      }
      if (side.state === 'open') this.#stop(side, 'stopped');
      side.trailersHeld = true;
      return;
    }
    this.deliverTrailers(trailers);
  }

  #giveTrailers(side: FilterSide, trailers: HeaderMap): FilterTrailersStatus {
    this.host.filterTimes.enter(side);
    side.inCall = true;
    if (log.traceOn) this.#logCall(side, 'trailers', '');
    const status = this.callTrailers(side, trailers);
    if (log.traceOn && status !== null) this.#logCall(side, 'trailers', status);
    side.inCall = false;
    this.host.filterTimes.leave(side);
    if (status !== null) return status;
    return side.state === 'stopped' && !this.seesBody(side) ? 'stop' : 'continue';
  }

  #logCall(side: FilterSide, part: string, status: string): void {
    this.host.logFilterCall(side.index, `${this.verb} ${part}`, status);
  }

  #stop(side: FilterSide, state: SideState): void {
    side.state = state;
    this.host.filterTimes.stopped(side);
  }

  #keep(side: FilterSide, bytes: Bytes, endStream: boolean, watermark: boolean): void {
    if (endStream) side.endHeld = true;
    if (lengthOf(bytes) === 0) return;
    const kept = side.keep(bytes, this.host.blocks);
    if (this.limit === 0 || kept <= this.limit) return;
    if (!watermark) {
      this.overflow();
    } else if (!side.pausing) {
      side.pausing = true;
      this.pauseSource();
    }
  }

  /** Gives what was kept for `side` to the filters from `from` on. They may stop again, and what is left is kept again. */
  #release(side: FilterSide, from: FilterSide | null): void {
    const { held, endHeld, trailersHeld } = side;
    side.held = null;
    side.endHeld = false;
    side.trailersHeld = false;
    if (side.pausing) {
      side.pausing = false;
      this.resumeSource();
    }
    if (held === null || held.length === 0) {
      if (endHeld) this.#dataFrom(from, EMPTY, true);
    } else {
      while (held.length > 0) {
        const view = held.at(0);
        held.drain(lengthOf(view));
        this.#dataFrom(from, view, endHeld && held.length === 0);
        if (this.ended) held.clear();
      }
    }
    if (trailersHeld && !this.ended) this.#trailersFrom(from);
  }
}

function stateAfterHeaders(status: Exclude<FilterHeadersStatus, 'continue'>): SideState {
  switch (status) {
    case 'stop':
      return 'stopped';
    case 'stop-all-and-buffer':
      return 'all-buffer';
    case 'stop-all-and-watermark':
      return 'all-watermark';
    default:
      return status satisfies never;
  }
}
