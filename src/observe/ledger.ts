/**
 * The ledger of a stream: where its time went, in whole microseconds per segment.
 *
 *   start --client--|--proxy--|--filter.x--|--proxy--|--upstream--|--proxy--|--deliver-- end
 *
 * Invariant: the stream is always in exactly one segment, instants are rounded once and never go back, so the segments
 * telescope: their sum is the stream's total to the microsecond. Owned by the stream; one array, no allocation afterwards.
 */
import type { Ledger, Segment } from '../api/observe.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { lengthUs, offsetUs } from './instant.ts';

/** Segments that are no filter's, in the order of printing; filters stand between `loop` and `pool`. */
const BEFORE_FILTERS = ['client', 'loop'] as const;
const AFTER_FILTERS = [
  'pool',
  'connect',
  'handshake',
  'upstream',
  'body',
  'flow.downstream',
  'flow.upstream',
  'deliver',
  'retry',
  'proxy',
] as const;
const PROXY = 11;
const LOOP = 1;
const UPSTREAM = 5;
/** Behind the plain segments: two numbers a filter, running and paused. */
const PLAIN = BEFORE_FILTERS.length + AFTER_FILTERS.length;

function slotOf(segment: Segment, filterIndex: number, filters: number): number {
  switch (segment) {
    case 'client':
      return 0;
    case 'loop':
      return LOOP;
    case 'filter':
      return filterIndex >= 0 && filterIndex < filters ? PLAIN + filterIndex * 2 : PROXY;
    case 'paused':
      return filterIndex >= 0 && filterIndex < filters ? PLAIN + filterIndex * 2 + 1 : PROXY;
    case 'pool':
      return 2;
    case 'connect':
      return 3;
    case 'handshake':
      return 4;
    case 'upstream':
      return UPSTREAM;
    case 'body':
      return 6;
    case 'flow.downstream':
      return 7;
    case 'flow.upstream':
      return 8;
    case 'deliver':
      return 9;
    case 'retry':
      return 10;
    case 'proxy':
      return PROXY;
    default:
      return unreachable(segment);
  }
}

/** For streams whose logs print no ledger. One for all: it keeps nothing. */
export const NO_LEDGER: Ledger = {
  enabled: false,
  enter: () => undefined,
  late: () => undefined,
  leaves: () => undefined,
  close: () => undefined,
};

export class StreamLedger implements Ledger {
  readonly enabled = true;
  readonly #startAt: number;
  readonly #filterNames: readonly string[];
  readonly #us: number[];
  /** Slot of the open segment, and since when (us from the start). A stream begins by waiting for its client. */
  #open = 0;
  #since = 0;
  #lateUs = 0;
  #closed = false;

  constructor(startAt: number, filterNames: readonly string[]) {
    this.#startAt = startAt;
    this.#filterNames = filterNames;
    this.#us = new Array<number>(PLAIN + filterNames.length * 2).fill(0);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Microseconds accounted for; after `close` the stream's total. */
  get totalUs(): number {
    return this.#since;
  }

  enter(segment: Segment, at: number, filterIndex = -1): void {
    if (this.#closed) return;
    this.#account(at);
    this.#open = slotOf(segment, filterIndex, this.#filterNames.length);
  }

  late(ms: number): void {
    if (ms > 0) this.#lateUs += lengthUs(ms);
  }

  leaves(at: number): void {
    if (this.#closed || this.#open !== UPSTREAM) return;
    this.#open = PROXY;
    this.#account(at);
    this.#open = UPSTREAM;
  }

  close(at: number): void {
    invariant(!this.#closed, 'a ledger is closed once');
    this.#account(at);
    this.#closed = true;
  }

  /** Microseconds of one segment so far. */
  segmentUs(segment: Segment, filterIndex = -1): number {
    return this.#us[slotOf(segment, filterIndex, this.#filterNames.length)] ?? 0;
  }

  /** `client=120,filter.lua=9003,proxy=88`, in us; null when the stream took no time at all. */
  text(): string | null {
    let text = '';
    for (let slot = 0; slot < 2; slot += 1) text = this.#append(text, slot, BEFORE_FILTERS[slot] ?? '');
    for (let index = 0; index < this.#filterNames.length; index += 1) {
      const name = this.#filterNames[index] ?? '';
      text = this.#append(text, PLAIN + index * 2, `filter.${name}`);
      text = this.#append(text, PLAIN + index * 2 + 1, `paused.${name}`);
    }
    for (let slot = 2; slot < PLAIN; slot += 1)
      text = this.#append(text, slot, AFTER_FILTERS[slot - 2] ?? '');
    return text === '' ? null : text;
  }

  /** The largest segment, its length and its share: `body 19.0ms 85%`; null when the stream took no time at all. */
  verdict(): string | null {
    let largest = 0;
    for (let slot = 1; slot < this.#us.length; slot += 1) {
      if ((this.#us[slot] ?? 0) > (this.#us[largest] ?? 0)) largest = slot;
    }
    const us = this.#us[largest] ?? 0;
    if (us === 0) return null;
    const tenths = Math.floor(us / 100);
    const share = Math.floor((us * 100) / this.#since);
    return `${this.#name(largest)} ${Math.floor(tenths / 10)}.${tenths % 10}ms ${share}%`;
  }

  #append(text: string, slot: number, name: string): string {
    const us = this.#us[slot] ?? 0;
    if (us === 0) return text;
    return text === '' ? name + '=' + us : text + ',' + name + '=' + us;
  }

  #name(slot: number): string {
    if (slot < BEFORE_FILTERS.length) return BEFORE_FILTERS[slot] ?? '';
    if (slot < PLAIN) return AFTER_FILTERS[slot - BEFORE_FILTERS.length] ?? '';
    const name = this.#filterNames[(slot - PLAIN) >> 1] ?? '';
    return (slot - PLAIN) % 2 === 0 ? `filter.${name}` : `paused.${name}`;
  }

  /** Gives the time since the last switch to the open segment, except what lay in the kernel meanwhile. */
  #account(at: number): void {
    const us = offsetUs(this.#startAt, at);
    const spent = us > this.#since ? us - this.#since : 0;
    const late = this.#lateUs < spent ? this.#lateUs : spent;
    this.#lateUs = 0;
    this.#us[this.#open] = (this.#us[this.#open] ?? 0) + spent - late;
    this.#us[LOOP] = (this.#us[LOOP] ?? 0) + late;
    this.#since += spent;
  }
}
