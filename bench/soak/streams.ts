/**
 * THR-10 in full: a million requests of every fate, and afterwards no stream object is left and the heap is as large as before. Objects
 * and heap are counted in the workers themselves, after a full collection, between slices of traffic (`heap-probe.js`).
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { delay } from '../../src/base/clock.ts';
import { cluster, httpBootstrap, route } from './http-config.ts';
import { liveRequests, NonceTraffic } from './nonce-traffic.ts';
import { check, count, figure } from './part.ts';
import type { Check, PartResult, Soak, SoakPart } from './part.ts';
import type { SoakProxy } from './soak-proxy.ts';

const REQUESTS = 1_000_000;
const LEAST_REQUESTS = 2000;
const SLICES = 10;
/** A run that is too short for a slope needs no more. */
const FEW_SLICES = 2;
/** Slices in which caches fill and code is compiled: no part of the slope. */
const WARM_SLICES = 2;
/** Share of the full number from which on the slope has a bar. */
const LEAST_SHARE = 0.1;
const CLIENTS = 32;
const PIPELINE = 16;
const SETTLE_MS = 700;
/**
 * One pointer: whatever keeps anything of a request alive needs at least that. A leaked stream object takes a thousand. Below
 * a tenth of the full number of requests, a compiled function weighs more than that, and the bar says nothing.
 */
const LEAST_LEAK_BYTES = 8;
const MIB = 1024 * 1024;
const PROBE = new URL('./heap-probe.js', import.meta.url).href;

export const STREAMS: SoakPart = {
  name: 'streams',
  row: 'THR-10',
  acceptance: '1,000,000 requests: live stream objects return to 0 and the heap is flat',
  run: runStreams,
};

interface Probed {
  readonly kind: string;
  readonly heapUsed: number;
  readonly live: Readonly<Record<string, number>>;
}

export interface Sample {
  readonly requests: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Instances in the worker's heap, by class. */
  readonly objects: Readonly<Record<string, number>>;
  /** Sum of the gauges of requests under way. */
  readonly gauges: number;
}

async function runStreams(soak: Soak): Promise<PartResult> {
  const requests = soak.size(REQUESTS, LEAST_REQUESTS);
  const traffic = await NonceTraffic.start(soak, {
    natures: ['steady', 'churning'],
    wrongEvery: 0,
    concurrency: 1,
    nodeArgs: ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', PROBE],
    load: {
      connections: CLIENTS,
      pipeline: PIPELINE,
      paths: ['/', '/', '/', '/retried/', '/direct/', '/none/'],
    },
    bootstrap: (ports) =>
      httpBootstrap({
        log: { path: '/dev/null', format: '%RESPONSE_CODE% %LEDGER%\n' },
        clusters: [cluster('service', ports)],
        routes: [
          route('/retried/', 'service', { retry_policy: { retry_on: 'reset', num_retries: 2 } }),
          {
            match: { prefix: '/direct/' },
            direct_response: { status: 404, body: { inline_string: 'no\n' } },
          },
          { match: { prefix: '/none/' }, redirect: { path_redirect: '/elsewhere' } },
          route('/', 'service'),
        ],
      }),
  });
  try {
    const control = await controlOf(traffic.proxy);
    const samples = [await sampleOf(traffic.proxy, 0)];
    const slices = requests >= REQUESTS * LEAST_SHARE ? SLICES : FEW_SLICES;
    for (let slice = 1; slice <= slices; slice += 1) {
      const due = Math.round((requests * slice) / slices) - (samples.at(-1)?.requests ?? 0);
      const { sent } = await traffic.send(due);
      samples.push(await sampleOf(traffic.proxy, sent));
    }
    return result(requests, samples, control);
  } finally {
    await traffic.stop();
  }
}

/** Objects that the probe finds while a request is under way: one that finds none then would find none ever. */
async function controlOf(proxy: SoakProxy): Promise<Sample['objects']> {
  const client = connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    client.write('POST / HTTP/1.1\r\nhost: soak\r\nx-nonce: control\r\ncontent-length: 10\r\n\r\n');
    return (await sampleOf(proxy, 0)).objects;
  } finally {
    client.destroy();
  }
}

