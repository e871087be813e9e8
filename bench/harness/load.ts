/** Closed-loop load by wrk, pinned to a core; its own report is parsed for counts. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly core: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Answers other than 2xx and 3xx, and socket errors of any kind. */
  readonly failures: number;
  readonly requestsPerSecond: number;
}

export async function runWrk(load: Load): Promise<LoadResult> {
  const args = [
    '-c',
    String(load.core),
    'wrk',
    '-t1',
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    load.url,
  ];
  const { stdout } = await promisify(execFile)('taskset', args);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    failures: number(/Non-2xx or 3xx responses: (\d+)/) + errors.reduce((sum, text) => sum + Number(text), 0),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
  };
}
