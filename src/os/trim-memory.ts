/**
 * What the C library's allocator keeps of freed memory, and what of it goes back to the system. V8's heap has its own way; buffers,
 * tables of the serializer and the parsers' scratch are from `malloc`, and stay with the process where a small block behind them is
 * still in use.
 */
import { bind, hasFfi } from './library.ts';

/** mallopt(3), from `malloc.h`. */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;

/** All pages that are free go back now. */
export function trimMemory(): void {
  ifGlibc(() => bind({ malloc_trim: { return: 'i32', arguments: ['u64'] } }).malloc_trim(0n));
}

/**
 * Blocks from so many bytes on are mapped one by one, and go back when they are freed. By itself glibc raises the mark from 128 KiB to the
 * largest block that was freed, up to 32 MiB: from then on such blocks leave holes in its heap, which stay where a small block behind
 * them does. Process-wide, and for good until it is called again.
 */
export function mapBlocksFrom(bytes: number): void {
  ifGlibc(() => {
    const { mallopt } = bind({ mallopt: { return: 'i32', arguments: ['i32', 'i32'] } });
    mallopt(M_MMAP_THRESHOLD, bytes);
    // As glibc has it: twice as much at the end of the heap is worth a system call.
    mallopt(M_TRIM_THRESHOLD, bytes * 2);
  });
}

/** Nothing happens where Node has no `node:ffi`, and where the C library has no such function (musl): its allocator decides alone. */
function ifGlibc(act: () => void): void {
  if (!hasFfi()) return;
  try {
    act();
  } catch {
    // As said.
  }
}