async function sampleOf(proxy: SoakProxy, requests: number): Promise<Sample> {
  await delay(SETTLE_MS);
  const live = await liveRequests(proxy);
  const answer = once(proxy.child, 'message') as Promise<[Probed]>;
  proxy.child.send({ kind: 'probe' });
  const [{ heapUsed, live: objects }] = await answer;
  const { residentBytes } = await proxy.memory();
  const gauges = [...live.values()].reduce((sum, value) => sum + value, 0);
  return { requests, heapBytes: heapUsed, residentBytes, objects, gauges };
}

/** Least squares, in `y` per `x`. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let [above, below] = [0, 0];
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return above / below;
}

export function result(requests: number, samples: readonly Sample[], control: Sample['objects']): PartResult {
  const inFull = requests >= REQUESTS * LEAST_SHARE;
  const warm = samples.slice(inFull ? WARM_SLICES + 1 : 1);
  const heapSlope = slopeOf(warm.map((each) => [each.requests, each.heapBytes]));
  const residentSlope = slopeOf(warm.map((each) => [each.requests, each.residentBytes]));
  const last = samples.at(-1);
  const objects = Object.entries(last?.objects ?? {});
  const most = Math.max(...samples.map(({ gauges }) => gauges));
  const checks: Check[] = [
    check('requests', count(requests), count(last?.requests ?? 0), (last?.requests ?? 0) >= requests),
    ...Object.entries(control).map(([name, many]) =>
      check(`${name} objects while a request is under way (control)`, '1', many, many === 1),
    ),
    ...objects.map(([name, many]) => check(`${name} objects in the heap afterwards`, '0', many, many === 0)),
    check('gauges of requests under way, after each slice', '0', most, most === 0),
    inFull
      ? check(
          'slope of the heap',
          `below ${LEAST_LEAK_BYTES} bytes per request (one pointer)`,
          `${heapSlope.toFixed(2)} bytes per request`,
          heapSlope < LEAST_LEAK_BYTES,
        )
      : figure('slope of the heap (too few requests for a bar)', `${heapSlope.toFixed(1)} bytes per request`),
    figure('slope of resident memory', `${residentSlope.toFixed(1)} bytes per request`),
  ];
  return {
    checks,
    text: [
      `One worker, two hosts of which one ends connections at random, ${CLIENTS} client connections with pipelines of up to ${PIPELINE}: forwarded, repeated, answered directly, redirected, cut off by the upstream, given up by the client. After each slice ${SETTLE_MS / 1000} s of quiet, then a full collection in the worker.`,
      `The slope is that of the used heap of the worker after a collection, from the ${WARM_SLICES + 1}rd slice on, by least squares.`,
    ],
    parts: [
      {
        kind: 'table',
        title: 'After each slice',
        rows: 'requests',
        columns: [
          { name: 'heap after collection', unit: 'MiB', better: 'lower' },
          { name: 'resident', unit: 'MiB', better: 'lower' },
          ...objects.map(([name]) => ({ name: `${name} objects` })),
          { name: 'requests under way' },
        ],
        body: samples.map((each) => ({
          name: count(each.requests),
          cells: [
            each.heapBytes / MIB,
            each.residentBytes / MIB,
            ...objects.map(([name]) => each.objects[name] ?? 0),
            each.gauges,
          ],
        })),
      },
      {
        kind: 'chart',
        form: 'lines',
        title: 'Memory by requests',
        x: { label: 'requests' },
        y: { label: 'memory', unit: 'MiB' },
        series: [
          {
            name: 'heap after collection',
            points: samples.map((each) => ({ x: each.requests, y: each.heapBytes / MIB })),
          },
          {
            name: 'resident',
            points: samples.map((each) => ({ x: each.requests, y: each.residentBytes / MIB })),
          },
        ],
      },
    ],
  };
}
