/**
 * The whole process from outside: it serves on two workers, drains on SIGTERM, replaces a crashed worker, notices a blocked one,
 * reopens its logs, and says clearly why it cannot start.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { DemoService } from '../../src/server/demo-service.ts';
import { startDemoService } from '../../src/server/demo-service.ts';
import { pause } from '../support/raw-client.ts';
import { fetchText, headOf, httpConfig, ProxyProcess } from './proxy-process.ts';
import type { HttpConfigOptions } from './proxy-process.ts';

let upstream: DemoService;
let proxy: ProxyProcess | null = null;

before(async () => {
  upstream = await startDemoService('upstream');
});
after(() => upstream.stop());
afterEach(async () => {
  await proxy?.dispose();
  proxy = null;
});

const ARGS = [
  'run',
  '-c',
  '@/config.yaml',
  '--admin-address-path',
  '@/admin.txt',
  '--file-flush-interval-msec',
  '20',
];

/** Blocks (until there is a file) or breaks (by the proxy's own code) the worker that a request with that header comes to. */
const SCRIPT = `
import { invariant } from '${new URL('../../src/base/invariant.ts', import.meta.url).href}';
import { existsSync } from 'node:fs';
export default () => ({
  onRequest(handle) {
    if (handle.headers.get('x-crash') !== null) setTimeout(invariant, 0, false, 'crash on demand');
    const until = handle.headers.get('x-block-until');
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (until !== null && !existsSync(until)) Atomics.wait(cell, 0, 0, 20);
  },
});
`;

interface StartOptions extends Partial<HttpConfigOptions> {
  readonly args?: readonly string[];
}

async function start(options: StartOptions = {}): Promise<ProxyProcess> {
  const { args = [], ...config } = options;
  const files = {
    'config.yaml': httpConfig({ upstreamPort: upstream.port, ...config }),
    'script.js': SCRIPT,
    'package.json': '{"type":"module"}',
  };
  proxy = new ProxyProcess([...ARGS, ...args], files);
  await proxy.live();
  return proxy;
}

function url(port: number, path = '/'): string {
  return `http://127.0.0.1:${port}${path}`;
}

test('two workers serve, each with its own thread id, and both show up in the log', async () => {
  const running = await start();
  const port = await running.port('http');
  for (let count = 0; count < 40; count += 1) assert.equal((await fetchText(url(port))).status, 200);
  const { body } = await running.admin('/threads');
  const tids = Array.from(body.matchAll(/^worker_\d +worker +(\d+)/gm), (match) => match[1]);
  assert.equal(new Set(tids).size, 2);
  running.kill('SIGTERM');
  assert.equal((await running.ended).code, 0);
  const lines = running.read('access.log').trimEnd().split('\n');
  assert.equal(lines.length, 40);
  assert.deepEqual(new Set(lines.map((line) => line.split(' ')[2])), new Set(tids));
});

for (const socketInterface of ['syscall', 'portable']) {
  test(`SIGTERM finishes what is in flight, closes the connection and exits with 0 (${socketInterface})`, async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const service = createHttpServer((_request, response) => held.resolve(response)).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const { port: upstreamPort } = service.address() as AddressInfo;
    const args = ['--socket-interface', socketInterface, '-l', 'debug'];
    const running = await start({ upstreamPort, args });
    const port = await running.port('http');
    const slow = fetchText(url(port, '/slow'), 'GET', { connection: 'keep-alive' });
    const response = await held.promise;
    running.kill('SIGTERM');
    // Each worker says so when it has stopped accepting.
    await running.says(/draining \d connections[^]*draining \d connections/);
    await assert.rejects(headOf(url(port)), /ECONNREFUSED|ECONNRESET/);
    response.end('at last');
    const answer = await slow;
    assert.deepEqual([answer.status, answer.body, answer.headers['connection']], [200, 'at last', 'close']);
    const ended = await running.ended;
    service.close();
    assert.deepEqual([ended.code, ended.signal], [0, null]);
    assert.match(running.read('access.log'), /\/slow 200/);
  });
}

