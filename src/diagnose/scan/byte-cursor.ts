/**
 * A place in the bytes of a line. Every line ends by a line feed that belongs to the buffer, so no step can run past its end: nothing
 * here accepts a line feed.
 */
const ZERO = 0x30;
const NINE = 0x39;
const SPACE = 0x20;
const QUOTE = 0x22;
const DASH = 0x2d;
const LINE_FEED = 0x0a;

/** Not known: `-`. */
export const UNKNOWN = -1;
/** There is no number. */
export const BROKEN = -2;

export class ByteCursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  /** Whether the next byte is this one; then it is behind us. */
  take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at += 1;
    return true;
  }

  peek(): number {
    return this.bytes[this.at] ?? LINE_FEED;
  }

  /** Digits. */
  number(): number {
    const { bytes } = this;
    let { at } = this;
    let byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return BROKEN;
    let value = 0;
    do {
      value = value * 10 + byte - ZERO;
      at += 1;
      byte = bytes[at] ?? 0;
    } while (byte >= ZERO && byte <= NINE);
    this.at = at;
    return value;
  }

  /** Digits or `-`. */
  length(): number {
    if (this.bytes[this.at] !== DASH) return this.number();
    this.at += 1;
    return UNKNOWN;
  }

  /** Up to the next blank, which is left; false at a quote, at the end, or when there is nothing. */
  word(): boolean {
    const { bytes } = this;
    let { at } = this;
    const from = at;
    let byte = bytes[at] ?? LINE_FEED;
    while (byte !== SPACE && byte !== QUOTE && byte !== LINE_FEED) {
      at += 1;
      byte = bytes[at] ?? LINE_FEED;
    }
    this.at = at;
    return byte !== QUOTE && at > from;
  }

  /** From behind a quote to the closing one, which is left; false if the line ends before. */
  quoted(): boolean {
    const { bytes } = this;
    let { at } = this;
    let byte = bytes[at] ?? LINE_FEED;
    while (byte !== QUOTE && byte !== LINE_FEED) {
      at += 1;
      byte = bytes[at] ?? LINE_FEED;
    }
    this.at = at;
    return byte === QUOTE;
  }

  /** Exactly two digits, or `BROKEN`. */
  twoDigits(): number {
    const tens = (this.bytes[this.at] ?? 0) - ZERO;
    const ones = (this.bytes[this.at + 1] ?? 0) - ZERO;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return BROKEN;
    this.at += 2;
    return tens * 10 + ones;
  }
}
