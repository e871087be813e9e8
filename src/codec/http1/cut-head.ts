/**
 * A head (or trailer section) that did not arrive whole: its bytes so far, copied out of the turn's memory.
 *
 * Each byte is looked at once here, for the empty line that ends the head, and once more by the scanner when the head is
 * whole: a head that comes byte by byte costs as much as one in a single read. Exists only while a head is cut, so an idle
 * connection holds none; never longer than its limit.
 */
const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const FIRST_BYTES = 1024;

/** `open`: more is to come. `ended`: the empty line is there. `broken`: a control byte, no head has that. `full`: too long. */
export type CutState = 'open' | 'ended' | 'broken' | 'full';

export class CutHead {
  state: CutState = 'open';
  length = 0;
  buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** The first line is whole: time for a look at it, once, because what is no HTTP may never send an empty line. */
  lineEnded = false;
  /** Bytes looked at, for tests that hold the cost linear. */
  steps = 0;
  readonly #limit: number;
  /** Where the last bytes stand: inside a line, behind its LF, behind LF CR. */
  #place: 'line' | 'lf' | 'lf-cr';

  /** `atLineStart`: an empty line at once ends it (trailers). */
  constructor(limit: number, atLineStart: boolean) {
    this.#limit = limit;
    this.#place = atLineStart ? 'lf' : 'line';
  }

  /** Takes bytes up to the end of the head. Returns how many it took; see `state` then. */
  append(source: Buffer, start: number, end: number): number {
    const stop = this.#scan(source, start, end);
    const size = stop - start;
    this.#reserve(this.length + size);
    source.copy(this.buffer, this.length, start, stop);
    this.length += size;
    return size;
  }

  /** Position behind the last byte that belongs here. */
  #scan(source: Buffer, start: number, end: number): number {
    const room = this.#limit - this.length;
    const stop = Math.min(end, start + room);
    let place = this.#place;
    let at = start;
    while (at < stop && this.state === 'open') {
      const byte = source[at] ?? 0;
      at += 1;
      if (byte >= SP || byte === TAB) place = 'line';
      else if (byte === LF) {
        if (place !== 'line') this.state = 'ended';
        this.lineEnded = true;
        place = 'lf';
      } else if (byte === CR) place = place === 'lf' ? 'lf-cr' : 'line';
      else this.state = 'broken';
    }
    this.#place = place;
    this.steps += at - start;
    if (this.state === 'open' && at - start === room) this.state = 'full';
    return at;
  }

  #reserve(size: number): void {
    if (size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(size, Math.min(this.#limit, this.buffer.length * 2)));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
