/**
 * Run by memory.test.ts with `--expose-gc`: bytes through system calls while the collector runs all the time. Exits with 1 when
 * a byte that C saw was another than the one written.
 */
import { EPOLLET, EPOLLIN } from '../../src/os/constants.ts';
import { Epoll } from '../../src/os/epoll.ts';
import { mapRegion } from '../../src/os/memory.ts';
import { SocketCalls } from '../../src/os/socket-calls.ts';
import { StreamCalls } from '../../src/os/stream-calls.ts';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('start with --expose-gc');
const ROUNDS = 3000;
const SIZE = 4096;

/** Made in a scope that ends: nothing of it is reachable but what the calls themselves keep. */
function makeCalls(): { sockets: SocketCalls; stream: StreamCalls; epoll: Epoll } {
  return { sockets: new SocketCalls(), stream: new StreamCalls(), epoll: new Epoll() };
}

const { sockets, stream, epoll } = makeCalls();
const [left, right] = sockets.pair();
epoll.add(right, EPOLLIN | EPOLLET, 5);
const region = mapRegion(4 * SIZE);
if (region === null) throw new Error('no memory');
let garbage: unknown[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  garbage.push(Buffer.allocUnsafe(8 * 1024), { round });
  if (round % 50 === 0) garbage = [];
  if (round % 10 === 0) collect({ type: round % 100 === 0 ? 'major' : 'minor', execution: 'sync' });
  region.buffer.fill(round & 0xff, 0, SIZE);
  region.buffer.fill(0, 2 * SIZE, 3 * SIZE);
  stream.setView(0, region.address, SIZE / 2);
  stream.setView(1, region.address + SIZE / 2, SIZE / 2);
  if (stream.write(BigInt(left), 2) !== SIZE) throw new Error(`short write in round ${round}`);
  if (epoll.wait() !== 1 || epoll.tokenAt(0) !== 5) throw new Error(`lost event in round ${round}`);
  if (stream.read(BigInt(right), region.address + 2 * SIZE, SIZE) !== SIZE)
    throw new Error(`short read in round ${round}`);
  const got = region.buffer.subarray(2 * SIZE, 3 * SIZE);
  if (!got.equals(region.buffer.subarray(0, SIZE))) throw new Error(`other bytes in round ${round}`);
}
console.log('bytes held');
