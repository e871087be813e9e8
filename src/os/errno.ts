/**
 * The thread's `errno`, read as memory instead of by a call.
 *
 * libc keeps one per thread at a fixed address. It is only meaningful right after a call that returned -1, before any other
 * call; nothing of the runtime runs between an FFI call and the read of this array element.
 */
import { constants } from 'node:os';
import { bind, ffi } from './library.ts';

const NAMES = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));
/** `EWOULDBLOCK` and `EAGAIN` are one number; users know the latter. */
NAMES.set(constants.errno.EAGAIN, 'EAGAIN');

export const { EAGAIN, EINPROGRESS, EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC } =
  constants.errno;

let location: Int32Array | null = null;

/** Finds the thread's `errno`. To be called before the first call whose error matters: looking it up makes calls itself. */
export function prepareErrno(): void {
  const { __errno_location } = bind({ __errno_location: { return: 'pointer', arguments: [] } });
  location ??= new Int32Array(ffi().toArrayBuffer(__errno_location(), 4, false));
}

export function errno(): number {
  return location?.[0] ?? 0;
}

/** `ECONNRESET`; an unknown number as `E<number>`. */
export function errnoName(code: number): string {
  return NAMES.get(code) ?? `E${code}`;
}
