/**
 * Where a log file's thread writes: a regular file, a pipe, a terminal, or one of the process's own standard streams.
 *
 * Writing never waits. Pipes and terminals are opened non-blocking (a description of our own, so the flag does not reach other
 * users of the stream) and written in pieces of whole lines of at most `PIPE_BUF` bytes, which the kernel never mixes with
 * another writer's. A standard stream that is redirected to a file is written through its own descriptor: opened anew it
 * would have an offset of its own, and the two would overwrite each other.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Linux: `limits.h`; the least that POSIX lets a pipe write at once without mixing is 512, Linux gives 4096. */
const PIPE_BUF_BYTES = 4096;
const NEWLINE = 0x0a;

const STANDARD: ReadonlyMap<string, 1 | 2> = new Map([
  ['/dev/stdout', 1],
  ['/proc/self/fd/1', 1],
  ['/dev/fd/1', 1],
  ['/dev/stderr', 2],
  ['/proc/self/fd/2', 2],
  ['/dev/fd/2', 2],
]);

/** Calls of the operating system, so that tests can fill a disk. */
export interface LogCalls {
  open(path: string, flags: number, mode: number): number;
  write(fd: number, bytes: Buffer, from: number, length: number): number;
  /** Whether writes of several writers mix: pipes and character devices. */
  isStream(fd: number): boolean;
  close(fd: number): void;
}

export const SYSTEM_LOG_CALLS: LogCalls = {
  open: (path, flags, mode) => openSync(path, flags, mode),
  write: (fd, bytes, from, length) => writeSync(fd, bytes, from, length),
  isStream: (fd) => {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isCharacterDevice();
  },
  close: (fd) => closeSync(fd),
};

const FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;
const FILE_MODE = 0o644;

/** An open target. */
export class LogTarget {
  readonly stream: boolean;
  readonly #calls: LogCalls;
  readonly #fd: number;
  readonly #owned: boolean;

  private constructor(calls: LogCalls, fd: number, owned: boolean) {
    this.#calls = calls;
    this.#fd = fd;
    this.#owned = owned;
    this.stream = calls.isStream(fd);
  }

  /** Throws the system's error. */
  static open(path: string, calls: LogCalls): LogTarget {
    const standard = STANDARD.get(path);
    if (standard === undefined) return new LogTarget(calls, calls.open(path, FILE_FLAGS, FILE_MODE), true);
    if (!calls.isStream(standard)) return new LogTarget(calls, standard, false);
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK;
      return new LogTarget(calls, calls.open(`/dev/fd/${standard}`, flags, FILE_MODE), true);
    } catch {
      // Another user's terminal, for one: its descriptor can be written but not opened.
      return new LogTarget(calls, standard, false);
    }
  }

  /** Writes from `from` on, once; gives the bytes taken. Throws the system's error. */
  write(bytes: Buffer, from: number): number {
    const end = this.stream ? pieceEnd(bytes, from) : bytes.length;
    return this.#calls.write(this.#fd, bytes, from, end - from);
  }

  close(): void {
    if (this.#owned) this.#calls.close(this.#fd);
  }
}

/** End of as many whole lines as one write may have; at least one, however long. */
function pieceEnd(bytes: Buffer, from: number): number {
  if (bytes.length - from <= PIPE_BUF_BYTES) return bytes.length;
  const last = bytes.lastIndexOf(NEWLINE, from + PIPE_BUF_BYTES - 1);
  return last >= from ? last + 1 : lineEnd(bytes, from);
}

/** Behind the newline that ends the line at `from`; the end of the bytes where there is none. */
export function lineEnd(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(NEWLINE, from);
  return end < 0 ? bytes.length : end + 1;
}

/** Whether a line begins at `from`. */
export function atLineStart(bytes: Buffer, from: number): boolean {
  return from === 0 || bytes[from - 1] === NEWLINE;
}
