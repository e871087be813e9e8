/**
 * One epoll instance, and the bridge that lets it live inside the thread's libuv loop.
 *
 * The epoll descriptor is itself pollable: a `uv_poll_t` watches it, so Node's own timers, ports and DNS keep working beside
 * our sockets. The callback from C does one thing, `setImmediate`: an exception in it would abort the process, and promises
 * are not drained behind it.
 *
 * The handle is marked internal to libuv. Node aborts the process when a worker ends with an open handle that it does not know
 * ("uv_loop_close() while having open handles"), and a worker can end at any moment (crash, `terminate`, exit of the process).
 * Where the mark lies in the struct is checked before it is set: see `markInternal`.
 */
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_BYTES,
} from './constants.ts';
import { errno, errnoName, prepareErrno } from './errno.ts';
import { WORD, bind, ffi } from './library.ts';
import { Scratch } from './memory.ts';

/** Events taken by one `wait`. */
export const MAX_EVENTS = 128;

const EVENTS = BigInt(MAX_EVENTS);
const ADD = BigInt(EPOLL_CTL_ADD);
const DELETE = BigInt(EPOLL_CTL_DEL);

const UV_POLL = 8;
const UV_READABLE = 1;
/** `uv_handle_t.flags` of libuv 1.x on 64-bit systems, and two of its bits (`src/uv-common.h`). */
const UV_FLAGS_AT = 88;
const UV_HANDLE_REF = 0x8;
const UV_HANDLE_INTERNAL = 0x10;

export class Epoll {
  readonly fd: number;
  readonly #c = bind({
    epoll_create1: { return: 'i32', arguments: [WORD] },
    epoll_ctl: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] },
    epoll_wait: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] },
  });
  readonly #control = new Scratch(64);
  readonly #ready = new Scratch(MAX_EVENTS * EPOLL_EVENT_BYTES);
  readonly #readyAt = BigInt(this.#ready.address);
  readonly #word: bigint;

  constructor() {
    prepareErrno();
    this.fd = this.#c.epoll_create1(BigInt(EPOLL_CLOEXEC));
    if (this.fd < 0) throw new Error(`epoll_create1: ${errnoName(errno())}`);
    this.#word = BigInt(this.fd);
  }

  /**
   * `token` (31 bits) comes back with each event. 0, or `-errno`: the kernel has no room for another watch (`-ENOSPC`:
   * `fs.epoll.max_user_watches`; `-ENOMEM`).
   */
  add(fd: number, events: number, token: number): number {
    const { bytes, address } = this.#control;
    bytes.writeInt32LE(events | 0, 0);
    bytes.writeInt32LE(token, EPOLL_DATA_OFFSET);
    bytes.writeInt32LE(0, EPOLL_DATA_OFFSET + 4);
    return this.#c.epoll_ctl(this.#word, ADD, BigInt(fd), BigInt(address)) < 0 ? -errno() : 0;
  }

  remove(fd: number): void {
    this.#c.epoll_ctl(this.#word, DELETE, BigInt(fd), BigInt(this.#control.address));
  }

  /** Takes what is ready now, without blocking. Returns how many; read them by `eventsAt` and `tokenAt`. */
  wait(): number {
    return Math.max(0, this.#c.epoll_wait(this.#word, this.#readyAt, EVENTS, 0n));
  }

  eventsAt(index: number): number {
    return this.#ready.bytes.readInt32LE(index * EPOLL_EVENT_BYTES);
  }

  tokenAt(index: number): number {
    return this.#ready.bytes.readInt32LE(index * EPOLL_EVENT_BYTES + EPOLL_DATA_OFFSET);
  }
}

/** Watches `fd` in this thread's libuv loop; `onReadable` runs as an ordinary immediate. Returns a function that stops it. */
export function watchInLoop(fd: number, onReadable: () => void): () => void {
  const { lib, functions: uv } = ffi().dlopen(null, {
    uv_handle_size: { return: 'u64', arguments: ['i32'] },
    uv_poll_init: { return: 'i32', arguments: ['u64', 'u64', 'i32'] },
    uv_poll_start: { return: 'i32', arguments: ['u64', 'i32', 'pointer'] },
    uv_poll_stop: { return: 'i32', arguments: ['u64'] },
    uv_ref: { return: 'void', arguments: ['u64'] },
    uv_unref: { return: 'void', arguments: ['u64'] },
  });
  const handle = new Scratch(Number(uv.uv_handle_size(UV_POLL)));
  const pointer = BigInt(handle.address);
  const rc = uv.uv_poll_init(ffi().getCurrentEventLoop(), pointer, fd);
  if (rc !== 0) throw new Error(`uv_poll_init: ${rc}`);
  markInternal(
    handle,
    () => uv.uv_unref(pointer),
    () => uv.uv_ref(pointer),
  );
  let pending = false;
  const run = (): void => {
    pending = false;
    onReadable();
  };
  const callback = lib.registerCallback({ arguments: ['pointer', 'i32', 'i32'], return: 'void' }, () => {
    if (pending) return;
    pending = true;
    setImmediate(run);
  });
  uv.uv_poll_start(pointer, UV_READABLE, callback);
  return () => {
    uv.uv_poll_stop(pointer);
  };
}

/** Sets libuv's "internal" mark, after checking that the field is where we think: un-ref must clear exactly the ref bit. */
function markInternal(handle: Scratch, unref: () => void, ref: () => void): void {
  const flags = handle.u32;
  const at = UV_FLAGS_AT >> 2;
  const before = flags[at] ?? 0;
  unref();
  const after = flags[at] ?? 0;
  ref();
  if ((before ^ after) !== UV_HANDLE_REF || flags[at] !== before)
    throw new Error('uv_handle_t has another layout');
  flags[at] = before | UV_HANDLE_INTERNAL;
}
