/**
 * Runs autocannon in a process of its own, so that it can be pinned and put into a network namespace: options as JSON in the first
 * argument, the result as one line of JSON on standard output.
 *
 * autocannon's own histogram counts whole milliseconds; the event of each answer carries a fraction, and that is recorded here in
 * microseconds. A warm-up is a run whose answers are not recorded, on connections of its own.
 */
import autocannon from 'autocannon';
import { createHistogram } from 'node:perf_hooks';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { AutocannonLoad, LoadReport } from './autocannon.ts';

const US_PER_MS = 1000;
/** Three significant digits: 0.1 % is finer than any round repeats. */
const FIGURES = 3;

const load = JSON.parse(process.argv[2] ?? '{}') as AutocannonLoad;
if (load.warmUpSeconds !== undefined && load.warmUpSeconds > 0) await shoot(load, load.warmUpSeconds);
process.stdout.write(`${JSON.stringify(await shoot(load, load.seconds))}\n`);

function shoot(options: AutocannonLoad, seconds: number): Promise<LoadReport> {
  const { url, connections, pipelining, overallRate, method, headers, body, reconnectRate, timeoutSeconds } =
    options;
  const latency = createHistogram({ figures: FIGURES });
  const given = {
    ...(pipelining === undefined ? {} : { pipelining }),
    ...(overallRate === undefined ? {} : { overallRate }),
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(reconnectRate === undefined ? {} : { reconnectRate }),
    ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
  };
  return new Promise((resolve, reject) => {
    const instance = autocannon({ url, connections, duration: seconds, ...given }, (error, result) => {
      if (error !== null) {
        reject(error);
        return;
      }
      const elapsed = (result.finish.getTime() - result.start.getTime()) / 1000;
      resolve({
        requests: result.requests.total,
        failures: result.errors + result.non2xx,
        seconds: elapsed,
        requestsPerSecond: result.requests.total / elapsed,
        bytes: result.throughput.total,
        latency: percentilesOf(latency),
      });
    });
    instance.on('response', (_client: unknown, _status: number, _bytes: number, ms: number) =>
      latency.record(Math.max(1, Math.round(ms * US_PER_MS))),
    );
  });
}

function percentilesOf(histogram: RecordableHistogram): LoadReport['latency'] {
  const at = (share: number): number => (histogram.count === 0 ? 0 : histogram.percentile(share));
  return {
    mean: histogram.mean || 0,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.max,
  };
}
