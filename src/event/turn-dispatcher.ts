/**
 * The dispatcher of a thread: what happens in a turn and in which order. Where events come from is not its business: the
 * epoll source (`event/epoll-source.ts`) and the runtime's own callbacks (portable sockets, timers) each run inside `turn()`.
 *
 *   turn(callback):  callback -> posts -> flush list -> turn-end hooks (slab reset) -> deferred deletion
 *
 * Invariant: every callback of the byte path runs inside a turn, so whatever is scheduled for its end does happen.
 */
import type { Clock, Disposable, Dispatcher, Flushable, Timer } from '../api/event.ts';
import { afterMs, random } from '../base/clock.ts';
import { TimerQueue } from './timer-queue.ts';

export interface TurnDispatcherOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly tid: number;
}

/** Told at the end of each turn: slabs to reset, a heartbeat to store. */
export type TurnEndHook = () => void;

/** Told when everything of a turn is done. */
export interface TurnObserver {
  onTurn(startedAt: number): void;
}

export class TurnDispatcher implements Dispatcher {
  readonly name: string;
  readonly clock: Clock;
  readonly tid: number;
  turnNumber = 0;
  /** When the current turn began; ms monotonic. */
  turnStartedAt = 0;
  readonly #timers: TimerQueue;
  readonly #hooks: TurnEndHook[] = [];
  #observer: TurnObserver | null = null;
  #inTurn = false;
  #posts: (() => void)[] = [];
  readonly #flushes: Flushable[] = [];
  readonly #deletions: Disposable[] = [];
  #wakeTimer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;

  constructor(options: TurnDispatcherOptions) {
    this.name = options.name;
    this.clock = options.clock;
    this.tid = options.tid;
    // Within a turn the newest known time does; outside of one (a message from main) it may be old.
    const armingTime = (): number => (this.#inTurn ? this.clock.recent() : this.clock.now());
    this.#timers = new TimerQueue(options.clock, (ms) => this.#arm(ms), armingTime);
  }

  get turn(): number {
    return this.turnNumber;
  }

  /** Runs `callback` inside a turn: a new one, or the current one when called from within. */
  run(callback: () => void): void {
    if (this.#inTurn) {
      callback();
      return;
    }
    this.begin();
    callback();
    this.end();
  }

  /** Begins a turn. Only for event sources; pairs with `end`. */
  begin(): void {
    this.#inTurn = true;
    this.turnNumber += 1;
    this.turnStartedAt = this.clock.now();
  }

  /** Ends the turn: everything scheduled for its end runs, also what that schedules in turn (bounded for posts). */
  end(): void {
    this.#runPosts();
    this.#runFlushes();
    for (const hook of this.#hooks) hook();
    this.#runDeletions();
    this.#observer?.onTurn(this.turnStartedAt);
    this.#inTurn = false;
    // What the deletions asked for has missed this turn's own.
    if (this.#posts.length > 0 || this.#flushes.length > 0) this.#soon();
  }

  createTimer(callback: () => void): Timer {
    return this.#timers.create(callback);
  }

  post(task: () => void): void {
    this.#posts.push(task);
    if (!this.#inTurn) this.#soon();
  }

  scheduleFlush(item: Flushable): void {
    this.#flushes.push(item);
    if (!this.#inTurn) this.#soon();
  }

  deferredDelete(item: Disposable): void {
    this.#deletions.push(item);
    if (!this.#inTurn) this.#soon();
  }

  random(): number {
    return random();
  }

  onTurnEnd(hook: TurnEndHook): void {
    this.#hooks.push(hook);
  }

  observeTurns(observer: TurnObserver): void {
    this.#observer = observer;
  }

  /** Releases the runtime's timer so that the thread can end. */
  stop(): void {
    if (this.#wakeTimer !== null) clearTimeout(this.#wakeTimer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#wakeTimer = null;
    this.#immediate = null;
  }

  /** Posts of this turn; what a post posts waits for the next turn, so a task that posts itself cannot starve sockets. */
  #runPosts(): void {
    if (this.#posts.length === 0) return;
    const tasks = this.#posts;
    this.#posts = [];
    for (const task of tasks) task();
  }

  /** What comes of a flush may close a connection whose callbacks write to others: the list may grow, by another round of it. */
  #runFlushes(): void {
    const items = this.#flushes;
    for (let from = 0, to = items.length; from < to; from = to, to = items.length) {
      for (let index = from; index < to; index += 1) items[index]?.flush();
      for (let index = from; index < to; index += 1) items[index]?.afterFlush();
    }
    while (items.length > 0) items.pop();
  }

  #runDeletions(): void {
    const items = this.#deletions;
    for (let index = 0; index < items.length; index += 1) items[index]?.dispose();
    while (items.length > 0) items.pop();
  }

  #soon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.run(() => undefined);
    });
  }

  #arm(ms: number): void {
    if (this.#wakeTimer !== null) clearTimeout(this.#wakeTimer);
    this.#wakeTimer = afterMs(ms, () => {
      this.#wakeTimer = null;
      this.run(() => this.#timers.run());
    });
  }
}
