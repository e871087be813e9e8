/**
 * Lines of a log file for `logs show`, with their numbers.
 *
 * Memory is a chunk and one line: a line longer than `MAX_LINE_BYTES` is cut there, its number still counts.
 */
import { chunksOf, LogReadError } from '../read-logs.ts';
import { MAX_LINE_BYTES } from '../scan/line-reader.ts';
import type { Line } from './search.ts';

const LINE_FEED = 0x0a;
const NO_BYTES = Buffer.alloc(0);

/** Throws `LogReadError`; of a damaged gzip file behind the lines that stand before the damage. */
export async function* logLines(file: string): AsyncGenerator<readonly Line[]> {
  const remarks: string[] = [];
  yield* splitLines(chunksOf(file, remarks));
  const [damage] = remarks;
  if (damage !== undefined) throw new LogReadError(damage);
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
