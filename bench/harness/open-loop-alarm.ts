/**
 * An alarm clock finer than the runtime's timers, which count whole milliseconds: a thread that sleeps in the kernel until the
 * instant and then wakes this one by a message. It is late by the two wake-ups, some tens of microseconds, and computes nothing
 * meanwhile, unlike a loop that looks at the clock.
 *
 * Shared memory: [0] generation (what the thread sleeps on), [1] 0 = sleep, 1 = end; behind them the instant in nanoseconds of
 * `process.hrtime`, which all threads share; 0 = none.
 */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const BYTES = 16;
const NS_PER_MS = 1e6;

interface Cells {
  readonly words: Int32Array;
  readonly due: BigInt64Array;
}

function cellsOf(memory: SharedArrayBuffer): Cells {
  return { words: new Int32Array(memory, 0, 2), due: new BigInt64Array(memory, 8, 1) };
}

/** Microseconds, the same for all threads and processes of the machine. */
export function nowUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

export class Alarm {
  readonly #cells: Cells;
  readonly #thread: Worker;

  private constructor(memory: SharedArrayBuffer, thread: Worker, onAlarm: () => void) {
    this.#cells = cellsOf(memory);
    this.#thread = thread;
    thread.on('message', onAlarm);
  }

  /** Resolves when the thread runs. `onAlarm` may come too early or without need: it looks at the clock. */
  static async start(onAlarm: () => void): Promise<Alarm> {
    const memory = new SharedArrayBuffer(BYTES);
    const thread = new Worker(new URL(import.meta.url), { workerData: memory });
    await new Promise((resolve, reject) => thread.once('online', resolve).once('error', reject));
    return new Alarm(memory, thread, onAlarm);
  }

  /** Replaces what was set before. */
  set(atUs: number): void {
    const { words, due } = this.#cells;
    Atomics.store(due, 0, BigInt(Math.max(1, Math.round(atUs * 1000))));
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}

/** The thread. It ends by being terminated: `Atomics.wait` is interrupted by that. */
function watch({ words, due }: Cells): never {
  for (;;) {
    const generation = Atomics.load(words, 0);
    const at = Atomics.load(due, 0);
    if (at === 0n) {
      Atomics.wait(words, 0, generation);
      continue;
    }
    const left = Number(at - process.hrtime.bigint()) / NS_PER_MS;
    if (left > 0) {
      Atomics.wait(words, 0, generation, left);
      continue;
    }
    // Not where another instant was set meanwhile: that one is still to be waited for.
    if (Atomics.compareExchange(due, 0, at, 0n) === at) parentPort?.postMessage(null);
  }
}

if (!isMainThread && workerData instanceof SharedArrayBuffer) watch(cellsOf(workerData));
