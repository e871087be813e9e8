/**
 * Requests and connections of each worker, counted from the lines that the proxy's access log has grown by; the same measures as
 * `nodeproxy logs threads`.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { chiSquareOf, ThreadLoads, upperTail } from '../../src/diagnose/balance.ts';

export interface WorkerLoad {
  readonly tid: number;
  readonly requests: number;
  readonly connections: number;
}

export interface Imbalance {
  /** Largest count by smallest; infinite where a worker had none. */
  readonly maxToMin: number;
  /** Largest count by the mean: 1 is even, the number of workers means that one had all. */
  readonly maxToMean: number;
}

export class GrownLog {
  readonly #file: string;
  #from = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** From here on lines count. */
  skip(): void {
    this.#from = sizeOf(this.#file);
  }

  /** What every one of `tids` did since `skip`; a worker without a line is idle. */
  loads(tids: readonly number[]): WorkerLoad[] {
    const counted = new ThreadLoads();
    for (const line of this.#text().split('\n')) {
      const [thread = '', connection = ''] = line.split(' ');
      if (connection !== '') counted.add(Number(thread), Number(connection), this.#file, -1);
    }
    const found = counted.balance()?.threads ?? [];
    return tids.map((tid) => {
      const { requests = 0, connections = 0 } = found.find(({ threadId }) => threadId === tid) ?? {};
      return { tid, requests, connections };
    });
  }

  #text(): string {
    const fd = openSync(this.#file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - this.#from));
      return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, this.#from));
    } finally {
      closeSync(fd);
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** @throws RangeError where nothing was counted. */
export function imbalanceOf(counts: readonly number[]): Imbalance {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) throw new RangeError('no worker had anything to do');
  const most = Math.max(...counts);
  return { maxToMin: most / Math.min(...counts), maxToMean: most / (total / counts.length) };
}

/** How probable it is that chance alone spreads connections at least as unevenly; 1 with one worker. */
export function chanceOf(connections: readonly number[]): number {
  return upperTail(connections.length - 1, chiSquareOf(connections));
}
