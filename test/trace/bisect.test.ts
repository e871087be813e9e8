/** `nodeproxy bisect`: an injected delay is attributed to where it was put, and noise to nobody. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { BISECT } from '../../src/cli/bisect.ts';
import { parseOptions } from '../../src/cli/option.ts';
import type { Sample } from '../../src/trace/bisect-samples.ts';
import { judge, quantilesOf } from '../../src/trace/bisect-verdict.ts';
import { afterMs } from '../../src/base/clock.ts';
import { httpConfig, ProxyProcess } from '../server/proxy-process.ts';

const DELAY_MS = 60;
const SCRIPT = `export default () => ({
  async onRequest(handle) {
    if (handle.path.startsWith('/slow-filter')) await new Promise((resolve) => setTimeout(resolve, ${DELAY_MS}));
    if (handle.path.startsWith('/refused')) handle.respond(503, {}, 'no');
  },
});`;

const service = createServer((request, response) => {
  const ms = request.url?.startsWith('/slow-service') === true ? DELAY_MS : 0;
  if (ms === 0) response.end('hello\n');
  else afterMs(ms, () => response.end('hello\n'));
});
let direct = '';
let through = '';
let proxy: ProxyProcess | null = null;

before(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', () => resolve()));
  const { port } = service.address() as AddressInfo;
  direct = `http://127.0.0.1:${port}`;
  proxy = new ProxyProcess(
    ['run', '-c', '@/proxy.yaml', '--concurrency', '1', '--admin-address-path', '@/admin.txt'],
    { 'proxy.yaml': httpConfig({ upstreamPort: port, script: true }), 'script.js': SCRIPT },
  );
  await proxy.live();
  through = `http://127.0.0.1:${await proxy.port('http')}`;
});

after(async () => {
  await proxy?.dispose();
  service.closeAllConnections();
  service.close();
});

async function bisect(...args: string[]): Promise<{ code: number; results: string; problems: string }> {
  let [results, problems] = ['', ''];
  const code = await BISECT.run(parseOptions(args, BISECT.options), {
    result: (text) => (results += text),
    problem: (text) => (problems += text),
  });
  return { code, results, problems };
}

/** Tolerances far from what a busy machine does by itself, and from what is injected. */
function compare(path: string, ...more: string[]) {
  const ways = ['--direct', `${direct}${path}`, '--through', `${through}${path}`];
  return bisect(...ways, '--requests', '30', '--rate', '500', '--added-ms', '25', '--slow-ms', '25', ...more);
}

test("a filter's delay is attributed to the mesh", async () => {
  const { code, results } = await compare('/slow-filter');
  assert.equal(code, 0);
  assert.match(results, /^It is the mesh:/m);
  assert.match(results, /^The way through adds [\d.]+ ms \([\d.]+ to [\d.]+\) to a request/m);
  assert.match(results, /^direct +30 +0 +[\d.]+ \([\d.]+ to [\d.]+\)/m);
});

test("a service's delay is attributed to the service", async () => {
  const { results } = await compare('/slow-service');
  assert.match(results, /^It is the service, not the mesh/m);
  assert.match(results, /look at the service/);
});

test('without a delay it is neither', async () => {
  const { results } = await compare('/');
  assert.match(results, /^It is neither/m);
});

test('errors of the proxy are told from those of the service, and a second way says which layer', async () => {
  const { results } = await compare('/refused', '--through2', `${direct}/`, '--json');
  const { blame, ways } = JSON.parse(results) as { blame: string; ways: { errors: number; kinds: object }[] };
  assert.equal(blame, 'mesh');
  assert.deepEqual(
    ways.map(({ errors }) => errors),
    [0, 30, 0],
  );
  assert.deepEqual(ways[1]?.kinds, { 'status 503': 30 });
  const { results: text } = await compare('/slow-filter', '--through2', `${direct}/`);
  assert.match(text, /through2 is free of it: the cause is in what through has and through2 has not/);
});

test('a service that nobody reaches is the service, not the mesh', async () => {
  const none = 'http://127.0.0.1:9/';
  const { code, results } = await bisect(
    '--direct',
    none,
    '--through',
    none,
    '--requests',
    '10',
    '--rate',
    '1000',
  );
  assert.equal(code, 0);
  assert.match(results, /^It is the service/m);
  assert.match(results, /10 of 10 requests fail \(ECONNREFUSED × 10\)/);
});

function sample(name: string, latencies: readonly number[], errors = 0): Sample {
  const way = { name, url: new URL('http://a/') };
  return {
    way,
    latencies: latencies.toSorted((a, b) => a - b),
    requests: latencies.length + errors,
    errors,
    kinds: new Map(),
  };
}

test('few requests with a wide spread blame nobody', () => {
  const tolerance = { addedMs: 3, slowMs: 10 };
  const noisy = [1, 2, 30, 4, 1, 2, 50, 1, 2, 3];
  const calm = [1, 1, 2, 1, 1, 2, 1, 1, 2, 1];
  assert.equal(judge([sample('direct', calm), sample('through', noisy)], tolerance)?.blame, 'neither');
  const one = judge([sample('direct', calm), sample('through', calm, 1)], tolerance);
  assert.equal(one?.blame, 'neither');
  assert.equal(judge([sample('direct', []), sample('through', [])], tolerance)?.blame, 'unknown');
});

test('a slow tenth is found though the median is as it should be', () => {
  const calm = Array.from({ length: 200 }, (_, index) => 1 + (index % 10) / 10);
  const tail = calm.map((ms, index) => (index % 5 === 0 ? ms + 40 : ms));
  const result = judge([sample('direct', calm), sample('through', tail)], { addedMs: 3, slowMs: 10 });
  assert.equal(result?.others[0]?.slowAt, 'p90');
  assert.equal(result.blame, 'mesh');
});

test('the interval of a quantile holds it, and both ends are samples', () => {
  const { p50, p90, p99 } =
    quantilesOf(Array.from({ length: 100 }, (_, index) => index + 1)) ?? assert.fail();
  assert.deepEqual([p50.value, p90.value, p99.value], [50, 90, 99]);
  for (const { low, value, high } of [p50, p90, p99]) assert.ok(low < value && value < high && high <= 100);
  assert.deepEqual([p50.low, p50.high], [40, 61]);
});

test('what is missing or no URL is said', async () => {
  await assert.rejects(bisect('--through', 'http://a/'), /bisect needs --direct/);
  await assert.rejects(bisect('--direct', 'a'), /--direct a: must be an http/);
  await assert.rejects(bisect('http://a/'), /given with --direct and --through/);
});
