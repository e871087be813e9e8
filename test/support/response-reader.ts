/**
 * Reads responses as bytes come, one after the other, and keeps no body: each goes straight into a `PatternCheck`. Knows no more of
 * HTTP/1.1 than Content-Length and chunked, and throws at anything else.
 */
import { unreachable } from '../../src/base/invariant.ts';
import { PatternCheck } from './pattern.ts';

export interface ReadResponse {
  readonly head: string;
  readonly body: PatternCheck;
}

type Part = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'last-line';

const EMPTY = Buffer.alloc(0);

export class ResponseReader {
  readonly responses: ReadResponse[] = [];
  #part: Part = 'head';
  #held: Buffer = EMPTY;
  #current: ReadResponse | null = null;
  /** Bytes of the body, or of the chunk, still to come. */
  #left = 0;

  /** The response that has begun and not ended. */
  get current(): ReadResponse | null {
    return this.#current;
  }

  push(bytes: Buffer): void {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    for (let before = -1; rest.length !== before && rest.length > 0;) {
      before = rest.length;
      rest = this.#step(rest);
    }
    this.#held = rest;
  }

  #step(bytes: Buffer): Buffer {
    switch (this.#part) {
      case 'head':
        return this.#line(bytes, '\r\n\r\n', (head) => this.#begin(head));
      case 'length':
      case 'chunk':
        return this.#take(bytes);
      case 'chunk-size':
        return this.#line(bytes, '\r\n', (line) => {
          this.#left = Number.parseInt(line, 16);
          if (Number.isNaN(this.#left)) throw new Error(`no chunk size: ${line.slice(0, 80)}`);
          this.#part = this.#left === 0 ? 'last-line' : 'chunk';
        });
      case 'chunk-end':
        return this.#line(bytes, '\r\n', (line) => {
          if (line !== '') throw new Error('a chunk longer than it said');
          this.#part = 'chunk-size';
        });
      case 'last-line':
        return this.#line(bytes, '\r\n', () => this.#finish());
      default:
        return unreachable(this.#part);
    }
  }

  #line(bytes: Buffer, end: string, use: (text: string) => void): Buffer {
    const at = bytes.indexOf(end);
    if (at < 0) return bytes;
    use(bytes.toString('latin1', 0, at));
    return bytes.subarray(at + end.length);
  }

  #begin(head: string): void {
    this.#current = { head, body: new PatternCheck() };
    const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
    if (length !== undefined) {
      this.#left = Number(length);
      this.#part = 'length';
      if (this.#left === 0) this.#finish();
    } else if (/^transfer-encoding: *chunked$/im.test(head)) this.#part = 'chunk-size';
    else throw new Error(`no framing: ${head}`);
  }

  #take(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#left);
    this.#current?.body.push(piece);
    this.#left -= piece.length;
    if (this.#left === 0) {
      if (this.#part === 'length') this.#finish();
      else this.#part = 'chunk-end';
    }
    return bytes.subarray(piece.length);
  }

  #finish(): void {
    if (this.#current !== null) this.responses.push(this.#current);
    this.#current = null;
    this.#part = 'head';
  }
}
