/**
 * All memory that C sees, and every raw address in the program.
 *
 * Memory comes from `mmap` below 2 GiB: it cannot move, the garbage collector does not know it, and its address is a plain
 * small integer, which the structs of a call get by one 32-bit store (signed and unsigned agree there). A region is never unmapped,
 * so a view held too long can see newer bytes, but nothing can fault. Who maps is who keeps: regions belong to a thread's arena or
 * to a file of this folder, for the life of the process.
 */
import { MAP_32BIT, MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ_WRITE } from './constants.ts';
import { bind, ffi } from './library.ts';

export interface Region {
  readonly buffer: Buffer;
  /** Of `buffer[0]`; below 2^31. */
  readonly address: number;
}

const LIMIT = 2 ** 31;
const PAGE_BYTES = 4096;
/** Where other architectures than x86-64 are asked to look first; the kernel takes the next free place. */
const LOW_HINT = 0x1000_0000n;

type Mmap = (
  at: bigint,
  size: bigint,
  protection: number,
  flags: number,
  fd: number,
  offset: bigint,
) => bigint;
let mmap: Mmap | null = null;

/** Maps at least `size` bytes, zeroed. Null when the low addresses are used up or the platform has none to give. */
export function mapRegion(size: number): Region | null {
  mmap ??= bind({ mmap: { return: 'u64', arguments: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'] } }).mmap;
  const length = Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  const low = process.arch === 'x64' ? MAP_32BIT : 0;
  const hint = process.arch === 'x64' ? 0n : LOW_HINT;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | low;
  const address = Number(mmap(hint, BigInt(length), PROT_READ_WRITE, flags, -1, 0n));
  if (address <= 0 || address + length > LIMIT) return null;
  const memory = ffi().toArrayBuffer(BigInt(address), length, false);
  return { buffer: Buffer.from(memory, 0, length), address };
}

/** A region of integers for structs that calls fill in. Throws where `mapRegion` gives null: the probe has checked. */
export class Scratch {
  readonly address: number;
  readonly bytes: Buffer;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;

  constructor(size: number) {
    const region = mapRegion(size);
    if (region === null) throw new Error('no memory below 2 GiB');
    this.address = region.address;
    this.bytes = region.buffer;
    this.i32 = new Int32Array(region.buffer.buffer, region.buffer.byteOffset, region.buffer.length >> 2);
    this.u32 = new Uint32Array(region.buffer.buffer, region.buffer.byteOffset, region.buffer.length >> 2);
  }
}

const MADV_DONTNEED = 4;
let madvise: ((address: number, size: number, advice: number) => number) | null = null;

/** Gives the pages of `[address, address + size)` back to the kernel; they read as zero when next touched. */
export function releasePages(address: number, size: number): void {
  madvise ??= bind({ madvise: { return: 'i32', arguments: ['u32', 'i32', 'i32'] } }).madvise;
  madvise(address, size, MADV_DONTNEED);
}
