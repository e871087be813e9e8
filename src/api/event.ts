/**
 * The dispatcher: one per thread, the only source of callbacks on the byte path.
 *
 * A *turn* is one handling of ready events: reads, I/O callbacks, then due posts, then the flush list, then deferred deletion.
 *
 *   ready events -> reads -> callbacks -> posts -> flush list (one sendmsg per connection) -> turn blocks reset -> deferred deletion
 *
 * System calls of one kind stand together, all reads in front of the first callback and all writes in front of what comes of them:
 * the kernel's code and ours drive each other out of the processor's caches once a turn and not once a request.
 */

/** Monotonic and wall time in fractional milliseconds. The only source of time in the code (tests inject a fake). */
export interface Clock {
  /** Monotonic, fractional ms, microsecond precision. */
  now(): number;
  /**
   * The newest value that `now()` gave in this thread: at most as old as the current turn, and free. For what needs no better,
   * such as the start of a timeout.
   */
  recent(): number;
  /** Epoch ms that belongs to a `now()` value: wall time = `wallOffset() + now()`, constant within a second. */
  wallOffset(): number;
}

export interface Timer {
  /** (Re-)arms: the callback runs once, no earlier than `ms` from now. O(1); cheap enough for each request. */
  enable(ms: number): void;
  disable(): void;
  readonly enabled: boolean;
}

export interface Flushable {
  /** Called once at the end of the turn in which `scheduleFlush` was called: writes, and calls nobody. */
  flush(): void;
  /** Called when all that were scheduled with it have written: acts on what came of it. */
  afterFlush(): void;
}

export interface Disposable {
  dispose(): void;
}

export interface Dispatcher {
  /** `main_thread`, `worker_0`, … as in stats and logs. */
  readonly name: string;
  readonly clock: Clock;
  /** Number of the current turn, from 1. Requests with the same number shared the thread. */
  readonly turn: number;
  /** Linux thread id; 0 where it is not known. */
  readonly tid: number;
  createTimer(callback: () => void): Timer;
  /** Runs `task` later in this turn or in the next one, FIFO, never synchronously. */
  post(task: () => void): void;
  /** `flush()` is called at the end of this turn, once per call, first come first served: the item keeps a flag against two. */
  scheduleFlush(item: Flushable): void;
  /** `dispose()` is called after the flush list of this turn: objects stay safe to touch in the current callbacks. */
  deferredDelete(item: Disposable): void;
  /** Uniform in [0, 1). Injected so that tests decide. */
  random(): number;
}
