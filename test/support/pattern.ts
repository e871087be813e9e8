/**
 * Bodies of any size that need no memory: byte n is the same for everybody, so whoever receives it can say at once whether it is
 * right, and where it is not. The period is a prime, so that a piece lost, doubled or swapped never falls on equal bytes.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';
import { pause } from './raw-client.ts';

/** Longer than a busy machine takes, shorter than what guards a whole test. */
const GUARD_MS = 15_000;
export const KIB = 1024;
export const MIB = 1024 * 1024;
const PERIOD = 1_048_583;
const PIECE = 65_536;
const BYTES = makePattern(PERIOD + PIECE);

/** Bytes `from` to `from + size` of the pattern, at most 64 KiB, a view. */
export function patternAt(from: number, size: number): Buffer {
  const start = from % PERIOD;
  return BYTES.subarray(start, start + Math.min(size, PIECE));
}

/** The first `size` bytes, to stream. */
export function patternStream(size: number, piece = PIECE): Readable {
  return Readable.from(pieces(size, piece), { objectMode: false, highWaterMark: PIECE });
}

function* pieces(size: number, piece: number): Generator<Buffer> {
  for (let at = 0; at < size; at += piece) yield patternAt(at, Math.min(piece, size - at));
}

/** Holds what comes against the pattern. */
export class PatternCheck {
  /** Bytes that came. */
  received = 0;
  /** Position of the first wrong byte; -1: none. */
  wrongAt = -1;

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      const expected = patternAt(this.received, piece.length);
      if (this.wrongAt < 0 && !piece.equals(expected)) {
        this.wrongAt = this.received + piece.findIndex((byte, index) => byte !== expected[index]);
      }
      this.received += piece.length;
    }
  }

  /** `12345` or `12345, wrong from 17`: for a header or a message. */
  toString(): string {
    return this.wrongAt < 0 ? String(this.received) : `${this.received}, wrong from ${this.wrongAt}`;
  }
}

/** Reads to the end. Not by `for await`, which would destroy a socket whose other half still has something to say. */
export async function checkStream(stream: Readable): Promise<PatternCheck> {
  const check = new PatternCheck();
  stream.on('data', (bytes: Buffer) => check.push(bytes));
  stream.resume();
  await finished(stream, { writable: false });
  return check;
}

/** Writes the pattern from `from` to `to` as fast as the other side takes it; false: the other side was gone first. */
export async function writePattern(socket: Writable, from: number, to: number): Promise<boolean> {
  const gone = new AbortController();
  const stop = (): void => gone.abort();
  socket.once('close', stop);
  try {
    for (let at = from; at < to;) {
      const piece = patternAt(at, to - at);
      at += piece.length;
      if (socket.destroyed) return false;
      if (!socket.write(piece)) await once(socket, 'drain', { signal: gone.signal });
    }
    return true;
  } catch {
    return false;
  } finally {
    socket.off('close', stop);
  }
}

/** Fails with the message when the promise has not settled in time: a hang shows as a sentence. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until the value is the expected one: statistics of workers arrive a moment later. */
export async function eventually(
  look: () => Promise<unknown>,
  expected: unknown,
  what: string,
): Promise<void> {
  let found: unknown;
  for (const until = Date.now() + GUARD_MS; Date.now() < until; await pause(20)) {
    found = await look();
    if (found === expected) return;
  }
  assert.equal(found, expected, what);
}

function makePattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = 0x9e3779b9;
  for (let index = 0; index < PERIOD; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  bytes.copyWithin(PERIOD, 0, size - PERIOD);
  return bytes;
}
