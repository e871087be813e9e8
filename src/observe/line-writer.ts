/**
 * A log line while it is made: UTF-8 bytes in memory that is reused from line to line.
 *
 *   format -> text, integers, digits -> LineWriter --copied whole--> the batch of a sink
 *
 * Short texts are written byte by byte: a line has some eighty parts, and joining them as strings would make as many objects and
 * then flatten them. Invariant: what `untrusted` wrote is printable ASCII without quotes and backslashes that are not escapes.
 */
import { escapeText, isPlain } from './format/escape.ts';

const FIRST_BYTES = 4096;
/** A line longer than this gives its memory back when the next one begins. */
const KEPT_BYTES = 64 * 1024;
const MAX_BYTES_PER_UNIT = 3;
/** Above, one call into the runtime costs less than a loop over the characters. */
const LONG_TEXT = 48;
const MAX_LOOPED_DIGITS = 9;
const LARGEST_LOOPED = 10 ** MAX_LOOPED_DIGITS - 1;

const ZERO = 0x30;
const MINUS = 0x2d;

export class LineWriter {
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes of it, where they are read quickest. */
  #capacity = FIRST_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written before is gone. */
  begin(): void {
    this.#length = 0;
    if (this.#capacity > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(FIRST_BYTES));
  }

  byte(code: number): void {
    if (this.#length === this.#capacity) this.#grow(1);
    this.#memory[this.#length] = code;
    this.#length += 1;
  }

  /** What stands between the values of a format: UTF-8, made once. */
  literal(bytes: Uint8Array): void {
    const size = bytes.length;
    if (this.#length + size > this.#capacity) this.#grow(size);
    const memory = this.#memory;
    const at = this.#length;
    if (size > LONG_TEXT) memory.set(bytes, at);
    else for (let index = 0; index < size; index += 1) memory[at + index] = bytes[index] ?? 0;
    this.#length = at + size;
  }

  /** Text of our own, or text that was made safe before. */
  text(value: string): void {
    const size = value.length;
    if (this.#length + size * MAX_BYTES_PER_UNIT > this.#capacity) this.#grow(size * MAX_BYTES_PER_UNIT);
    if (size > LONG_TEXT) {
      this.#length += this.#memory.write(value, this.#length);
      return;
    }
    const memory = this.#memory;
    const at = this.#length;
    for (let index = 0; index < size; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.#length += memory.write(value, at);
        return;
      }
      memory[at + index] = code;
    }
    this.#length = at + size;
  }

  /** Text of a peer, escaped where it could end the line, close a quoted column or reach a terminal (`escape.ts`). */
  untrusted(value: string): void {
    const size = value.length;
    if (size > LONG_TEXT) {
      this.text(escapeText(value));
      return;
    }
    if (this.#length + size > this.#capacity) this.#grow(size);
    const memory = this.#memory;
    const at = this.#length;
    for (let index = 0; index < size; index += 1) {
      const code = value.charCodeAt(index);
      if (!isPlain(code)) {
        this.text(escapeText(value));
        return;
      }
      memory[at + index] = code;
    }
    this.#length = at + size;
  }

  /** As `String(value)`. */
  number(value: number): void {
    if (value >= 0 && value < 10 && (value | 0) === value) {
      this.byte(ZERO + value);
      return;
    }
    if (!Number.isInteger(value) || value > LARGEST_LOOPED || value < -LARGEST_LOOPED) {
      this.text(String(value));
      return;
    }
    let rest = value;
    if (rest < 0) {
      this.byte(MINUS);
      rest = -rest;
    }
    let digits = 1;
    for (let bound = 10; rest >= bound; bound *= 10) digits += 1;
    this.digits(rest, digits);
  }

  /** Exactly `count` digits, with leading zeros; higher ones are lost. */
  digits(value: number, count: number): void {
    if (this.#length + count > this.#capacity) this.#grow(count);
    const memory = this.#memory;
    let rest = value | 0;
    for (let at = this.#length + count - 1; at >= this.#length; at -= 1) {
      const tenth = (rest / 10) | 0;
      memory[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += count;
  }

  /** Copies the line to `target`, which has room for it. */
  copyTo(target: Buffer, at: number): void {
    this.#memory.copy(target, at, 0, this.#length);
  }

  toString(): string {
    return this.#memory.toString('utf8', 0, this.#length);
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#length + bytes, this.#capacity * 2));
    this.#memory.copy(grown, 0, 0, this.#length);
    this.#use(grown);
  }

  #use(memory: Buffer<ArrayBuffer>): void {
    this.#memory = memory;
    this.#capacity = memory.length;
  }
}
