/**
 * Load at a fixed rate, whatever the answers do (an open loop): requests have a timetable, and the latency of each counts from its
 * place in it, not from the moment when the client got round to sending it. So a server that stalls is charged with everything that
 * would have come meanwhile (no coordinated omission).
 *
 *   OpenLoopClient (here) -- lines of JSON --> open-loop-process.ts (pinned, in its network namespace)
 *
 * Every request has an id of its own made from its number, so a slow one is found again in the logs of the proxies. Lengths are
 * microseconds.
 */
import { fileURLToPath } from 'node:url';
import { LineProcess } from './line-process.ts';
import { percentile } from './statistics.ts';

const PROGRAM = fileURLToPath(new URL('./open-loop-process.ts', import.meta.url));

export interface OpenLoopLoad {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** Address to send from; absent: the system's choice. */
  readonly from?: string;
  /** Requests under way at once at most. What finds none free waits, and its waiting counts. */
  readonly connections: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
  /** `false`: a connection for each request. */
  readonly keepAlive: boolean;
  /** The timetable begins so many parts of an interval after the start: clients that start together do not send together. */
  readonly phase: number;
  /** 24 hexadecimal digits, of this load alone. */
  readonly idPrefix: string;
  readonly timeoutMs: number;
}

/** Latency of a request without an answer. */
export const FAILED = 0xffffffff;

export interface OpenLoopFailures {
  /** Answers other than 2xx. */
  readonly status: number;
  /** Connections that failed or ended under a request, and answers that are none. */
  readonly connection: number;
  readonly timeouts: number;
}

/** Of one client, or of several together. Arrays are by place in the timetable. */
export interface OpenLoopReport {
  readonly requests: number;
  readonly failures: OpenLoopFailures;
  /** From the first place of the timetable to the last answer, the timetable's length at least. */
  readonly seconds: number;
  /** Answered with 2xx, per second. */
  readonly achievedRate: number;
  /** From the place in the timetable to the end of the answer; `FAILED`. */
  readonly latencies: Uint32Array;
  /** From the place in the timetable to the write of the request: what the client itself was late by. */
  readonly lags: Uint32Array;
  /** Of the client's process, pacing included. */
  readonly cpuSeconds: number;
}

/** As the process writes it. */
export interface OpenLoopAnswer {
  readonly failures: OpenLoopFailures;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Little-endian 32-bit numbers, base64. */
  readonly latencies: string;
  readonly lags: string;
}

/** The shape of a UUID, so that whoever reads ids takes it for one. `number` below 2^32. */
export function requestId(idPrefix: string, number: number): string {
  const hex = idPrefix + number.toString(16).padStart(8, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export class OpenLoopClient {
  readonly #child: LineProcess;

  constructor(name: string, prefix: readonly string[]) {
    this.#child = new LineProcess(name, PROGRAM, prefix);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the connections of the load are open: several clients are made ready, then started together. */
  async prepare(load: OpenLoopLoad, signal?: AbortSignal): Promise<void> {
    await this.#child.ask({ load }, signal);
  }

  /** Of the load that was prepared. */
  async go(signal?: AbortSignal): Promise<OpenLoopReport> {
    const answer = (await this.#child.ask({ go: true }, signal)) as OpenLoopAnswer;
    return reportOf(answer);
  }

  async run(load: OpenLoopLoad, signal?: AbortSignal): Promise<OpenLoopReport> {
    await this.prepare(load, signal);
    return this.go(signal);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

function reportOf({ failures, seconds, cpuSeconds, ...packed }: OpenLoopAnswer): OpenLoopReport {
  const [latencies, lags] = [numbersOf(packed.latencies), numbersOf(packed.lags)];
  const failed = failures.status + failures.connection + failures.timeouts;
  const requests = latencies.length;
  return {
    requests,
    failures,
    seconds,
    achievedRate: (requests - failed) / seconds,
    latencies,
    lags,
    cpuSeconds,
  };
}

export function packed(numbers: Uint32Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

function numbersOf(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export interface Percentiles {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Of those that were answered. @throws RangeError where none was. */
export function percentilesOf(lengths: readonly Uint32Array[]): Percentiles {
  const answered = lengths.flatMap((list) => Array.from(list).filter((each) => each !== FAILED));
  const sorted = answered.toSorted((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError('no request was answered');
  return {
    mean: sorted.reduce((sum, each) => sum + each, 0) / sorted.length,
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p99: percentile(sorted, 99),
    p999: percentile(sorted, 99.9),
    max: sorted.at(-1) ?? NaN,
  };
}

/** Clients that ran side by side. */
export function together(reports: readonly OpenLoopReport[]): {
  readonly requests: number;
  readonly failed: number;
  readonly achievedRate: number;
  readonly cpuSeconds: number;
} {
  const sum = (of: (report: OpenLoopReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    requests: sum(({ requests }) => requests),
    failed: sum(({ failures }) => failures.status + failures.connection + failures.timeouts),
    achievedRate: sum(({ achievedRate }) => achievedRate),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
  };
}
