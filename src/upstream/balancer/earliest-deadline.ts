/**
 * Earliest deadline first: a smooth weighted round robin. Each host comes up again `1 / weight` after its last turn, and first
 * turns are staggered, so weights 5, 1, 1 give a a a b a c a and not five in a row. A binary heap: O(log hosts) per choice.
 *
 * The weight is asked at each turn, which is how least-request lets a busy host wait longer.
 */
import { invariant } from '../../base/invariant.ts';
import type { UpstreamHost } from '../host.ts';
import type { HostPicker } from './picker.ts';

interface Entry {
  deadline: number;
  /** Ties go to the one that waits longer. */
  order: number;
  readonly host: UpstreamHost;
}

export class EarliestDeadline implements HostPicker {
  readonly #heap: Entry[] = [];
  readonly #weightOf: (host: UpstreamHost) => number;
  #order = 0;

  constructor(hosts: readonly UpstreamHost[], weightOf: (host: UpstreamHost) => number) {
    this.#weightOf = weightOf;
    for (const host of hosts) {
      const phase = (this.#order + 0.5) / hosts.length;
      this.#order += 1;
      this.#heap.push({ deadline: phase / weightOf(host), order: this.#order, host });
    }
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index -= 1) this.#sink(index);
  }

  pick(): UpstreamHost {
    const first = this.#heap[0];
    invariant(first !== undefined, 'a picker needs at least one host');
    this.#order += 1;
    first.deadline += 1 / this.#weightOf(first.host);
    first.order = this.#order;
    this.#sink(0);
    return first.host;
  }

  #sink(start: number): void {
    const heap = this.#heap;
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      let least = index;
      if (this.#before(left, least)) least = left;
      if (this.#before(left + 1, least)) least = left + 1;
      if (least === index) return;
      const moved = heap[index];
      const child = heap[least];
      if (moved === undefined || child === undefined) return;
      heap[index] = child;
      heap[least] = moved;
      index = least;
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a];
    const right = this.#heap[b];
    if (left === undefined || right === undefined) return false;
    return left.deadline < right.deadline || (left.deadline === right.deadline && left.order < right.order);
  }
}
