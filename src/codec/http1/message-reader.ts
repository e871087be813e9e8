/**
 * The incremental HTTP/1 parser of both codecs: bytes of a connection -> parts of messages.
 *
 * It stands between a codec's `dispatch` and its `MessageSink` (the codec's own side: what framing a head means, whom to tell).
 * It owns where in a message the connection is. A head that lies whole in one view is scanned in place; a cut one is copied
 * (`cut-head.ts`). Body bytes are passed on as views and never kept.
 *
 *   start --> head --> none ----------------------------> start
 *                  |-> sized | chunked [--> trailers] --> start
 *                  |-> until-close | tunnel ------------> (end of the connection)
 *                  |-> held (upgrade undecided) --> tunnel | start
 *                  `-> refused                            discard: everything that still comes is dropped
 *
 * Invariant: the byte counts told with `onWire` add up to the message's bytes on the wire; the state is set before a callback
 * that ends a message, so that the callback may begin the next exchange.
 */
import type { Bytes } from '../../api/bytes.ts';
import type { Mark } from '../../api/observe.ts';
import { unreachable } from '../../base/invariant.ts';
import { EMPTY, View } from '../../buffer/bytes.ts';
import type { HeaderList } from '../header-map.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { CutHead } from './cut-head.ts';
import { headScan, type ScanResult } from './head-scan.ts';
import type { MessageSink } from './message-sink.ts';
import { REJECTIONS, type Rejection } from './rejection.ts';

const CR = 0x0d;
const LF = 0x0a;

/** Empty lines in front of a request that are forgiven (RFC 9112, 2.2), in bytes. */
const MAX_LEADING_BYTES = 8;

export type ReaderState =
  'start' | 'head' | 'sized' | 'chunked' | 'trailers' | 'until-close' | 'tunnel' | 'held' | 'discard';

export interface ReaderOptions {
  readonly side: 'request' | 'response';
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly trailers: boolean;
  readonly sink: MessageSink;
}

