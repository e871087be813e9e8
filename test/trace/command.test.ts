/** `nodeproxy trace`: every stage of one request, through the demo's two proxies and through a configuration of one's own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commandLine } from '../../src/cli/command-line.ts';
import { startDemoService } from '../../src/server/demo-service.ts';
import { httpConfig } from '../server/proxy-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Traced {
  readonly request: { readonly status: number; readonly body_bytes: number };
  readonly hops: readonly {
    readonly name: string;
    readonly downstream_connection_id: number;
    readonly upstream_connection_id: number | null;
    readonly access_log: string;
  }[];
  readonly stages: readonly {
    readonly ms: number;
    readonly hop: string;
    readonly thread_id: number;
    readonly stage: string;
    readonly downstream_connection_id: number;
    readonly upstream_connection_id: number | null;
    readonly stream_id: number | null;
    readonly text: string;
  }[];
}

async function trace(...args: string[]): Promise<{ code: number; results: string; problems: string }> {
  let [results, problems] = ['', ''];
  const code = await commandLine(['trace', ...args], {
    result: (text) => (results += `${text}\n`),
    problem: (text) => (problems += `${text}\n`),
  });
  return { code, results, problems };
}

async function traced(...args: string[]): Promise<Traced> {
  const { code, results, problems } = await trace(...args, '--json');
  assert.equal(code, 0, problems);
  return JSON.parse(results) as Traced;
}

function leftFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('nodeproxy-trace-'));
}

test('the demo shows both hops of a request in order, each with its thread and connection ids', async () => {
  const before = leftFolders();
  const { request, hops, stages } = await traced('/split?delay=5');
  assert.deepEqual(request, { method: 'GET', path: '/split?delay=5', status: 200, body_bytes: 1001 });
  assert.deepEqual(
    hops.map(({ name }) => name),
    ['outbound', 'inbound'],
  );
  const wanted = [
    'accept',
    'listener',
    'filter chain match',
    'read from client',
    'stream created',
    'codec: request head',
    'route',
    'decode filter',
    'cluster',
    'host',
    'pool: new connection',
    'connect: done',
    'pool: ready',
    'codec: request encoded',
    'flush to upstream',
    'read from upstream',
    'codec: response head',
    'codec: response encoded',
    'flush to client',
    'stream done',
    'access log',
  ];
  for (const hop of hops) {
    const own = stages.filter((stage) => stage.hop === hop.name);
    const places = wanted.map((name) => own.findIndex(({ stage }) => stage === name));
    assert.ok(!places.includes(-1), `${hop.name} lacks ${wanted[places.indexOf(-1)]}`);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(own.map((stage) => stage.thread_id)).size, 1);
    assert.ok(hop.downstream_connection_id > 0 && (hop.upstream_connection_id ?? 0) > 0);
    assert.match(
      hop.access_log,
      new RegExp(`\\[C${hop.downstream_connection_id}:R:<.*\\[C${hop.upstream_connection_id}:R:<`),
    );
    assert.equal(own.at(-1)?.upstream_connection_id, hop.upstream_connection_id);
    assert.equal(own.at(-1)?.stream_id, 1);
  }
  const filters = stages.filter(({ stage, hop }) => stage === 'encode filter' && hop === 'outbound');
  assert.match(filters[0]?.text ?? '', /'delay'/);
  const times = stages.map(({ ms }) => ms);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.equal(times[0], 0);
  assert.deepEqual(leftFolders(), before);
});

test('a warm request finds its connections in the pool, on both hops', async () => {
  const { hops, stages } = await traced('http://shop.example/', '--warm', '--data', 'hello');
  assert.equal(hops.length, 2);
  for (const hop of hops) {
    const names = stages.filter((stage) => stage.hop === hop.name).map(({ stage }) => stage);
    const told = `${hop.name}: ${names.join(', ')}`;
    assert.ok(names.includes('pool: connection reused'), told);
    assert.ok(!names.includes('connect: done'), told);
    assert.match(hop.access_log, /"POST \/ HTTP\/1\.1" 200 .*"shop\.example"/);
  }
});

test('a configuration runs on free ports and leaves its ports and its log file alone', async () => {
  const service = await startDemoService('service');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const file = join(folder, 'own.yaml');
  const text = httpConfig({ upstreamPort: service.port, port });
  writeFileSync(file, text.replaceAll('@/', `${folder}/`));
  try {
    const { code, results } = await trace('-c', file, '/status?code=418');
    assert.equal(code, 0);
    assert.match(
      results,
      /^GET \/status\?code=418: 418, \d+ bytes of body, \d+ stages in [\d.]+ ms\n\n +ms +thread +downstream/,
    );
    assert.match(results, /decode headers to filter 'router'/);
    assert.match(results, /downstream connection \d+, upstream connection \d+\. Its access-log line:\n\[20/);
    assert.ok(!existsSync(join(folder, 'access.log')));
  } finally {
    taken.close();
    await service.stop();
  }
});

test('an answer of the proxy itself is traced, too: there is no upstream', async () => {
  const file = join(folder, 'alone.yaml');
  const text = httpConfig({ upstreamPort: 9 }).replace('prefix: /', 'prefix: /only');
  writeFileSync(file, text.replaceAll('@/', `${folder}/`));
  const { request, hops, stages } = await traced('-c', file, '/else');
  assert.equal(request.status, 404);
  assert.equal(hops[0]?.upstream_connection_id, null);
  assert.ok(stages.some(({ stage, text: said }) => stage === 'route' && said === 'no route matches'));
  assert.ok(stages.some(({ stage }) => stage === 'local reply'));
});

test('what cannot be traced is refused with a sentence', async () => {
  const echo = new URL('../../config/echo.yaml', import.meta.url).pathname;
  for (const [args, code, said] of [
    [[], 2, /trace needs a URL or a path/],
    [['/', '/'], 2, /one request at a time/],
    [['https://a.example/'], 2, /neither a path .* nor an http:\/\/ URL/],
    [['/', '--method', 'get'], 2, /must be a method such as GET/],
    [['-c', echo, '/'], 1, /echo\.yaml has no listener with an http_connection_manager/],
    [['-c', '/no/such.yaml', '/'], 1, /there is no such file/],
  ] as const) {
    const ended = await trace(...args);
    assert.match(ended.problems, said);
    assert.equal(ended.code, code, args.join(' '));
  }
});
