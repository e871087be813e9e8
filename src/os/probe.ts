/**
 * Whether the system-call interface works here, asked once at start by doing what it does: memory below 2 GiB, a socket pair,
 * a gathered write, a read back, an epoll event. A wrong answer must come from here and not from the first request.
 */
import { EPOLLET, EPOLLIN } from './constants.ts';
import { Epoll } from './epoll.ts';
import { hasFfi } from './library.ts';
import { mapRegion } from './memory.ts';
import { SocketCalls } from './socket-calls.ts';
import { StreamCalls } from './stream-calls.ts';

/** Null when it works, else the reason in words, for the one log line of a fall-back. */
export function probeSyscalls(): string | null {
  if (process.platform !== 'linux') return `the platform is ${process.platform}, not Linux`;
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `no struct layouts for ${process.arch}`;
  if (!hasFfi()) return 'this Node has no node:ffi';
  try {
    return roundTrip();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function roundTrip(): string | null {
  const region = mapRegion(4096);
  if (region === null) return 'no memory below 2 GiB';
  const sockets = new SocketCalls();
  const stream = new StreamCalls();
  const epoll = new Epoll();
  const [left, right] = sockets.pair();
  try {
    epoll.add(right, EPOLLIN | EPOLLET, 7);
    region.buffer.write('node', 0);
    region.buffer.write('proxy', 64);
    stream.setView(0, region.address, 4);
    stream.setView(1, region.address + 64, 5);
    if (stream.write(BigInt(left), 2) !== 9) return 'sendmsg did not take the bytes';
    if (epoll.wait() !== 1 || epoll.tokenAt(0) !== 7) return 'epoll did not report the bytes';
    const size = stream.read(BigInt(right), region.address + 128, 64);
    if (region.buffer.toString('latin1', 128, 128 + Math.max(0, size)) !== 'nodeproxy')
      return 'recvmsg gave other bytes';
    return null;
  } finally {
    for (const fd of [left, right, epoll.fd]) sockets.close(fd);
  }
}
