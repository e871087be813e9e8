/**
 * `x-request-id`: a random UUID, version 4 (RFC 9562, 5.4). The random bytes are drawn for many ids at a time, and the text is made in
 * one piece: `crypto.randomUUID` joins it from twenty, which the head and the log line would each have to flatten again.
 */
import { latin1 } from '../base/latin1.ts';

export type RequestIds = () => string;

const BYTES_PER_ID = 16;
const IDS_PER_DRAW = 256;
const TEXT_LENGTH = 36;
const HEX = Buffer.from('0123456789abcdef');
const DASH = 0x2d;
/** Bytes in front of which a dash stands. */
const DASHES = new Set([4, 6, 8, 10]);
/** Where each byte's first digit stands in the text. */
const PLACES = Array.from(
  { length: BYTES_PER_ID },
  (_, byte) => byte * 2 + [...DASHES].filter((at) => at <= byte).length,
);

/** Each call gives ids of a source of its own: one for a worker. */
export function randomRequestIds(): RequestIds {
  const random = new Uint8Array(BYTES_PER_ID * IDS_PER_DRAW);
  const text = Buffer.alloc(TEXT_LENGTH, DASH);
  let next = random.length;
  return () => {
    if (next === random.length) {
      crypto.getRandomValues(random);
      next = 0;
    }
    // Version 4, variant 1: the two fields that are not random.
    random[next + 6] = ((random[next + 6] ?? 0) & 0x0f) | 0x40;
    random[next + 8] = ((random[next + 8] ?? 0) & 0x3f) | 0x80;
    for (let byte = 0; byte < BYTES_PER_ID; byte += 1) {
      const value = random[next + byte] ?? 0;
      const at = PLACES[byte] ?? 0;
      text[at] = HEX[value >> 4] ?? 0;
      text[at + 1] = HEX[value & 0x0f] ?? 0;
    }
    next += BYTES_PER_ID;
    return latin1(text, 0, TEXT_LENGTH);
  };
}
