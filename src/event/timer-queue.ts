/**
 * Timers of one thread, made for thousands that are armed and disarmed per second and almost never fire.
 *
 * All timers of one duration lie in one list in order of their deadlines, because each is appended when armed: arming and
 * disarming are O(1) and the next deadline is the earliest list head. One runtime timer wakes the thread for it; it is not
 * moved back when a timer is disarmed (an early wake-up finds nothing due and arms anew).
 *
 *   15000 ms:  [rq 1] -> [rq 2] -> [rq 3]          each list: oldest first
 *   300000 ms: [rq 1] -> [rq 2] -> [rq 3]
 */
import type { Clock, Timer } from '../api/event.ts';

/** Wakes the thread once, `ms` from now; a second call replaces the first. Injected: the runtime's, or a test's. */
export type Wake = (ms: number) => void;

class QueuedTimer implements Timer {
  readonly #queue: TimerQueue;
  readonly callback: () => void;
  deadline = 0;
  list: TimerList | null = null;
  /** The list it was in last: most timers are armed with one duration for ever. */
  home: TimerList | null = null;
  previous: QueuedTimer | null = null;
  next: QueuedTimer | null = null;

  constructor(queue: TimerQueue, callback: () => void) {
    this.#queue = queue;
    this.callback = callback;
  }

  get enabled(): boolean {
    return this.list !== null;
  }

  enable(ms: number): void {
    this.list?.remove(this);
    this.#queue.append(this, ms);
  }

  disable(): void {
    this.list?.remove(this);
  }
}

class TimerList {
  readonly duration: number;
  /** Not looked up any more: a timer that remembers it must ask for the new one. */
  dropped = false;
  first: QueuedTimer | null = null;
  last: QueuedTimer | null = null;

  constructor(duration: number) {
    this.duration = duration;
  }

  append(timer: QueuedTimer): void {
    timer.list = this;
    timer.previous = this.last;
    timer.next = null;
    if (this.last === null) this.first = timer;
    else this.last.next = timer;
    this.last = timer;
  }

  remove(timer: QueuedTimer): void {
    if (timer.previous === null) this.first = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next === null) this.last = timer.previous;
    else timer.next.previous = timer.previous;
    timer.list = null;
    timer.previous = null;
    timer.next = null;
  }
}

/** Lists of durations not used now are dropped when there are more than this many (random back-offs make many). */
const LISTS_KEPT = 64;
/** The runtime takes more than 31 bits for 1 ms, and a time limit may be any number. */
const MAX_WAKE_MS = 2 ** 31 - 1;

export class TimerQueue {
  readonly #clock: Clock;
  readonly #wake: Wake;
  readonly #armingTime: () => number;
  readonly #lists = new Map<number, TimerList>();
  #wakeAt = Infinity;

  /** `armingTime`: from when a timer that is armed now counts. */
  constructor(clock: Clock, wake: Wake, armingTime: () => number = () => clock.now()) {
    this.#clock = clock;
    this.#armingTime = armingTime;
    this.#wake = wake;
  }

  create(callback: () => void): Timer {
    return new QueuedTimer(this, callback);
  }

  append(timer: QueuedTimer, ms: number): void {
    const duration = Math.max(0, Math.ceil(ms));
    const { home } = timer;
    const list = home !== null && home.duration === duration && !home.dropped ? home : this.#listOf(duration);
    timer.home = list;
    timer.deadline = this.#armingTime() + duration;
    list.append(timer);
    if (timer.deadline < this.#wakeAt) this.#wakeFor(timer.deadline);
  }

  /** Runs what is due, in order of deadlines, and arms the next wake-up. Timers that callbacks arm wait for the next call. */
  run(): void {
    this.#wakeAt = Infinity;
    const now = this.#clock.now();
    const due: QueuedTimer[] = [];
    for (const list of this.#lists.values()) {
      for (let timer = list.first; timer !== null && timer.deadline <= now; timer = timer.next)
        due.push(timer);
    }
    due.sort((a, b) => a.deadline - b.deadline);
    for (const timer of due) {
      // A callback before may have disarmed or re-armed it.
      if (timer.list === null || timer.deadline > now) continue;
      timer.disable();
      timer.callback();
    }
    const next = this.nextDeadline();
    if (next < this.#wakeAt) this.#wakeFor(next);
  }

  /** Monotonic ms; Infinity when nothing is armed. */
  nextDeadline(): number {
    let next = Infinity;
    for (const list of this.#lists.values()) {
      if (list.first !== null && list.first.deadline < next) next = list.first.deadline;
    }
    return next;
  }

  #wakeFor(deadline: number): void {
    const ms = Math.min(Math.max(0, deadline - this.#clock.now()), MAX_WAKE_MS);
    this.#wakeAt = ms === MAX_WAKE_MS ? this.#clock.now() + ms : deadline;
    this.#wake(ms);
  }

  #listOf(duration: number): TimerList {
    let list = this.#lists.get(duration);
    if (list === undefined) {
      if (this.#lists.size >= LISTS_KEPT) this.#dropEmpty();
      list = new TimerList(duration);
      this.#lists.set(duration, list);
    }
    return list;
  }

  #dropEmpty(): void {
    for (const [duration, list] of this.#lists) {
      if (list.first !== null) continue;
      list.dropped = true;
      this.#lists.delete(duration);
    }
  }
}
