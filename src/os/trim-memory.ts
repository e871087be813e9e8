/**
 * What the C library's allocator keeps of freed memory goes back to the system. V8's heap has its own way; buffers, tables of the
 * serializer and the parsers' scratch are from `malloc`, and stay with the process where a small block behind them is still in use.
 */
import { bind, hasFfi } from './library.ts';

/** Nothing happens where Node has no `node:ffi` or the C library no `malloc_trim` (musl). */
export function trimMemory(): void {
  if (!hasFfi()) return;
  try {
    bind({ malloc_trim: { return: 'i32', arguments: ['u64'] } }).malloc_trim(0n);
  } catch {
    // Not glibc: its allocator decides alone.
  }
}