test('a second SIGTERM closes what is open', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const running = await start({ upstreamPort: (silent.address() as AddressInfo).port });
  const port = await running.port('http');
  const hanging = fetchText(url(port));
  hanging.catch(() => undefined);
  while (!(await running.admin('/clusters')).body.includes('rq_active::1'));
  running.kill('SIGTERM');
  await running.says(/draining/);
  running.kill('SIGTERM');
  await assert.rejects(hanging);
  assert.equal((await running.ended).code, 0);
  silent.close();
});

test('SIGTERM in the middle of the start ends it with 0', async () => {
  // The workers wait for a module that is not there before the test is over.
  proxy = new ProxyProcess(ARGS, {
    'config.yaml': httpConfig({ upstreamPort: upstream.port, script: true }),
    'script.js': `await new Promise((resolve) => setTimeout(resolve, 60_000));\n${SCRIPT}`,
    'package.json': '{"type":"module"}',
  });
  await proxy.says(/admin address/);
  proxy.kill('SIGTERM');
  const ended = await proxy.ended;
  assert.deepEqual([ended.code, ended.signal], [0, null]);
  assert.doesNotMatch(ended.err, /all workers accept/);
});

test('an idle keep-alive connection does not hold up the end', async () => {
  const running = await start();
  const port = await running.port('http');
  const client = connect(port, '127.0.0.1');
  let received = '';
  client.setEncoding('utf8').on('data', (text: string) => (received += text));
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  while (!received.includes('Hello world')) await once(client, 'data');
  const closed = once(client, 'close');
  running.kill('SIGTERM');
  await closed;
  assert.equal((await running.ended).code, 0);
});

test('drain_listeners stops accepting and leaves the process', async () => {
  const running = await start();
  const port = await running.port('http');
  assert.equal((await fetchText(url(port))).status, 200);
  assert.equal((await running.admin('/drain_listeners', 'POST')).status, 200);
  await assert.rejects(fetchText(url(port)), /ECONNREFUSED/);
  assert.equal((await running.admin('/ready')).status, 503);
});

test('a graceful drain winds down: answers close their connections, new ones are still served', async () => {
  const running = await start({ args: ['--drain-strategy', 'immediate'] });
  const port = await running.port('http');
  const headers = { connection: 'keep-alive' };
  assert.equal((await fetchText(url(port), 'GET', headers)).headers['connection'], undefined);
  assert.equal((await running.admin('/drain_listeners?graceful', 'POST')).status, 200);
  const answer = await fetchText(url(port), 'GET', headers);
  assert.deepEqual([answer.status, answer.headers['connection']], [200, 'close']);
});

test('quitquitquit ends at once, its own answer included', async () => {
  const running = await start();
  const answer = await running.admin('/quitquitquit', 'POST');
  assert.equal(answer.body.trim(), 'OK');
  assert.equal((await running.ended).code, 0);
});

for (const [how, listener] of [
  ['a socket per worker', ''],
  ['one shared socket', 'enable_reuse_port: false'],
] as const) {
  test(`a crashed worker is replaced, the others serve meanwhile and the port stays the same (${how})`, async () => {
    const running = await start({ script: true, listener });
    const port = await running.port('http');
    await assert.rejects(fetchText(url(port, '/slow?delay=300'), 'GET', { 'x-crash': '1' }));
    await running.says(/crashed: InvariantError: crash on demand/);
    await running.says(/all workers accept[\s\S]*worker_\d ready/);
    // Which of two idle workers takes a connection of a shared socket is the kernel's choice.
    const served = new Set<string | undefined>();
    for (let count = 0; count < 2000 && served.size < 2; count += 1) {
      assert.equal((await fetchText(url(port))).status, 200);
      if (count % 40 === 39)
        for (const [, tid] of running.read('access.log').matchAll(/^\/ 200 (\d+)$/gm)) served.add(tid);
    }
    assert.equal(served.size, 2);
    const { body } = await running.admin('/stats');
    assert.match(body, /^server\.worker_restarts: 1$/m);
    running.kill('SIGTERM');
    assert.equal((await running.ended).code, 0);
  });
}

