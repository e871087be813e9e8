/**
 * Bytes on their way through the proxy, and the queue that a connection keeps of them.
 *
 * A read puts bytes into a *turn* block: the worker's slab, valid until the end of the current loop turn. Whatever must
 * live longer is copied once, by the one who keeps it (`ByteQueue.own()` does so). So the common request
 * (read, decode, encode, flush within one turn) copies no body byte at all.
 *
 *   kernel --recvmsg--> turn block --view--> codec, filters --view--> write queue --sendmsg--> kernel
 *                                                               `--own()--> owned block, only when the peer is slow
 */

/** Memory that bytes lie in. One block backs many views. */
export interface Block {
  readonly buffer: Buffer;
  /** Native address of `buffer[0]`; 0 where the memory is not addressable by a system call (any JS Buffer). */
  readonly address: number;
  /** `turn`: rewritten after the current loop turn. `owned`: stable while its owner keeps it. `static`: for ever. */
  readonly lifetime: 'turn' | 'owned' | 'static';
  /** The queue that copied into this `owned` block and gives it back; to everyone else its bytes are good for this turn only. */
  owner: ByteQueue | null;
}

/** An immutable view of `end - start` bytes. Never keep one whose block is a `turn` block past the current turn. */
export interface Bytes {
  readonly block: Block;
  readonly start: number;
  readonly end: number;
}

/**
 * A queue of views. Owned blocks that it copied bytes into are its own: it gives them back when they are drained.
 * Not a watermark buffer: see `buffer/watermark-queue.ts` for the one that fires edges.
 */
export interface ByteQueue {
  /** Bytes in the queue. */
  readonly length: number;
  /** Number of views; `at(0)` is the oldest. */
  readonly count: number;
  at(index: number): Bytes;
  push(bytes: Bytes): void;
  /** Drops `size` bytes (at most `length`) from the front. */
  drain(size: number): void;
  /** Moves everything to the end of `other`, leaving this one empty. */
  moveTo(other: ByteQueue): void;
  /** Copies what is good for this turn only into blocks of its own. Must be called before the turn ends if the queue is not empty. */
  own(): void;
  /** Drops everything. */
  clear(): void;
}
