/**
 * Who held a worker, for lines that had to wait for it: joined by thread and time, and by loop turns where the lines have them.
 *
 *   holder   |---read---| filter.audit computes ---------------| … its line is written when its request ends
 *   neighbour      bytes arrive ................ waited ........| read
 *
 * Either line may come first in the log, so a bounded ring of each is kept for every thread. Invariant: a late line is told of once,
 * with the holder that computed longest inside its wait, or with none when it falls out of the ring.
 */
import { WorstLines, type KeptLine } from '../worst-lines.ts';
import type { LineFacts } from '../scan/line-facts.ts';

/** Of a thread. Holders keep their lines' texts: 16 MiB for all threads together, at most. */
const MOST_HOLDERS = 256;
const MOST_WAITING = 2048;
const MOST_THREADS = 64;
/** The newest ones stay: whoever held their worker may still be under way, its line unwritten. */
const STILL_OPEN = 256;
/** A holder explains a wait if it computed for at least half of it. */
const LEAST_COVER = 0.5;
/** Stamps of lines are truncated to the millisecond. */
const TOLERANCE_US = 2_000;

export interface Holder {
  /** Number of the filter's segment in the table of names. */
  readonly filter: number;
  readonly us: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly turnStart: number;
  readonly turnEnd: number;
  readonly line: KeptLine;
}

/** A line that waited, with all that is told of it later. */
export interface Late {
  readonly us: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly turnStart: number;
  readonly turnEnd: number;
  readonly bucket: number;
  readonly threadId: number;
  readonly file: string;
  readonly lineNumber: number;
  /** Null: it was not among the worst when it came. */
  readonly line: KeptLine | null;
}

interface Thread {
  readonly holders: Holder[];
  readonly waiting: Late[];
}

export class BusyHolders {
  readonly #threads = new Map<number, Thread>();
  readonly #settle: (late: Late, holder: Holder | null) => void;
  /** Decides whose text is worth copying while nobody knows yet whose fault it is. */
  readonly #worst = new WorstLines(64);

  constructor(settle: (late: Late, holder: Holder | null) => void) {
    this.#settle = settle;
  }

  /** This request's filter computed for `us`. */
  held(facts: LineFacts, filter: number, us: number): void {
    const thread = this.#thread(facts.threadId);
    if (thread === null) return;
    const holder: Holder = {
      filter,
      us,
      ...placeOf(facts),
      line: keptLine(facts, us),
    };
    thread.holders.push(holder);
    if (thread.holders.length <= MOST_HOLDERS) return;
    // Told before their holders are forgotten.
    this.#settleOldest(thread, thread.waiting.length - STILL_OPEN);
    thread.holders.splice(0, MOST_HOLDERS / 2);
  }

  /** Bytes of this request waited for `us` in all. */
  waited(facts: LineFacts, us: number): void {
    const thread = this.#thread(facts.threadId);
    const line = this.#worst.wants(us) ? keptLine(facts, us) : null;
    if (line !== null) this.#worst.put(line);
    const { fromUs, toUs, turnStart, turnEnd } = placeOf(facts);
    const { bucket, threadId, file, lineNumber } = facts;
    const late: Late = {
      us,
      fromUs: fromUs - us,
      toUs,
      turnStart,
      turnEnd,
      bucket,
      threadId,
      file,
      lineNumber,
      line,
    };
    if (thread === null) {
      this.#settle(late, null);
      return;
    }
    thread.waiting.push(late);
    if (thread.waiting.length > MOST_WAITING) this.#settleOldest(thread, MOST_WAITING / 2);
  }

  #settleOldest({ waiting, holders }: Thread, count: number): void {
    if (count <= 0) return;
    for (const late of waiting.splice(0, count)) this.#settle(late, holderOf(late, holders));
  }

  /** All lines have been read. */
  end(): void {
    for (const thread of this.#threads.values()) this.#settleOldest(thread, thread.waiting.length);
  }

  /** Null: of more threads than are kept apart. */
  #thread(threadId: number): Thread | null {
    const known = this.#threads.get(threadId);
    if (known !== undefined) return known;
    if (this.#threads.size >= MOST_THREADS) return null;
    const thread: Thread = { holders: [], waiting: [] };
    this.#threads.set(threadId, thread);
    return thread;
  }
}

function placeOf(facts: LineFacts) {
  const { startUs, totalUs, turnStart, turnEnd } = facts;
  return { fromUs: startUs, toUs: startUs + totalUs, turnStart, turnEnd };
}

function keptLine(facts: LineFacts, score: number): KeptLine {
  const { file, lineNumber } = facts;
  return { score, file, lineNumber, text: facts.lineText(), note: '', companion: null };
}

function holderOf(late: Late, holders: readonly Holder[]): Holder | null {
  let best: Holder | null = null;
  let together = 0;
  for (const holder of holders) {
    // Nobody waits for oneself.
    if (holder.line.lineNumber === late.lineNumber && holder.line.file === late.file) continue;
    const overlap = Math.min(late.toUs, holder.toUs) - Math.max(late.fromUs, holder.fromUs);
    if (overlap + TOLERANCE_US < 0 || !sharesTurn(late, holder)) continue;
    together += holder.us;
    if (best === null || holder.us > best.us) best = holder;
  }
  // Many that each computed a little hold a worker as one does that computed long.
  return best !== null && together >= late.us * LEAST_COVER ? best : null;
}

/** What lay in the kernel during a turn is read in that turn or in the next one. */
function sharesTurn(late: Late, holder: Holder): boolean {
  if (late.turnStart < 0 || holder.turnStart < 0) return true;
  return holder.turnStart <= late.turnEnd + 1 && holder.turnEnd >= late.turnStart - 1;
}