test('a blocked worker is counted and named; the other one and the admin answer meanwhile', async () => {
  const running = await start({ script: true });
  const port = await running.port('http');
  const go = join(running.folder, 'go');
  const blocked = fetchText(url(port), 'GET', { 'x-block-until': go });
  await running.says(/watchdog: worker_\d is blocked for more than 1000 ms/);
  const { body } = await running.admin('/stats');
  // A busy machine holds threads up too: more than this one may have been missed.
  assert.match(body, /^server\.watchdog_miss: [1-9]\d*$/m);
  assert.match(body, /^server\.watchdog_mega_miss: [1-9]\d*$/m);
  const threads = (await running.admin('/threads')).body;
  const named = /watchdog: (worker_\d) is/.exec(running.err)?.[1] ?? '';
  assert.match(body, new RegExp(`^server\\.${named}\\.watchdog_mega_miss: [1-9]`, 'm'));
  assert.match(threads, new RegExp(`^${named} .*hung`, 'm'));
  // The kernel gives about half of them to the blocked one.
  const asked = Array.from({ length: 20 }, () => fetchText(url(port)));
  assert.equal((await Promise.race(asked)).status, 200);
  writeFileSync(go, '');
  for (const answer of [blocked, ...asked]) assert.equal((await answer).status, 200);
});

test('SIGUSR1 reopens the access log and does not start a debugger', async () => {
  const running = await start();
  const port = await running.port('http');
  await fetchText(url(port, '/first'));
  const file = join(running.folder, 'access.log');
  while (!existsSync(file) || !running.read('access.log').includes('/first')) await pause(5);
  renameSync(file, `${file}.1`);
  running.kill('SIGUSR1');
  await running.says(/log files reopened/);
  await fetchText(url(port, '/second'));
  running.kill('SIGTERM');
  const ended = await running.ended;
  assert.match(running.read('access.log'), /^\/second /);
  assert.match(running.read('access.log.1'), /^\/first /);
  assert.doesNotMatch(ended.err, /Debugger/);
});

test('log levels change while running, in all threads', async () => {
  const running = await start();
  assert.match((await running.admin('/logging?main=debug', 'POST')).body, /main: debug/);
  running.kill('SIGTERM');
  await running.says(/\[debug\]\[main\] draining/);
  await running.ended;
});

test('a port that is taken is said clearly, exit code 1', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  proxy = new ProxyProcess(ARGS, { 'config.yaml': httpConfig({ upstreamPort: upstream.port, port }) });
  const ended = await proxy.ended;
  holder.close();
  assert.equal(ended.code, 1);
  assert.match(
    ended.err,
    new RegExp(`nodeproxy: cannot listen on 127\\.0\\.0\\.1:${port}: EADDRINUSE \\(listener http\\)`),
  );
});

test('a filter that cannot be loaded fails the start with its reason, exit code 1', async () => {
  const config = httpConfig({ upstreamPort: upstream.port, script: true });
  proxy = new ProxyProcess(ARGS, {
    'config.yaml': config,
    'script.js': 'export default 1;',
    'package.json': '{"type":"module"}',
  });
  const ended = await proxy.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.err, /worker_\d failed to start: .*script\.js has no default export that is a function/);
});

test('exact_balance spreads long connections evenly over the workers', async () => {
  const running = await start({ listener: 'connection_balance_config: { exact_balance: {} }' });
  const port = await running.port('http');
  const clients = [];
  for (let count = 0; count < 12; count += 1) {
    const client = connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(client, 'data');
    clients.push(client);
  }
  const { body } = await running.admin('/threads?format=json');
  const { threads } = JSON.parse(body) as { threads: { role: string; connections: number }[] };
  const counts = threads.filter(({ role }) => role === 'worker').map(({ connections }) => connections);
  assert.deepEqual(counts, [6, 6]);
  for (const client of clients) client.destroy();
});
