/**
 * Lines of a log file for `logs show`: plain or gzip (told by its first bytes), a file or standard input (`-`).
 *
 * Memory is a chunk and one line: a line longer than `MAX_LINE_BYTES` is cut there, its number still counts.
 */
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Line } from './waterfall-search.ts';

const MAX_LINE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
const NO_BYTES = Buffer.alloc(0);
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A file that is missing, is a folder, or is broken gzip; in the system's words. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';

  constructor(file: string, cause: unknown) {
    const words = cause instanceof Error ? cause.message : String(cause);
    super(`${file === '-' ? 'standard input' : file}: ${words}`, { cause });
  }
}

export async function* logLines(file: string): AsyncGenerator<readonly Line[]> {
  const source: Readable =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  try {
    yield* splitLines(unpacked(source));
  } catch (error) {
    throw new LogFileError(file, error);
  }
}

/** The first chunk decides; a gzip file may have several members, as logs that were appended to do. */
async function* unpacked(source: Readable): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done === true) return;
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  };
  const packed = first.value[0] === GZIP_MAGIC[0] && first.value[1] === GZIP_MAGIC[1];
  yield* packed ? gunzipped(rest()) : rest();
}

async function* gunzipped(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const unzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error of either ends `unzip`, and the loop throws it.
  pipeline(Readable.from(packed, { objectMode: false }), unzip, () => undefined);
  for await (const chunk of unzip) yield chunk as Buffer;
}

async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let lineNumber = 0;
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  const carry = (bytes: Buffer): void => {
    const room = Math.min(bytes.length, MAX_LINE_BYTES - carriedBytes);
    if (room > 0) carried.push(Buffer.from(bytes.subarray(0, room)));
    carriedBytes += Math.max(0, room);
  };
  const take = (rest: Buffer): Line => {
    lineNumber += 1;
    if (carriedBytes === 0) return { text: rest.subarray(0, MAX_LINE_BYTES).toString(), lineNumber };
    carry(rest);
    const text = Buffer.concat(carried).toString();
    [carried, carriedBytes] = [[], 0];
    return { text, lineNumber };
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
      lines.push(take(chunk.subarray(from, to)));
      from = to + 1;
    }
    if (from < chunk.length) carry(chunk.subarray(from));
    yield lines;
  }
  if (carriedBytes > 0) yield [take(NO_BYTES)];
}
