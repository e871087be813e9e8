/**
 * A chunk queue that says when it is too full and when it is empty enough again.
 *
 * Edges only: `onHigh` once when the length becomes *greater* than the high mark, then `onLow` once when it becomes *at most*
 * the low mark, half of the high one (Envoy's rule; the talk's defaults are 1 MiB and 512 KiB). The limit is soft: one push
 * may overshoot. Limit 0 = none.
 *
 *   length  ^        onHigh
 *     high -|- - - - - -*- - - - -
 *           |        /     \
 *      low -|- - - / - - - - *- - -   onLow
 */
import type { Bytes } from '../api/bytes.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { BlockSource } from './chunk-queue.ts';

export interface WatermarkCallbacks {
  onHigh(): void;
  onLow(): void;
}

export class WatermarkQueue extends ChunkQueue {
  readonly #callbacks: WatermarkCallbacks;
  #high = 0;
  #low = 0;
  #above = false;

  constructor(blocks: BlockSource, callbacks: WatermarkCallbacks) {
    super(blocks);
    this.#callbacks = callbacks;
  }

  /** Whether a high was told that no low has followed yet. */
  get above(): boolean {
    return this.#above;
  }

  setLimit(bytes: number): void {
    this.#high = bytes;
    this.#low = Math.floor(bytes / 2);
    this.#checkHigh();
    this.#checkLow();
  }

  override push(bytes: Bytes): void {
    super.push(bytes);
    this.#checkHigh();
  }

  override drain(size: number): void {
    super.drain(size);
    this.#checkLow();
  }

  /** Drops everything without telling: the owner is closing. */
  override clear(): void {
    super.clear();
    this.#above = false;
  }

  #checkHigh(): void {
    if (this.#above || this.#high === 0 || this.length <= this.#high) return;
    this.#above = true;
    this.#callbacks.onHigh();
  }

  #checkLow(): void {
    if (!this.#above || (this.#high !== 0 && this.length > this.#low)) return;
    this.#above = false;
    this.#callbacks.onLow();
  }
}
