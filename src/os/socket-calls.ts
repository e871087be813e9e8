/**
 * Socket system calls: creation, options, addresses. None of these is on the path of bytes (that is `os/stream-calls.ts`).
 *
 * Each returns a value; a negative one is `-errno`, as the kernel itself does it, so that the error travels with the result.
 */
import type { Address } from '../api/socket.ts';
import { SOCKADDR_BYTES, decodeAddress, encodeAddress, familyOf } from './address.ts';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_ERROR, SO_LINGER } from './constants.ts';
import { errno, prepareErrno } from './errno.ts';
import { WORD, bind } from './library.ts';
import { Scratch } from './memory.ts';

const LENGTH_AT = 128;
const OPTION_AT = 144;

const STREAM = BigInt(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
const ACCEPTED = BigInt(SOCK_NONBLOCK | SOCK_CLOEXEC);

export class SocketCalls {
  readonly #scratch = new Scratch(4096);
  readonly #c = bind({
    socket: { return: 'i32', arguments: [WORD, WORD, WORD] },
    bind: { return: 'i32', arguments: [WORD, WORD, WORD] },
    listen: { return: 'i32', arguments: [WORD, WORD] },
    accept4: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] },
    connect: { return: 'i32', arguments: [WORD, WORD, WORD] },
    getsockname: { return: 'i32', arguments: [WORD, WORD, WORD] },
    getpeername: { return: 'i32', arguments: [WORD, WORD, WORD] },
    setsockopt: { return: 'i32', arguments: [WORD, WORD, WORD, WORD, WORD] },
    getsockopt: { return: 'i32', arguments: [WORD, WORD, WORD, WORD, WORD] },
    shutdown: { return: 'i32', arguments: [WORD, WORD] },
    close: { return: 'i32', arguments: [WORD] },
    dup: { return: 'i32', arguments: [WORD] },
    socketpair: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] },
  });

  constructor() {
    prepareErrno();
  }

  /** A non-blocking stream socket of the address's family. */
  create(address: Address): number {
    return checked(this.#c.socket(BigInt(familyOf(address)), STREAM, 0n));
  }

  bind(fd: number, address: Address): number {
    const { bytes, address: at } = this.#scratch;
    return checked(this.#c.bind(BigInt(fd), BigInt(at), BigInt(encodeAddress(bytes, 0, address))));
  }

  listen(fd: number, backlog: number): number {
    return checked(this.#c.listen(BigInt(fd), BigInt(backlog)));
  }

  /** `-EINPROGRESS` is the usual answer: writable readiness tells the rest, `takeError` how it went. */
  connect(fd: number, address: Address): number {
    const { bytes, address: at } = this.#scratch;
    return checked(this.#c.connect(BigInt(fd), BigInt(at), BigInt(encodeAddress(bytes, 0, address))));
  }

  /** The next connection of the queue, non-blocking. `peer()` gives its address until the next call. */
  accept(fd: number): number {
    const { u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    return checked(this.#c.accept4(BigInt(fd), BigInt(address), BigInt(address + LENGTH_AT), ACCEPTED));
  }

  /** Address that the last `accept` filled in. */
  peer(): Address {
    const { bytes, u32 } = this.#scratch;
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  localAddress(fd: number): Address {
    const { bytes, u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    this.#c.getsockname(BigInt(fd), BigInt(address), BigInt(address + LENGTH_AT));
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  remoteAddress(fd: number): Address {
    const { bytes, u32, address } = this.#scratch;
    u32[LENGTH_AT >> 2] = SOCKADDR_BYTES;
    this.#c.getpeername(BigInt(fd), BigInt(address), BigInt(address + LENGTH_AT));
    return decodeAddress(bytes, 0, u32[LENGTH_AT >> 2] ?? 0);
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    const { i32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = value;
    return checked(
      this.#c.setsockopt(BigInt(fd), BigInt(level), BigInt(name), BigInt(address + OPTION_AT), 4n),
    );
  }

  /** `SO_LINGER` with time zero: the following close sends RST and drops what is unsent. */
  lingerZero(fd: number): void {
    const { i32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = 1;
    i32[(OPTION_AT >> 2) + 1] = 0;
    this.#c.setsockopt(BigInt(fd), BigInt(SOL_SOCKET), BigInt(SO_LINGER), BigInt(address + OPTION_AT), 8n);
  }

  /** The pending error of the socket as a positive errno, 0 for none; reading it clears it. */
  takeError(fd: number): number {
    const { i32, u32, address } = this.#scratch;
    i32[OPTION_AT >> 2] = 0;
    u32[LENGTH_AT >> 2] = 4;
    this.#c.getsockopt(
      BigInt(fd),
      BigInt(SOL_SOCKET),
      BigInt(SO_ERROR),
      BigInt(address + OPTION_AT),
      BigInt(address + LENGTH_AT),
    );
    return i32[OPTION_AT >> 2] ?? 0;
  }

  shutdown(fd: number, how: number): number {
    return checked(this.#c.shutdown(BigInt(fd), BigInt(how)));
  }

  close(fd: number): number {
    return checked(this.#c.close(BigInt(fd)));
  }

  dup(fd: number): number {
    return checked(this.#c.dup(BigInt(fd)));
  }

  /** Two connected unix stream sockets. */
  pair(): [number, number] {
    const { i32, address } = this.#scratch;
    const rc = this.#c.socketpair(1n, STREAM, 0n, BigInt(address));
    if (rc < 0) throw new Error(`socketpair failed: errno ${errno()}`);
    return [i32[0] ?? -1, i32[1] ?? -1];
  }
}

function checked(result: number): number {
  return result < 0 ? -errno() : result;
}
