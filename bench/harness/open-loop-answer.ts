/**
 * Reads one HTTP/1.1 answer after the other, as far as a load generator must: where it ends, its status, and whether the connection
 * lives on. Bodies are counted, not kept; a head is held until it is whole, `MOST_HEAD_BYTES` at most.
 */
import { unreachable } from '../../src/base/invariant.ts';

export type AnswerState =
  | { readonly kind: 'more' }
  | { readonly kind: 'done'; readonly status: number; readonly reusable: boolean }
  | { readonly kind: 'bad' };

type Body =
  | { readonly kind: 'head' }
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunk-size' }
  | { readonly kind: 'chunk'; left: number }
  | { readonly kind: 'trailers' }
  | { readonly kind: 'until-close' };

const MOST_HEAD_BYTES = 64 * 1024;
const MORE: AnswerState = { kind: 'more' };
const BAD: AnswerState = { kind: 'bad' };

export class AnswerReader {
  #held = '';
  #body: Body = { kind: 'head' };
  #status = 0;
  #reusable = true;

  /** Bytes as latin1. What stands behind the end of an answer is `bad`: nothing was asked for it. */
  push(text: string): AnswerState {
    this.#held += text;
    for (;;) {
      const state = this.#step();
      if (state === null) continue;
      if (state.kind === 'more' && this.#held.length > MOST_HEAD_BYTES) return BAD;
      return state;
    }
  }

  /** The other side has closed. */
  end(): AnswerState {
    return this.#body.kind === 'until-close' ? this.#done(false) : BAD;
  }

  /** `null`: go on, there may be more in what is held. */
  #step(): AnswerState | null {
    const body = this.#body;
    switch (body.kind) {
      case 'head':
        return this.#head();
      case 'length':
      case 'chunk': {
        const taken = Math.min(body.left, this.#held.length);
        this.#held = this.#held.slice(taken);
        body.left -= taken;
        if (body.left > 0) return MORE;
        if (body.kind === 'length') return this.#done(this.#reusable);
        this.#body = { kind: 'chunk-size' };
        return null;
      }
      case 'chunk-size':
        return this.#chunkSize();
      case 'trailers': {
        const line = this.#line();
        if (line === null) return MORE;
        return line === '' ? this.#done(this.#reusable) : null;
      }
      case 'until-close':
        this.#held = '';
        return MORE;
      default:
        return unreachable(body);
    }
  }

  #line(): string | null {
    const end = this.#held.indexOf('\r\n');
    if (end < 0) return null;
    const line = this.#held.slice(0, end);
    this.#held = this.#held.slice(end + 2);
    return line;
  }

  #head(): AnswerState | null {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return MORE;
    const head = this.#held.slice(0, end);
    this.#held = this.#held.slice(end + 4);
    const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n|$)/.exec(head)?.[1];
    if (status === undefined) return BAD;
    this.#status = Number(status);
    // An interim answer: the one that counts follows.
    if (this.#status < 200) return null;
    this.#reusable = !/\r\nconnection:[^\r]*\bclose\b/i.test(head) && !head.startsWith('HTTP/1.0');
    if (/\r\ntransfer-encoding:[^\r]*\bchunked\b/i.test(head)) this.#body = { kind: 'chunk-size' };
    else if (this.#status === 204 || this.#status === 304) this.#body = { kind: 'length', left: 0 };
    else {
      const length = /\r\ncontent-length: *(\d+) *(?=\r|$)/i.exec(head)?.[1];
      this.#body = length === undefined ? { kind: 'until-close' } : { kind: 'length', left: Number(length) };
    }
    return null;
  }

  #chunkSize(): AnswerState | null {
    const line = this.#line();
    if (line === null) return MORE;
    // The line end behind a chunk's bytes.
    if (line === '') return null;
    if (!/^[\da-f]{1,12}(?:[; ].*)?$/i.test(line)) return BAD;
    const size = Number.parseInt(line, 16);
    this.#body = size === 0 ? { kind: 'trailers' } : { kind: 'chunk', left: size };
    return null;
  }

  #done(reusable: boolean): AnswerState {
    if (this.#held !== '') return BAD;
    this.#body = { kind: 'head' };
    return { kind: 'done', status: this.#status, reusable };
  }
}
