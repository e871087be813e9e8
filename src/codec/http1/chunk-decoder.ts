/**
 * The framing of a chunked body (RFC 9112, section 7.1), as a machine over bytes. It finds where data begins and ends; data and
 * trailers are the reader's (`message-reader.ts`). Strict: hexadecimal digits only, CR LF only, extensions checked for
 * control bytes and skipped up to a bound.
 *
 *   size --> [BWS] ; extension --> CR LF --> data (remaining > 0) --> CR LF --> size
 *                                       `--> trailers (size 0)
 */
const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const DEL = 0x7f;

/** Fits 2^52: every size is an exact integer. */
const MAX_DIGITS = 13;
/** Per chunk. A signature of a signed upload takes some 90 bytes. */
const MAX_EXTENSION_BYTES = 4096;

export type ChunkState =
  'size' | 'blank' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'refused';

export class ChunkDecoder {
  state: ChunkState = 'size';
  /** Bytes of this chunk's data that are still to come; in `data`. */
  remaining = 0;
  #digits = 0;
  #extension = 0;

  reset(): void {
    this.state = 'size';
    this.remaining = 0;
    this.#digits = 0;
    this.#extension = 0;
  }

  /** Runs over framing from `at`. Stops at data, trailers, a refusal or the end of the bytes; returns where. */
  advance(source: Buffer, at: number, end: number): number {
    let position = at;
    while (position < end && this.state !== 'data' && this.state !== 'trailers' && this.state !== 'refused') {
      this.#take(source[position] ?? 0);
      position += 1;
    }
    return position;
  }

  /** `size` bytes of data were passed on. */
  passed(size: number): void {
    this.remaining -= size;
    if (this.remaining === 0) this.state = 'data-cr';
  }

  #take(byte: number): void {
    switch (this.state) {
      case 'size':
        this.#size(byte);
        return;
      case 'blank':
        if (byte === SEMICOLON) this.state = 'extension';
        else if (byte !== SP && byte !== TAB) this.state = 'refused';
        this.#countExtension();
        return;
      case 'extension':
        if (byte === CR) this.state = 'size-lf';
        else if (byte < SP ? byte !== TAB : byte === DEL) this.state = 'refused';
        this.#countExtension();
        return;
      case 'size-lf':
        if (byte === LF) this.#beginData();
        else this.state = 'refused';
        return;
      case 'data-cr':
        this.state = byte === CR ? 'data-lf' : 'refused';
        return;
      case 'data-lf':
        if (byte === LF) this.reset();
        else this.state = 'refused';
        return;
      default:
        this.state = 'refused';
    }
  }

  #size(byte: number): void {
    const value = hexValue(byte);
    if (value >= 0) {
      this.#digits += 1;
      this.remaining = this.remaining * 16 + value;
      if (this.#digits > MAX_DIGITS) this.state = 'refused';
    } else if (this.#digits === 0) this.state = 'refused';
    else if (byte === CR) this.state = 'size-lf';
    else if (byte === SEMICOLON) this.state = 'extension';
    else if (byte === SP || byte === TAB) this.state = 'blank';
    else this.state = 'refused';
  }

  #countExtension(): void {
    this.#extension += 1;
    if (this.#extension > MAX_EXTENSION_BYTES) this.state = 'refused';
  }

  #beginData(): void {
    this.state = this.remaining === 0 ? 'trailers' : 'data';
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