export class MessageReader {
  state: ReaderState = 'start';
  bodyLength = 0;
  rejection: Rejection = REJECTIONS.codecError;
  readonly #options: ReaderOptions;
  readonly #sink: MessageSink;
  readonly #request: boolean;
  readonly #chunks = new ChunkDecoder();
  #cut: CutHead | null = null;
  #leading = 0;
  #view: Bytes = EMPTY;
  #at = 0;
  /** Bytes before this place were told with `onWire`. */
  #told = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#request = options.side === 'request';
  }

  /** Bytes of the view that is being read that are used so far. */
  get used(): number {
    return this.#at - this.#view.start;
  }

  /** Reads what can be read of the view; returns how many bytes were used. Less than all: the rest is held. */
  read(view: Bytes): number {
    this.#view = view;
    this.#at = view.start;
    this.#told = view.start;
    let going = true;
    while (going && this.#at < view.end) going = this.#step();
    if (this.#at > this.#told && this.#insideMessage()) this.#tell(null);
    const used = this.used;
    this.#view = EMPTY;
    this.#at = 0;
    return used;
  }

  /** The peer will send no more. True: that was a proper end of what was being read (and it was told). */
  finish(): boolean {
    if (this.state !== 'until-close' && this.state !== 'tunnel') return false;
    this.discard();
    this.#sink.onWire('E', 0);
    this.#sink.onBody(EMPTY, true);
    return true;
  }

  /** The held or running message becomes raw data in this direction. */
  enterTunnel(): void {
    this.state = 'tunnel';
  }

  discard(): void {
    this.state = 'discard';
    this.#cut = null;
  }

  /** Whether a message has begun and not ended. */
  #insideMessage(): boolean {
    return this.state !== 'start' && this.state !== 'discard' && this.state !== 'held';
  }

  #tell(mark: Mark | null): void {
    const bytes = this.#at - this.#told;
    this.#told = this.#at;
    this.#sink.onWire(mark, bytes);
  }

  /** One part. False: what follows must stay in the queue. */
  #step(): boolean {
    switch (this.state) {
      case 'start':
        return this.#begin();
      case 'head':
        this.#head();
        return true;
      case 'sized':
        this.#sized();
        return true;
      case 'chunked':
        this.#chunked();
        return true;
      case 'trailers':
        this.#trailers();
        return true;
      case 'until-close':
      case 'tunnel':
        this.#pass(this.#view.end - this.#at, false);
        return true;
      case 'held':
        this.#sink.onHeld();
        // The callback may have decided it.
        return this.state !== 'held';
      case 'discard':
        this.#at = this.#told = this.#view.end;
        return true;
      default:
        return unreachable(this.state);
    }
  }

  #begin(): boolean {
    const byte = this.#view.block.buffer[this.#at] ?? 0;
    // CR and LF alternate: `leading` is even where a CR is due.
    const due = this.#leading % 2 === 0 ? CR : LF;
    if (this.#request && byte === due && this.#leading < MAX_LEADING_BYTES) {
      this.#leading += 1;
      this.#at += 1;
      this.#told = this.#at;
      return true;
    }
    const broken = this.#leading % 2 === 1;
    if (!this.#sink.mayBegin()) return this.state !== 'start';
    this.#leading = 0;
    this.state = 'head';
    if (broken) this.#refuse(REJECTIONS.codecError);
    return true;
  }

  #head(): void {
    if (!this.#gather()) return;
    const scan = headScan;
    const head = this.#request ? scan.takeRequest() : scan.takeResponse();
    const framing = this.#sink.frame(head, scan);
    switch (framing) {
      case 'refused':
        this.#refuse(this.rejection);
        return;
      case 'informational':
        this.#tell('H');
        this.#sink.onInformational(head);
        return;
      case 'none':
        this.#headDone('start', head, true);
        return;
      case 'chunked':
        this.#chunks.reset();
        this.#headDone('chunked', head, false);
        return;
      case 'sized':
      case 'until-close':
      case 'tunnel':
      case 'held':
        this.#headDone(framing, head, false);
    }
  }

  #headDone(state: ReaderState, head: HeaderList, end: boolean): void {
    this.state = state;
    this.#tell('H');
    this.#sink.onHead(head, end);
  }

  /** True: the section lies scanned in `headScan`. False: more is to come, or it was refused. */
  #gather(): boolean {
    return this.#cut === null ? this.#gatherWhole() : this.#gatherCut(this.#cut);
  }

  #gatherWhole(): boolean {
    const limit = this.#options.maxHeadBytes;
    const available = this.#view.end - this.#at;
    const end = this.#at + Math.min(available, limit);
    const result = this.#scan(this.#view.block.buffer, this.#at, end);
    if (result === 'whole') {
      this.#at += headScan.length;
      return true;
    }
    if (result === 'refused') this.#refuse(headScan.rejection);
    else if (available >= limit) this.#refuse(REJECTIONS.headersTooLarge);
    else {
      this.#cut = new CutHead(limit, this.state === 'trailers');
      this.#at += this.#cut.append(this.#view.block.buffer, this.#at, this.#view.end);
    }
    return false;
  }

  #gatherCut(cut: CutHead): boolean {
    const begun = cut.lineEnded;
    this.#at += cut.append(this.#view.block.buffer, this.#at, this.#view.end);
    if (cut.state === 'open' && begun === cut.lineEnded) return false;
    const open = cut.state === 'open';
    if (!open) this.#cut = null;
    const result = this.#scan(cut.buffer, 0, cut.length);
    if (result === 'whole') return true;
    if (result === 'refused') this.#refuse(headScan.rejection);
    else if (!open) this.#refuse(cut.state === 'full' ? REJECTIONS.headersTooLarge : REJECTIONS.codecError);
    return false;
  }

  #scan(source: Buffer, start: number, end: number): ScanResult {
    const most = this.#options.maxHeaders;
    if (this.state === 'trailers') return headScan.scanTrailers(source, start, end, most);
    return this.#request
      ? headScan.scanRequest(source, start, end, most)
      : headScan.scanResponse(source, start, end, most);
  }

  #refuse(rejection: Rejection): void {
    this.#at = this.#view.end;
    this.#tell(null);
    this.discard();
    this.#sink.onRejection(rejection);
  }

  #sized(): void {
    const size = Math.min(this.bodyLength, this.#view.end - this.#at);
    this.bodyLength -= size;
    const end = this.bodyLength === 0;
    if (end) this.state = 'start';
    this.#pass(size, end);
  }

  #chunked(): void {
    const chunks = this.#chunks;
    this.#at = chunks.advance(this.#view.block.buffer, this.#at, this.#view.end);
    if (chunks.state === 'refused') {
      this.#refuse(REJECTIONS.codecError);
    } else if (chunks.state === 'trailers') {
      this.state = 'trailers';
    } else if (chunks.state === 'data' && this.#at < this.#view.end) {
      const size = Math.min(chunks.remaining, this.#view.end - this.#at);
      chunks.passed(size);
      this.#pass(size, false);
    }
  }

  #trailers(): void {
    if (!this.#gather()) return;
    this.state = 'start';
    this.#tell('E');
    const trailers = headScan.count > 0 && this.#options.trailers ? headScan.takeTrailers() : null;
    if (trailers !== null && trailers.size > 0) this.#sink.onTrailers(trailers);
    else this.#sink.onBody(EMPTY, true);
  }

  /** Passes the next `size` bytes on as body. */
  #pass(size: number, end: boolean): void {
    const view = this.#view;
    const from = this.#at;
    this.#at = from + size;
    this.#tell('D');
    if (end) this.#sink.onWire('E', 0);
    const whole = from === view.start && this.#at === view.end;
    this.#sink.onBody(whole ? view : new View(view.block, from, from + size), end);
  }
}
