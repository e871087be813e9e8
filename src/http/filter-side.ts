/**
 * One HTTP filter in one direction of one stream: a node of the linked list that a `Passage` walks.
 *
 * Owns the body that is kept for the filter while it stopped. Invariant: what lies here has not been seen by the filters
 * behind, and everything that arrives after it is kept behind it.
 */
import type { Bytes } from '../api/bytes.ts';
import type { StreamFilter } from '../api/http.ts';
import { ChunkQueue } from '../buffer/chunk-queue.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';

/**
 * `waiting`: the head has not come this far. `open`: parts go through. `stopped`: filters behind wait, body that arrives
 * goes to this filter. `all-buffer`, `all-watermark`: filters behind wait and this one sees no body either.
 */
export type SideState = 'waiting' | 'open' | 'stopped' | 'all-buffer' | 'all-watermark';

export class FilterSide {
  readonly filter: StreamFilter;
  /** Position in the configured chain. */
  readonly index: number;
  /** The router: its time is the proxy's, not a filter's. */
  readonly terminal: boolean;
  next: FilterSide | null = null;
  state: SideState = 'waiting';
  /** The head went on to the filters behind. */
  headersPassed = false;
  held: ChunkQueue | null = null;
  /** Held behind `held`: the end of the body; trailers. */
  endHeld = false;
  trailersHeld = false;
  /** The source is paused because `held` is high. */
  pausing = false;
  /** A call into the filter is on the stack, and it asked to go on meanwhile. */
  inCall = false;
  continueAsked = false;
  /** Its call on the stack is being timed. */
  timed = false;
  /** When it stopped; ms monotonic, -1 when not measured. */
  stoppedAt = -1;

  constructor(filter: StreamFilter, index: number, terminal: boolean) {
    this.filter = filter;
    this.index = index;
    this.terminal = terminal;
  }

  get stopped(): boolean {
    return this.state !== 'open' && this.state !== 'waiting';
  }

  keep(bytes: Bytes, blocks: BlockSource): number {
    this.held ??= new ChunkQueue(blocks);
    this.held.push(bytes);
    this.held.own();
    return this.held.length;
  }

  takeContinue(): boolean {
    const asked = this.continueAsked;
    this.continueAsked = false;
    return asked;
  }
}
