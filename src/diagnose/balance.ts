/**
 * How evenly the workers share the work: requests and connections by thread (the talk's `awk | sort | uniq -c`), and whether chance
 * alone would spread them so: chi-square of the counts against an even split.
 *
 * Logs of several processes may be read together, and one file holds those that wrote to it one after the other: nothing spreads
 * requests between their workers, so only those of one process are compared.
 */
import type { Balance, ThreadLoad } from './report.ts';

const MOST_THREADS = 1024;
/** Connection ids count up, so ids modulo this are apart for as many connections at a time. */
const CONNECTION_BITS = 1 << 20;

/** Where and when a thread was seen. */
export interface Seen {
  /** That name it, the newest last. */
  readonly files: readonly string[];
  /** Its first and its last request, epoch microseconds. */
  readonly fromUs: number;
  readonly toUs: number;
}

interface Thread extends Seen {
  readonly files: string[];
  fromUs: number;
  toUs: number;
  requests: number;
  connections: number;
  readonly seen: Uint8Array;
}

export class ThreadLoads {
  readonly #threads = new Map<number, Thread>();

  /** `startUs`: epoch microseconds, -1 = not known. */
  add(threadId: number, connection: number, file: string, startUs: number): void {
    let thread = this.#threads.get(threadId);
    if (thread === undefined) {
      if (this.#threads.size >= MOST_THREADS) return;
      thread = {
        files: [],
        fromUs: Infinity,
        toUs: -Infinity,
        requests: 0,
        connections: 0,
        seen: new Uint8Array(CONNECTION_BITS / 8),
      };
      this.#threads.set(threadId, thread);
    }
    thread.requests += 1;
    if (thread.files.at(-1) !== file) thread.files.push(file);
    if (startUs < thread.fromUs) thread.fromUs = startUs < 0 ? -Infinity : startUs;
    if (startUs > thread.toUs || startUs < 0) thread.toUs = startUs < 0 ? Infinity : startUs;
    const place = connection & (CONNECTION_BITS - 1);
    const bit = 1 << (place & 7);
    const byte = thread.seen[place >> 3] ?? 0;
    if ((byte & bit) !== 0) return;
    thread.seen[place >> 3] = byte | bit;
    thread.connections += 1;
  }

  /** Null: no line names a thread. */
  balance(): Balance | null {
    if (this.#threads.size === 0) return null;
    const processes = processesOf([...this.#threads.values()]);
    const threads = Array.from(this.#threads, ([threadId, { requests, connections }], index) => ({
      process: processes[index] ?? 1,
      threadId,
      requests,
      connections,
    }));
    return balanceOf(threads.sort((a, b) => a.process - b.process || a.threadId - b.threadId));
  }
}

/**
 * Number of the process of each thread, from 1 in their order. Threads of the same file, or of files that share a thread, are of one
 * process if their times meet: those of a process that was started again begin when the ones before have ended.
 */
export function processesOf(threads: readonly Seen[]): number[] {
  const numbers = new Map<Set<Seen>, number>();
  const runs = groupsByFile(threads).flatMap(runsOf);
  return threads.map((thread) => {
    const run = runs.find((each) => each.has(thread)) ?? new Set<Seen>();
    const number = numbers.get(run) ?? numbers.size + 1;
    numbers.set(run, number);
    return number;
  });
}

function groupsByFile(threads: readonly Seen[]): Seen[][] {
  let groups: { files: Set<string>; threads: Seen[] }[] = [];
  for (const thread of threads) {
    const joined = groups.filter((group) => thread.files.some((file) => group.files.has(file)));
    groups = groups.filter((group) => !joined.includes(group));
    groups.push({
      files: new Set([...thread.files, ...joined.flatMap(({ files }) => [...files])]),
      threads: [...joined.flatMap((group) => group.threads), thread],
    });
  }
  return groups.map((group) => group.threads);
}

/** Those whose times meet, directly or by others between. */
function runsOf(threads: readonly Seen[]): Set<Seen>[] {
  const runs: Set<Seen>[] = [];
  let end = -Infinity;
  for (const thread of threads.toSorted((a, b) => a.fromUs - b.fromUs)) {
    if (runs.length === 0 || thread.fromUs > end) runs.push(new Set());
    runs.at(-1)?.add(thread);
    end = Math.max(end, thread.toUs);
  }
  return runs;
}

/** The loads of each process. */
export function byProcess(threads: readonly ThreadLoad[]): ThreadLoad[][] {
  return [...Map.groupBy(threads, ({ process }) => process).values()];
}

export function balanceOf(threads: readonly ThreadLoad[]): Balance {
  const processes = byProcess(threads).map((process) => process.map(({ requests }) => requests));
  const chiSquare = processes.reduce((sum, counts) => sum + chiSquareOf(counts), 0);
  return {
    threads,
    maxToMin: Math.max(...processes.map((counts) => Math.max(...counts) / Math.min(...counts))),
    chiSquare,
    probability: upperTail(threads.length - processes.length, chiSquare),
  };
}

/** Of the counts against their mean. */
export function chiSquareOf(counts: readonly number[]): number {
  const mean = counts.reduce((sum, each) => sum + each, 0) / counts.length;
  return mean === 0 ? 0 : counts.reduce((sum, each) => sum + (each - mean) ** 2 / mean, 0);
}

/** Probability of a chi-square at least as large by chance: the upper regularized gamma function Q(k / 2, x / 2). */
export function upperTail(degrees: number, chiSquare: number): number {
  if (degrees < 1 || chiSquare <= 0) return 1;
  const [a, x] = [degrees / 2, chiSquare / 2];
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) return Math.max(0, 1 - scale * series(a, x));
  return scale * continuedFraction(a, x);
}

const MOST_TERMS = 500;
const PRECISION = 1e-12;

function series(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MOST_TERMS && Math.abs(term) > Math.abs(sum) * PRECISION; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** By Lentz's method. */
function continuedFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < MOST_TERMS; n += 1) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / nonZero(factor * d + b, tiny);
    c = nonZero(b + factor / c, tiny);
    h *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return h;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** Stirling's series, after shifting the argument above 10. */
function logGamma(value: number): number {
  let x = value;
  let shift = 0;
  while (x < 10) {
    shift -= Math.log(x);
    x += 1;
  }
  const r = 1 / (x * x);
  const tail = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + tail;
}
