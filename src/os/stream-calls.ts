/**
 * The two calls that every byte goes through: `recvmsg` and `sendmsg`, with their structs laid out once.
 *
 * `recvmsg` instead of `recv` because its control message carries when the kernel received the newest of these bytes
 * (`SO_TIMESTAMPNS`): the log's `waited`. `sendmsg` because it gathers head and body of a message into one packet.
 *
 *   struct msghdr (56):  name 0  namelen 8  iov 16  iovlen 24  control 32  controllen 40  flags 48      (64-bit little endian)
 *   struct iovec (16):   base 0  len 8
 *   cmsg of a stamp:     len 0(8)  level 8(4)  type 12(4)  seconds 16(8)  nanoseconds 24(8)
 */
import { CLOCK_REALTIME, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, SO_TIMESTAMPNS } from './constants.ts';
import { EAGAIN, errno, prepareErrno } from './errno.ts';
import { WORD, bind } from './library.ts';
import { Scratch } from './memory.ts';

/** Views that one `sendmsg` gathers; the kernel's own limit is 1024, and more than this is rare. */
export const MAX_VIEWS = 64;

const MSGHDR_BYTES = 56;
const CONTROL_BYTES = 64;
const READ_HEADER = 0;
const READ_IOV = 64;
const READ_CONTROL = 128;
const WRITE_HEADER = 256;
const WRITE_IOV = 512;
const CLOCK_AT = WRITE_IOV + MAX_VIEWS * 16;
const PEEK_BYTE = CLOCK_AT + 32;

const NO_SIGNAL = BigInt(MSG_NOSIGNAL);
const PEEK = BigInt(MSG_PEEK | MSG_DONTWAIT);
const REALTIME = BigInt(CLOCK_REALTIME);

export class StreamCalls {
  readonly #scratch = new Scratch(4096);
  readonly #recvmsg: (fd: bigint, header: bigint, flags: bigint) => number;
  readonly #sendmsg: (fd: bigint, header: bigint, flags: bigint) => number;
  readonly #recv: (fd: bigint, buffer: bigint, size: bigint, flags: bigint) => number;
  readonly #clockGettime: (clock: bigint, at: bigint) => number;
  readonly #readHeader: bigint;
  readonly #writeHeader: bigint;
  readonly #peekByte: bigint;
  readonly #clockAt: bigint;

  constructor() {
    prepareErrno();
    const c = bind({
      recvmsg: { return: 'i32', arguments: [WORD, WORD, WORD] },
      sendmsg: { return: 'i32', arguments: [WORD, WORD, WORD] },
      recv: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] },
      clock_gettime: { return: 'i32', arguments: [WORD, WORD] },
    });
    this.#recvmsg = c.recvmsg;
    this.#sendmsg = c.sendmsg;
    this.#recv = c.recv;
    this.#clockGettime = c.clock_gettime;
    const { u32, address } = this.#scratch;
    this.#readHeader = BigInt(address + READ_HEADER);
    this.#writeHeader = BigInt(address + WRITE_HEADER);
    this.#peekByte = BigInt(address + PEEK_BYTE);
    this.#clockAt = BigInt(address + CLOCK_AT);
    u32.fill(0, READ_HEADER >> 2, (READ_HEADER + MSGHDR_BYTES) >> 2);
    u32[(READ_HEADER + 16) >> 2] = address + READ_IOV;
    u32[(READ_HEADER + 24) >> 2] = 1;
    u32[(READ_HEADER + 32) >> 2] = address + READ_CONTROL;
    u32[(WRITE_HEADER + 16) >> 2] = address + WRITE_IOV;
  }

  /** Reads into `[address, address + size)`. Bytes read, 0 at the end of the stream, or `-errno`. */
  read(fd: bigint, address: number, size: number): number {
    const { u32 } = this.#scratch;
    u32[READ_IOV >> 2] = address;
    u32[(READ_IOV + 8) >> 2] = size;
    u32[(READ_HEADER + 40) >> 2] = CONTROL_BYTES;
    const result = this.#recvmsg(fd, this.#readHeader, 0n);
    return result < 0 ? -errno() : result;
  }

  /** Epoch ms at which the kernel received the newest bytes of the last `read`; 0 when it did not say. */
  readStamp(): number {
    const { u32 } = this.#scratch;
    if ((u32[(READ_HEADER + 40) >> 2] ?? 0) < 32 || u32[(READ_CONTROL + 12) >> 2] !== SO_TIMESTAMPNS)
      return 0;
    return (u32[(READ_CONTROL + 16) >> 2] ?? 0) * 1000 + (u32[(READ_CONTROL + 24) >> 2] ?? 0) / 1e6;
  }

  /** One part of the next `write`, `index` below `MAX_VIEWS`. */
  setView(index: number, address: number, size: number): void {
    const at = (WRITE_IOV >> 2) + index * 4;
    const { u32 } = this.#scratch;
    u32[at] = address;
    u32[at + 2] = size;
  }

  /** Writes the first `count` views. Bytes taken, or `-errno`. */
  write(fd: bigint, count: number): number {
    this.#scratch.u32[(WRITE_HEADER + 24) >> 2] = count;
    const result = this.#sendmsg(fd, this.#writeHeader, NO_SIGNAL);
    return result < 0 ? -errno() : result;
  }

  /** 1 when bytes lie unread, 0 when none do, -1 when the peer has closed or reset. Consumes nothing. */
  peek(fd: bigint): number {
    const result = this.#recv(fd, this.#peekByte, 1n, PEEK);
    if (result > 0) return 1;
    if (result === 0) return -1;
    const code = errno();
    return code === EAGAIN ? 0 : -1;
  }

  /** Wall clock in fractional epoch ms, of the same clock as `readStamp`. */
  realtime(): number {
    const { u32 } = this.#scratch;
    this.#clockGettime(REALTIME, this.#clockAt);
    return (u32[CLOCK_AT >> 2] ?? 0) * 1000 + (u32[(CLOCK_AT + 8) >> 2] ?? 0) / 1e6;
  }
}
