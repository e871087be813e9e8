/**
 * Runs autocannon in a process of its own, so that it can be pinned and put into a network namespace: options as JSON in the first
 * argument, the result as one line of JSON on standard output. Without an argument each line of standard input is such a run.
 *
 * autocannon's own histogram counts whole milliseconds; the event of each answer carries a fraction, and that is recorded here in
 * microseconds. A warm-up is a run whose answers are not recorded, on connections of its own.
 */
import autocannon from 'autocannon';
import type { AutocannonConnection } from 'autocannon';
import net from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { AutocannonLoad, LoadReport } from './autocannon.ts';
import { answerLines } from './line-process.ts';

/** It looks so often whether its time is over: a second by its own default, which a run of half a second would last. */
const LOOK_EVERY_MS = 20;
const US_PER_MS = 1000;
const US_PER_SECOND = 1_000_000;
/** Three significant digits: 0.1 % is finer than any round repeats. */
const FIGURES = 3;

const [, , argument] = process.argv;
if (argument === undefined) answerLines((question) => run(question as AutocannonLoad));
else process.stdout.write(`${JSON.stringify(await run(JSON.parse(argument) as AutocannonLoad))}\n`);

async function run(load: AutocannonLoad): Promise<LoadReport> {
  const connect = net.connect.bind(net);
  // autocannon has no option for it and asks the module for each of its connections.
  if (load.from !== undefined) Object.assign(net, { connect: connectFrom(load.from) });
  try {
    if (load.warmUpSeconds !== undefined && load.warmUpSeconds > 0) await shoot(load, load.warmUpSeconds);
    return await shoot(load, load.seconds);
  } finally {
    Object.assign(net, { connect });
  }
}

function connectFrom(localAddress: string): (port: number, host: string) => net.Socket {
  return (port, host) => new net.Socket().connect({ port, host, localAddress });
}

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
    ...(reconnectRate === undefined ? {} : { reconnectRate, setupClient: countLastAnswers }),
    ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
  };
  const before = process.cpuUsage();
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      { url, connections, duration: seconds, sampleInt: LOOK_EVERY_MS, ...given },
      (error, result) => {
        if (error !== null) {
          reject(error);
          return;
        }
        const { user, system } = process.cpuUsage(before);
        const elapsed = (result.finish.getTime() - result.start.getTime()) / 1000;
        resolve({
          requests: result.requests.total,
          failures: result.errors + result.non2xx,
          seconds: elapsed,
          requestsPerSecond: result.requests.total / elapsed,
          bytes: result.throughput.total,
          latency: percentilesOf(latency),
          cpuSeconds: (user + system) / US_PER_SECOND,
        });
      },
    );
    instance.on('response', (_client: unknown, _status: number, _bytes: number, ms: number) =>
      latency.record(Math.max(1, Math.round(ms * US_PER_MS))),
    );
  });
}

/**
 * autocannon drops the answer behind which it reconnects: with a connection for each request it would count none. Its client is told
 * of that answer as of any other, before the connection goes.
 */
function countLastAnswers(client: AutocannonConnection): void {
  const { pipelinedRequests: queue } = client;
  const reset = client._resetConnection.bind(client);
  const terminate = queue.terminateRequest.bind(queue);
  let last: ReturnType<typeof terminate> | undefined;
  queue.terminateRequest = () => (last = terminate());
  client._resetConnection = () => {
    if (last !== undefined) client.emit('response', last.headers.statusCode, last.bytes, last.duration);
    reset();
  };
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
