/**
 * One worker's place in the pool, as main sees it: the thread that sits there now, and its state. The thread may die; the seat stays
 * and gets another one.
 *
 *   vacant -> starting -> prepared -> serving -> (crash) resting -> starting -> ...
 *                 any state -> stopping -> stopped (terminal)
 *
 * Owns the answers awaited from its thread. When the thread is lost they are settled as lost: its successor starts from the
 * current configuration, so whatever the message said is true for it too.
 */
import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import type { FromWorker, ListenerReport, ToWorker } from '../api/server.ts';

export type SeatState = 'vacant' | 'starting' | 'prepared' | 'serving' | 'resting' | 'stopping' | 'stopped';

/** What may follow what; `stopping` may come at any time. */
const NEXT: Readonly<Record<SeatState, readonly SeatState[]>> = {
  vacant: ['starting', 'stopped'],
  starting: ['prepared', 'resting', 'stopping'],
  prepared: ['serving', 'resting', 'stopping'],
  serving: ['resting', 'stopping'],
  resting: ['starting', 'stopped'],
  stopping: ['stopped'],
  stopped: [],
};

type Acknowledged = Extract<ToWorker, { readonly ack: number }>;
type WithoutAck<T> = T extends unknown ? Omit<T, 'ack'> : never;
/** A message that is answered; the number is the seat's business. */
export type Request = WithoutAck<Acknowledged>;

/** The thread died before it answered. */
export const LOST = Symbol('lost');

export interface SeatEvents {
  onMessage(seat: WorkerSeat, message: FromWorker): void;
  /** The thread is gone although nobody asked it to go. */
  onCrash(seat: WorkerSeat, error: string): void;
}

export class WorkerSeat {
  readonly index: number;
  readonly name: string;
  readonly #events: SeatEvents;
  #state: SeatState = 'vacant';
  #thread: Worker | null = null;
  #error = '';
  #lastAck = 0;
  readonly #awaited = new Map<number, (value: unknown) => void>();
  #exited: Promise<void> = Promise.resolve();
  #utilization = { active: 0, idle: 0 };
  /** Linux thread id; 0 until the thread has said it. */
  tid = 0;
  /** When the thread was started; ms of main's clock. */
  startedAt = 0;
  /** Times this seat lost its thread in a row, each soon after its start. */
  quickCrashes = 0;
  /** Threads that sat here before this one. */
  restarts = 0;
  listeners: readonly ListenerReport[] = [];

  constructor(index: number, events: SeatEvents) {
    this.index = index;
    this.name = `worker_${index}`;
    this.#events = events;
  }

  get state(): SeatState {
    return this.#state;
  }

  /** A thread sits here that takes messages. */
  get occupied(): boolean {
    return this.#thread !== null;
  }

  enter(next: SeatState): void {
    if (!NEXT[this.#state].includes(next)) throw new Error(`${this.name}: ${this.#state} -> ${next}`);
    this.#state = next;
  }

  /** Puts a new thread on the seat. */
  seat(entry: URL, workerData: unknown, at: number): void {
    this.enter('starting');
    this.startedAt = at;
    this.#error = '';
    this.#utilization = { active: 0, idle: 0 };
    const thread = new Worker(entry, { workerData, name: this.name });
    this.#thread = thread;
    thread.on('message', (message: FromWorker) => this.#onMessage(message));
    thread.on('messageerror', (error) => (this.#error = String(error)));
    thread.on('error', (error) => (this.#error ||= describe(error)));
    this.#exited = new Promise((resolve) => {
      thread.on('exit', (code) => {
        this.#onExit(code);
        resolve();
      });
    });
  }

  /** Share of the time since the last question in which the thread's loop was busy, 0 to 1. */
  busy(): number {
    const now = this.#thread?.performance.eventLoopUtilization();
    if (now === undefined) return 0;
    const active = now.active - this.#utilization.active;
    const idle = now.idle - this.#utilization.idle;
    this.#utilization = now;
    return active + idle <= 0 ? 0 : active / (active + idle);
  }

  post(message: ToWorker, transfer: readonly Transferable[] = []): void {
    this.#thread?.postMessage(message, transfer);
  }

  /** Resolves with the answer's value, or with `LOST`. */
  ask(request: Request): Promise<unknown> {
    const thread = this.#thread;
    if (thread === null) return Promise.resolve(LOST);
    this.#lastAck += 1;
    const ack = this.#lastAck;
    return new Promise((resolve) => {
      this.#awaited.set(ack, resolve);
      thread.postMessage({ ...request, ack } as ToWorker);
    });
  }

  /** Asks the thread to end; resolves when it has. `terminate` ends one that does not listen. */
  async stop(): Promise<void> {
    if (this.#thread === null) {
      if (this.#state !== 'stopped') this.enter('stopped');
      return;
    }
    if (this.#state !== 'stopping') {
      this.enter('stopping');
      this.post({ kind: 'stop' });
    }
    await this.#exited;
  }

  async terminate(): Promise<void> {
    await this.#thread?.terminate();
  }

  #onMessage(message: FromWorker): void {
    if (message.kind === 'ack') {
      this.#awaited.get(message.ack)?.(message.value);
      this.#awaited.delete(message.ack);
      return;
    }
    if (message.kind === 'fatal') this.#error = message.error;
    this.#events.onMessage(this, message);
  }

  #onExit(code: number): void {
    this.#thread = null;
    const awaited = [...this.#awaited.values()];
    this.#awaited.clear();
    for (const settle of awaited) settle(LOST);
    if (this.#state === 'stopping') {
      this.enter('stopped');
      return;
    }
    this.enter('resting');
    this.#events.onCrash(this, this.#error || `exit with code ${code}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
