/**
 * The workers of the process, as main holds them: started together, told things in order, replaced when they crash.
 *
 * Start has two steps: every worker builds everything (`prepared`), only then the first one binds, and the others follow with what
 * it bound (`listen`). So no port accepts before all can serve, and port 0 is the same port everywhere. A crashed worker is
 * replaced after a rest while the others keep serving; its successor binds anew, or shares a socket that another one holds.
 */
import type { FromWorker, ListenerReport, ToWorker } from '../api/server.ts';
import type { Clock } from '../api/event.ts';
import { logger } from '../base/logger.ts';
import { LOST, WorkerSeat } from './worker-seat.ts';
import type { Request } from './worker-seat.ts';

/** Rest before a replacement: doubles with each crash soon after a start, so that a worker that cannot live costs little. */
const FIRST_REST_MS = 100;
const LONGEST_REST_MS = 10_000;
/** A worker that lived this long has not crashed because of its start. */
const SETTLED_MS = 30_000;
/** A worker that does not end when told (its thread is blocked) is ended. */
const STOP_LIMIT_MS = 2000;
/** Beyond the deadline of a drain, for a worker that is too busy to keep it. */
const DRAIN_GRACE_MS = 1000;

const log = logger('main');

export interface WorkerPoolOptions {
  readonly concurrency: number;
  readonly entry: URL;
  readonly clock: Clock;
  /** What a worker starts with; asked at each start, so that a replacement gets the current snapshots. */
  readonly workerData: (index: number) => unknown;
  /** Messages that are not the pool's own. */
  readonly onMessage: (seat: WorkerSeat, message: FromWorker) => void;
  /** A worker was lost: its share of shared counters is void. Called before its replacement starts. */
  readonly onLost: (seat: WorkerSeat, error: string) => void;
  readonly rest: (ms: number) => Promise<void>;
}

