/**
 * Socket system calls: creation, options, addresses. None of these is on the path of bytes (that is `os/stream-calls.ts`).
 *
 * Each returns a value; a negative one is `-errno`, as the kernel itself does it, so that the error travels with the result.
 */
import type { Address } from '../api/socket.ts';
import { SOCKADDR_BYTES, decodeAddress, encodeAddress, familyOf } from './address.ts';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_ERROR, SO_LINGER } from './constants.ts';
import { errno, prepareErrno } from './errno.ts';
import { bind } from './library.ts';
import { Scratch } from './memory.ts';

const LENGTH_AT = 128;
const OPTION_AT = 144;

export class SocketCalls {
  readonly #scratch = new Scratch(4096);
  readonly #c = bind({
    socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
    bind: { return: 'i32', arguments: ['i32', 'u32', 'i32'] },
    listen: { return: 'i32', arguments: ['i32', 'i32'] },
    accept4: { return: 'i32', arguments: ['i32', 'u32', 'u32', 'i32'] },
    connect: { return: 'i32', arguments: ['i32', 'u32', 'i32'] },
    getsockname: { return: 'i32', arguments: ['i32', 'u32', 'u32'] },
    getpeername: { return: 'i32', arguments: ['i32', 'u32', 'u32'] },
    setsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'u32', 'i32'] },
    getsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'u32', 'u32'] },
    shutdown: { return: 'i32', arguments: ['i32', 'i32'] },
    close: { return: 'i32', arguments: ['i32'] },
    dup: { return: 'i32', arguments: ['i32'] },
    socketpair: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'u32'] },
  });

  constructor() {
    prepareErrno();
  }

  /** A non-blocking stream socket of the address's family. */
  create(address: Address): number {
    return checked(this.#c.socket(familyOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  bind(fd: number, address: Address): number {
    const { bytes, address: at } = this.#scratch;
    return checked(this.#c.bind(fd, at, encodeAddress(bytes, 0, address)));
  }

  listen(fd: number, backlog: number): number {
    return checked(this.#c.listen(fd, backlog));
  }

  /** `-EINPROGRESS` is the usual answer: writable readiness tells the rest, `takeError` how it went. */
  connect(fd: number, address: Address): number {
    const { bytes, address: at } = this.#scratch;
    return checked(this.#c.connect(fd, at, encodeAddress(bytes, 0, address)));
  }

  /** The next connection of the queue, non-blocking. `peer()` gives its address until the next call. */
  accept(fd: number): number {
    const { u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    return checked(this.#c.accept4(fd, address, address + LENGTH_AT, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

  /** Address that the last `accept` filled in. */
  peer(): Address {
    const { bytes, u32 } = this.#scratch;
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  localAddress(fd: number): Address {
    const { bytes, u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    this.#c.getsockname(fd, address, address + LENGTH_AT);
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  remoteAddress(fd: number): Address {
    const { bytes, u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    this.#c.getpeername(fd, address, address + LENGTH_AT);
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    const { i32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = value;
    return checked(this.#c.setsockopt(fd, level, name, address + OPTION_AT, 4));
  }

  /** `SO_LINGER` with time zero: the following close sends RST and drops what is unsent. */
  lingerZero(fd: number): void {
    const { i32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = 1;
    i32[(OPTION_AT >> 2) + 1] = 0;
    this.#c.setsockopt(fd, SOL_SOCKET, SO_LINGER, address + OPTION_AT, 8);
  }

  /** The pending error of the socket as a positive errno, 0 for none; reading it clears it. */
  takeError(fd: number): number {
    const { i32, u32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = 0;
    u32[LENGTH_AT >> 2] = 4;
    this.#c.getsockopt(fd, SOL_SOCKET, SO_ERROR, address + OPTION_AT, address + LENGTH_AT);
    return i32[OPTION_AT >> 2] ?? 0;
  }

  shutdown(fd: number, how: number): number {
    return checked(this.#c.shutdown(fd, how));
  }

  close(fd: number): number {
    return checked(this.#c.close(fd));
  }

  dup(fd: number): number {
    return checked(this.#c.dup(fd));
  }

  /** Two connected unix stream sockets. */
  pair(): [number, number] {
    const { i32, address } = this.#scratch;
    const rc = this.#c.socketpair(1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, address);
    if (rc < 0) throw new Error(`socketpair failed: errno ${errno()}`);
    return [i32[0] ?? -1, i32[1] ?? -1];
  }
}

function checked(result: number): number {
  return result < 0 ? -errno() : result;
}
