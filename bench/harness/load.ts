/**
 * Closed-loop load, pinned to a core: every connection sends its next request when its last one is answered. wrk where it is
 * installed; otherwise autocannon, which needs more CPU than most proxies, so that throughput is then the client's.
 *
 * An answer that never comes is counted by neither: a contender that forgets connections shows as one of few requests.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runAutocannon } from './autocannon.ts';
import type { LoadReport } from './autocannon.ts';
import { findProgram, pinnedTo } from './programs.ts';

const SCRIPT = fileURLToPath(new URL('./wrk-report.lua', import.meta.url));
/** Longer than a round: a late answer is told by the percentiles, it is no failure. */
const TIMEOUT_SECONDS = 30;

export interface LoadRequest {
  readonly method?: 'GET' | 'POST';
  readonly bodyBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Load {
  readonly url: string;
  readonly connections: number;
  /** Whole: wrk knows no others. */
  readonly seconds: number;
  readonly core: number;
  /** Small GET where absent. */
  readonly request?: LoadRequest;
  readonly signal?: AbortSignal;
}

/** How requests failed, and how often; without those that did not. */
export type Faults = Readonly<Record<string, number>>;

export interface LoadResult {
  readonly requests: number;
  /** Answers other than 2xx and 3xx, and socket errors of any kind. */
  readonly failures: number;
  readonly faults: Faults;
  readonly requestsPerSecond: number;
  /** Microseconds, as the client sees them. */
  readonly latency: Pick<LoadReport['latency'], 'p50' | 'p90' | 'p99' | 'p999' | 'max'>;
}

export type LoadTool = 'wrk' | 'autocannon';

export function loadTool(): LoadTool {
  return findProgram('wrk') === undefined ? 'autocannon' : 'wrk';
}

/** @throws where the client itself failed, as when nothing listens; the signal's error. */
export function runLoad(load: Load, tool: LoadTool = loadTool()): Promise<LoadResult> {
  return tool === 'wrk' ? runWrk(load) : shootAutocannon(load);
}

async function runWrk(load: Load): Promise<LoadResult> {
  const { request = {}, signal } = load;
  const headers = Object.entries(request.headers ?? {}).flat();
  const how = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', `${TIMEOUT_SECONDS}s`];
  // Behind the dashes: for the script.
  const what = ['--', request.method ?? 'GET', String(request.bodyBytes ?? 0), ...headers];
  const [command = '', ...args] = [...pinnedTo(load.core), 'wrk', ...how, '-s', SCRIPT, load.url, ...what];
  const options = signal === undefined ? {} : { signal };
  const { stdout, stderr } = await promisify(execFile)(command, args, options);
  return parseWrk(stdout, stderr);
}

const FAULTS: readonly (readonly [string, string])[] = [
  ['connect', 'not connected'],
  ['read', 'broken while reading'],
  ['write', 'broken while writing'],
  ['status', 'status 400 and above'],
  ['timeout', `later than ${TIMEOUT_SECONDS} s`],
];

/** What wrk printed with `wrk-report.lua`. @throws where the line of figures is missing: with what it said instead. */
export function parseWrk(stdout: string, stderr = ''): LoadResult {
  const line = /^figures (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) {
    const said = `${stderr}\n${stdout}`.trim().split('\n')[0] ?? '';
    throw new Error(`wrk printed no figures: ${said === '' ? 'nothing at all' : said}`);
  }
  const figures = new Map(line.split(' ').map((pair) => pair.split('=') as [string, string]));
  const number = (name: string): number => {
    const value = Number(figures.get(name) ?? NaN);
    if (Number.isNaN(value)) throw new Error(`wrk printed no ${name}: ${line}`);
    return value;
  };
  const faults = FAULTS.map(([name, words]): [string, number] => [words, number(name)]);
  const [requests, seconds] = [number('requests'), number('us') / 1e6];
  return {
    requests,
    failures: faults.reduce((sum, [, count]) => sum + count, 0),
    faults: Object.fromEntries(faults.filter(([, count]) => count > 0)),
    requestsPerSecond: seconds === 0 ? 0 : requests / seconds,
    latency: {
      p50: number('p50'),
      p90: number('p90'),
      p99: number('p99'),
      p999: number('p999'),
      max: number('max'),
    },
  };
}

async function shootAutocannon(load: Load): Promise<LoadResult> {
  const { request = {} } = load;
  const closing = request.headers?.['connection'] === 'close';
  const report = await runAutocannon(
    {
      url: load.url,
      connections: load.connections,
      seconds: load.seconds,
      timeoutSeconds: TIMEOUT_SECONDS,
      ...(request.method === undefined ? {} : { method: request.method }),
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      ...(request.bodyBytes === undefined ? {} : { body: 'x'.repeat(request.bodyBytes) }),
      ...(closing ? { reconnectRate: 1 } : {}),
    },
    pinnedTo(load.core),
    load.signal,
  );
  const { requests, failures, requestsPerSecond, latency } = report;
  const faults: Faults = failures === 0 ? {} : { 'errors and other statuses': failures };
  return { requests, failures, faults, requestsPerSecond, latency };
}