/** The start failed: no worker will be restarted. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly seats: readonly WorkerSeat[];
  /** Set while `start` waits; a failure goes there instead of into a restart. */
  #starting: { check(): void; fail(error: StartError): void } | null = null;
  #closing = false;
  readonly #allDrained = Promise.withResolvers<void>();
  readonly #drained = new Set<WorkerSeat>();
  #restarts = 0;
  /** What was bound at first: addresses stay the same for all replacements. */
  #bound: readonly ListenerReport[] = [];

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const events = {
      onMessage: (seat: WorkerSeat, message: FromWorker) => this.#onMessage(seat, message),
      onCrash: (seat: WorkerSeat, error: string) => this.#onCrash(seat, error),
    };
    this.seats = Array.from({ length: options.concurrency }, (_, index) => new WorkerSeat(index, events));
  }

  /** Workers replaced so far. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Listeners with the addresses that they have. */
  get listeners(): readonly ListenerReport[] {
    return this.#bound;
  }

  /** Workers that serve now. */
  get serving(): number {
    return this.seats.filter((seat) => seat.state === 'serving').length;
  }

  /** Resolves when all workers accept; rejects with a `StartError`. */
  async start(): Promise<void> {
    await this.#reached('prepared', () => {
      for (const seat of this.seats) this.#seat(seat);
    });
    for (const seat of this.seats) {
      await this.#reached('serving', () => this.#listen(seat), [seat]);
    }
    this.#starting = null;
  }

  /** FIFO per worker. A worker that is being replaced gets what it needs at its start. */
  post(index: number, message: ToWorker, transfer: Parameters<WorkerSeat['post']>[1] = []): void {
    this.seats[index]?.post(message, transfer);
  }

  /** Resolves when every worker has answered, with their answers in order; that of a worker lost meanwhile is `LOST`. */
  runOnAllThreads(request: Request): Promise<unknown[]> {
    return Promise.all(this.seats.map((seat) => seat.ask(request)));
  }

  /** As `runOnAllThreads`, but a worker that does not answer within `limitMs` counts as lost: for questions of the admin. */
  askAll(request: Request, limitMs: number): Promise<unknown[]> {
    const late = this.#options.rest(limitMs).then(() => LOST);
    return Promise.all(this.seats.map((seat) => Promise.race([seat.ask(request), late])));
  }

  /**
   * Workers finish what is in flight. Resolves when all have, or are gone; the workers enforce `deadlineMs`, and one that is blocked
   * is not waited for much longer. Called again with a shorter time it hurries the first call.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#closing = true;
    void this.runOnAllThreads({ kind: 'drain', deadlineMs }).then(() => this.#checkDrained());
    void this.#options.rest(deadlineMs + DRAIN_GRACE_MS).then(() => this.#allDrained.resolve());
    await this.#allDrained.promise;
  }

  /** The receiver may be gone: the sender keeps its connection then. The descriptor always has exactly one owner. */
  handOver(from: WorkerSeat, message: Extract<FromWorker, { kind: 'hand-over' }>): void {
    const { listener, fd, acceptedAt, worker } = message;
    const receiver = this.seats[worker];
    const to = receiver?.state === 'serving' ? receiver : from;
    to.post({ kind: 'adopt', listener, fd, acceptedAt });
  }

  async stop(): Promise<void> {
    this.#closing = true;
    const ended = Promise.all(this.seats.map((seat) => seat.stop()));
    const limit = this.#options.rest(STOP_LIMIT_MS).then(() => 'late' as const);
    if ((await Promise.race([ended, limit])) !== 'late') return;
    for (const seat of this.seats.filter((each) => each.occupied)) {
      log.warning(`${seat.name} does not end: terminated`);
      await seat.terminate();
    }
    await ended;
  }

  #seat(seat: WorkerSeat): void {
    seat.seat(this.#options.entry, this.#options.workerData(seat.index), this.#options.clock.now());
  }

  /** Waits until `seats` are in `state`, or the start has failed. */
  #reached(state: 'prepared' | 'serving', act: () => void, seats = this.seats): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (seats.every((seat) => seat.state === state)) resolve();
      };
      this.#starting = { check, fail: reject };
      act();
    });
  }

  /** `bound` comes from a worker that serves, so that a shared descriptor is an open one. */
  #listen(seat: WorkerSeat): void {
    const living = this.seats.find((each) => each !== seat && each.state === 'serving');
    const bound = living?.listeners ?? this.#bound.map((report) => ({ ...report, fd: -1 }));
    // Lost before it answered: its crash is handled where all crashes are.
    void seat.ask({ kind: 'listen', bound });
  }

  #onMessage(seat: WorkerSeat, message: FromWorker): void {
    switch (message.kind) {
      case 'prepared':
        if (seat.state === 'starting') this.#onPrepared(seat, message.tid);
        break;
      case 'ready':
        if (seat.state === 'prepared') this.#onReady(seat, message.listeners);
        break;
      case 'listen-failed':
        this.#onListenFailed(seat, `${message.address}: ${message.error} (listener ${message.listener})`);
        break;
      case 'hand-over':
        this.handOver(seat, message);
        break;
      case 'drained':
        this.#drained.add(seat);
        this.#checkDrained();
        break;
      default:
        this.#options.onMessage(seat, message);
    }
  }

  #onPrepared(seat: WorkerSeat, tid: number): void {
    seat.tid = tid;
    seat.enter('prepared');
    if (this.#starting !== null) this.#starting.check();
    else this.#listen(seat);
  }

  #onReady(seat: WorkerSeat, listeners: readonly ListenerReport[]): void {
    seat.listeners = listeners;
    if (this.#bound.length === 0) this.#bound = listeners;
    seat.enter('serving');
    log.info(`${seat.name} ready, tid ${seat.tid}`);
    this.#starting?.check();
  }

  #onListenFailed(seat: WorkerSeat, reason: string): void {
    if (this.#starting !== null) this.#starting.fail(new StartError(`cannot listen on ${reason}`));
    else log.error(`${seat.name} cannot listen on ${reason}`);
  }

  #onCrash(seat: WorkerSeat, error: string): void {
    this.#options.onLost(seat, error);
    this.#checkDrained();
    if (this.#starting !== null) {
      this.#starting.fail(new StartError(`${seat.name} failed to start: ${error}`));
      return;
    }
    if (this.#closing) return;
    const lived = this.#options.clock.now() - seat.startedAt;
    seat.quickCrashes = lived > SETTLED_MS ? 1 : seat.quickCrashes + 1;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (seat.quickCrashes - 1));
    log.critical(`${seat.name} (tid ${seat.tid}) crashed: ${error}; a new one starts in ${rest} ms`);
    void this.#replace(seat, rest);
  }

  async #replace(seat: WorkerSeat, restMs: number): Promise<void> {
    await this.#options.rest(restMs);
    if (this.#closing || seat.state !== 'resting') return;
    this.#restarts += 1;
    seat.restarts += 1;
    this.#seat(seat);
  }

  #checkDrained(): void {
    if (!this.#closing) return;
    if (this.seats.every((seat) => !seat.occupied || this.#drained.has(seat))) {
      this.#allDrained.resolve();
    }
  }
}
