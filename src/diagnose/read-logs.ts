/**
 * Reads logs from end to end: files, or `-` for standard input; plain or gzip, told by their first bytes.
 *
 * One chunk is in memory at a time. A gzip file that was cut gives its lines as far as they go, and a remark.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { LineReader } from './scan/line-reader.ts';

const CHUNK_BYTES = 512 * 1024;
const GZIP = [0x1f, 0x8b];
export const STANDARD_INPUT = '-';

/** A file that cannot be opened or read: for the user, with its name. */
export class LogReadError extends Error {
  override readonly name = 'LogReadError';
}

export interface ReadProgress {
  readonly file: string;
  /** Of the file as it lies on the disk; `size` 0 = not known. */
  readonly bytes: number;
  readonly size: number;
}

export interface ReadOptions {
  readonly stdin?: Readable;
  /** After each chunk. */
  readonly onProgress?: (progress: ReadProgress) => void;
}

/** Remarks on files that ended badly. Throws `LogReadError`. */
export async function readLogs(
  files: readonly string[],
  reader: LineReader,
  options: ReadOptions = {},
): Promise<string[]> {
  const remarks: string[] = [];
  for (const file of files) {
    reader.startFile(file);
    for await (const chunk of chunksOf(file, remarks, options)) reader.chunk(chunk);
    reader.endFile();
  }
  return remarks;
}

/** A chunk is another one's memory afterwards. Throws `LogReadError`. */
export async function* chunksOf(
  file: string,
  remarks: string[],
  options: ReadOptions = {},
): AsyncGenerator<Buffer> {
  try {
    if (file === STANDARD_INPUT) yield* ofStream(options.stdin ?? process.stdin, file, remarks, options);
    else yield* ofFile(file, remarks, options);
  } catch (error) {
    throw new LogReadError(reasonOf(file, error));
  }
}

function reasonOf(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT') return `${file}: there is no such file`;
  if (code === 'EACCES') return `${file}: it may not be read`;
  if (code === 'EISDIR') return `${file}: is a folder; name the files in it`;
  return `${file}: ${error instanceof Error ? error.message : String(error)}`;
}

async function* ofFile(file: string, remarks: string[], options: ReadOptions): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  try {
    const stat = await handle.stat();
    const first = Buffer.alloc(2);
    // A pipe or a device has no places to read from: it is a stream.
    if (!stat.isFile() || ((await handle.read(first, 0, 2, 0)).bytesRead === 2 && isGzip(first))) {
      const stream = handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
      yield* ofStream(stream, file, remarks, options, stat.size);
    } else yield* ofPlain(handle, file, stat.size, options);
  } finally {
    await handle.close();
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === GZIP[0] && bytes[1] === GZIP[1];
}

/** The same buffer again and again. */
async function* ofPlain(
  handle: FileHandle,
  file: string,
  size: number,
  { onProgress }: ReadOptions,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, bytes);
    if (bytesRead === 0) return;
    bytes += bytesRead;
    yield buffer.subarray(0, bytesRead);
    onProgress?.({ file, bytes, size });
  }
}

async function* ofStream(
  stream: Readable,
  file: string,
  remarks: string[],
  { onProgress }: ReadOptions,
  size = 0,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const read: Buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes += read.length;
      yield read;
    }
  };
  const chunks = counted();
  const first = await firstBytes(chunks);
  if (first.length === 0) return;
  const all = async function* (): AsyncGenerator<Buffer> {
    yield first;
    yield* chunks;
  };
  try {
    for await (const chunk of isGzip(first) ? unpacked(Readable.from(all())) : all()) {
      yield chunk;
      onProgress?.({ file, bytes, size });
    }
  } catch (error) {
    if (!isBrokenGzip(error)) throw error;
    remarks.push(`${file}: its gzip data ends too early or is damaged; what stands before that was read`);
  }
}

/** At least two, where there are two: what tells gzip. */
async function firstBytes(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* unpacked(packed: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  packed.on('error', (error) => gunzip.destroy(error));
  for await (const chunk of packed.pipe(gunzip)) yield chunk as Buffer;
}

function isBrokenGzip(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
