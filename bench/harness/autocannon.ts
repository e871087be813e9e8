/**
 * Closed-loop load by autocannon: every connection sends its next request when its last one is answered. With `overallRate` the
 * connections are slowed down to a rate, which is still no open loop: for latency at a rate see `open-loop.ts`.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LineProcess } from './line-process.ts';

const PROGRAM = fileURLToPath(new URL('./autocannon-process.ts', import.meta.url));
const MAX_OUTPUT_BYTES = 1024 * 1024;

export interface AutocannonLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds?: number;
  readonly pipelining?: number;
  /** Requests per second, all connections together. */
  readonly overallRate?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** 1: a connection for each request. */
  readonly reconnectRate?: number;
  readonly timeoutSeconds?: number;
  /** Address to send from; absent: the system's choice. */
  readonly from?: string;
}

/** Microseconds from the request's write to the end of its answer, as the client sees them. */
export interface Latency {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadReport {
  /** Answered, whatever the status. */
  readonly requests: number;
  /** Errors, time-outs and answers other than 2xx. */
  readonly failures: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Received, heads included. */
  readonly bytes: number;
  readonly latency: Latency;
  /** Of the client's process during the run. */
  readonly cpuSeconds: number;
}

/** `prefix`: the command that the client runs under, as `['taskset', '-c', '1']` or `['ip', 'netns', 'exec', 'pod']`. */
export async function runAutocannon(
  load: AutocannonLoad,
  prefix: readonly string[],
  signal?: AbortSignal,
): Promise<LoadReport> {
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, JSON.stringify(load)];
  const [command = process.execPath, ...rest] = [...prefix, process.execPath, ...args];
  const options = { maxBuffer: MAX_OUTPUT_BYTES, ...(signal === undefined ? {} : { signal }) };
  const { stdout } = await promisify(execFile)(command, rest, options);
  return JSON.parse(stdout) as LoadReport;
}

/** A client that stays alive from run to run: its code is compiled once, so a short run is no slower than a long one. */
export class AutocannonClient {
  readonly #child: LineProcess;

  /** `prefix` as in `runAutocannon`. */
  constructor(name: string, prefix: readonly string[]) {
    this.#child = new LineProcess(name, PROGRAM, prefix);
  }

  async run(load: AutocannonLoad, signal?: AbortSignal): Promise<LoadReport> {
    return (await this.#child.ask(load, signal)) as LoadReport;
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
