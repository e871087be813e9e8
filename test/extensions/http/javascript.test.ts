import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import type { StreamFilter } from '../../../src/api/http.ts';
import { JavaScriptFilterFactory } from '../../../src/extensions/http/javascript.ts';
import type { ScriptRequest } from '../../../src/extensions/http/javascript/script.ts';
import { HttpBench, parse } from '../../http/support/http-bench.ts';
import type { BenchOptions } from '../../http/support/http-bench.ts';
import { filterContext } from './filter-context.ts';
import { seen } from './modules/probe.js';

const MODULE = fileURLToPath(new URL('./modules/probe.js', import.meta.url));

interface ScriptBench {
  readonly bench: HttpBench;
  readonly logged: string[];
}

async function scriptBench(
  config: Record<string, unknown> = {},
  options: BenchOptions = {},
): Promise<ScriptBench> {
  let create: (() => StreamFilter) | null = null;
  const logged: string[] = [];
  const bench = new HttpBench({ ...options, filters: [() => (create === null ? {} : create())] });
  const factory = new JavaScriptFilterFactory((level, message) =>
    logged.push(`${level} ${message.split('\n')[0]}`),
  );
  create = await factory.prepare({ module: MODULE, config }, filterContext(bench));
  seen.length = 0;
  return { bench, logged };
}

/** Lets promises settle and runs what they posted. */
async function settle(bench: HttpBench): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  bench.dispatcher.run();
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: h\r\n${headers}\r\n`;
}

function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

test('a synchronous function changes headers, logs and leaves metadata, and the request goes on at once', async () => {
  const { bench, logged } = await scriptBench();
  bench.receive(get('/sync', 'x-remove: 1\r\n'));
  assert.equal(bench.terminal.headers?.get('x-script'), 'was here');
  assert.equal(bench.terminal.headers?.get('x-remove'), null);
  assert.deepEqual(logged, ['warn hello from the script']);
  assert.equal(bench.terminal.callbacks.info.metadata.get('filter')?.get('key'), 42);
});

test('a function that throws is counted and logged, and the request goes on', async () => {
  const { bench, logged } = await scriptBench();
  bench.receive(get('/throw'));
  assert.deepEqual(bench.terminal.seen, ['headers end']);
  assert.deepEqual(logged, ['error filter: Error: on purpose']);
  assert.equal(bench.stat('javascript.errors'), 1);
});

test('with onFailure respond it is answered with 500, also when the promise rejects', async () => {
  for (const path of ['/throw', '/reject']) {
    const { bench } = await scriptBench({ onFailure: 'respond' });
    bench.receive(get(path));
    await settle(bench);
    const { status, body } = parse(bench.answer());
    assert.equal(status, 'HTTP/1.1 500 Internal Server Error');
    assert.equal(body, 'Internal Server Error');
    assert.equal(bench.log[0]?.details, 'javascript_error');
    assert.equal(bench.terminals[0]?.seen.length, 0);
  }
});

test('a promise holds the request, and body() gives it whole, in whatever pieces it came', async () => {
  const { bench } = await scriptBench();
  bench.receive('POST /body HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n012');
  bench.receive('3456');
  await settle(bench);
  assert.equal(bench.terminal.seen.length, 0);
  bench.receive('789');
  await settle(bench);
  assert.equal(bench.terminal.headers?.get('x-body'), '0123456789');
  assert.equal(bench.terminal.body, '0123456789');
  assert.equal(bench.terminal.seen.at(-1), 'data end');
});

test('body() of a request without one is empty', async () => {
  const { bench } = await scriptBench();
  bench.receive(get('/body'));
  await settle(bench);
  assert.equal(bench.terminal.headers?.get('x-length'), '0');
});

test('a body beyond the limit is 413 for a script that wants it whole', async () => {
  const { bench } = await scriptBench({}, { bufferLimitBytes: 8 });
  bench.receive(post('/body', '0123456789'));
  await settle(bench);
  assert.match(bench.answer(), /^HTTP\/1\.1 413 /);
  assert.equal(bench.log.length, 1);
});

test('respond ends the request here, synchronously and later', async () => {
  const { bench } = await scriptBench();
  bench.receive(get('/respond'));
  const first = parse(bench.answer());
  assert.equal(first.status, 'HTTP/1.1 403 Forbidden');
  assert.ok(first.headers.includes('x-why: no'));
  assert.equal(first.body, 'forbidden');
  bench.receive(get('/respond-later'));
  await settle(bench);
  const second = parse(bench.answer());
  assert.equal(second.status, 'HTTP/1.1 401 Unauthorized');
  assert.equal(second.body, 'who are you');
  assert.ok(bench.terminals.every((terminal) => terminal.seen.length === 0));
});

test('a promise that never settles is ended by the stream idle timeout', async () => {
  const { bench } = await scriptBench({}, { config: { stream_idle_timeout: 50 } });
  bench.receive(get('/never'));
  await settle(bench);
  bench.dispatcher.advance(50);
  assert.match(bench.answer(), /^HTTP\/1\.1 504 /);
  assert.deepEqual(bench.log[0]?.flags, ['SI']);
});

test('a client that leaves while the promise is open leaves nothing behind', async () => {
  const { bench, logged } = await scriptBench();
  bench.receive(get('/reject'));
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  await settle(bench);
  assert.equal(bench.log.length, 1);
  assert.deepEqual(logged, []);
  assert.equal(bench.terminal.seen.length, 0);
});

test('every method of a kept handle is inert after the stream has ended', async () => {
  const { bench, logged } = await scriptBench();
  bench.receive(get('/keep'));
  bench.terminal.respond(200);
  bench.answer();
  const handle = seen[0] as ScriptRequest;
  handle.headers.set('x-late', '1');
  handle.respond(500, {}, 'late');
  handle.log('error', 'late');
  handle.metadata.set('late', 1);
  handle.path = '/late';
  assert.equal(handle.headers.get('x-late'), null);
  assert.deepEqual([...handle.headers], []);
  await assert.rejects(handle.body());
  assert.equal(bench.answer(), '');
  assert.deepEqual(logged, []);
  assert.equal(bench.log.length, 1);
});

test('a script sees its connection and stream', async () => {
  const { bench } = await scriptBench();
  bench.receive(get('/facts'));
  assert.deepEqual(seen[0], {
    id: bench.connection.id,
    threadId: 42,
    remoteAddress: '127.0.0.2:40000',
    localAddress: '127.0.0.1:10000',
    secure: false,
    streamId: 1,
    method: 'GET',
    host: 'h',
  });
});

test('a header value that would break the message is the script’s error', async () => {
  const { bench } = await scriptBench();
  bench.receive(get('/smuggle'));
  assert.equal(bench.stat('javascript.errors'), 1);
  assert.equal(bench.terminal.headers?.get('x-a'), null);
});

test('a synchronous function that asks for the body and does not wait for it ends nothing', async () => {
  const { bench } = await scriptBench();
  bench.receive(post('/careless-body', 'abc'));
  await settle(bench);
  assert.equal(bench.terminal.body, 'abc');
});

test('trailers are there when the body is', async () => {
  const { bench } = await scriptBench();
  bench.receive(
    'POST /trailers HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-end: yes\r\n\r\n',
  );
  await settle(bench);
  assert.deepEqual(seen, ['yes']);
  assert.deepEqual(bench.terminal.seen.at(-1), 'trailers');
});

test('headers can be walked through', async () => {
  const { bench } = await scriptBench();
  bench.receive(get('/iterate', 'x-b: 1\r\nx-b: 2\r\n'));
  assert.deepEqual((seen[0] as string[]).filter((name) => name === 'x-b').length, 2);
});

test('onResponse changes head and status, and gets the whole body if it waits for it', async () => {
  const plain = await scriptBench({ response: 'header' });
  plain.bench.receive(get('/x'));
  plain.bench.terminal.respond(200, 'ok');
  const first = parse(plain.bench.answer());
  assert.equal(first.status, 'HTTP/1.1 202 Accepted');
  assert.ok(first.headers.includes('x-response: 200'));
  const waiting = await scriptBench({ response: 'body' });
  waiting.bench.receive(get('/x'));
  waiting.bench.terminal.respond(200, 'hello');
  assert.equal(waiting.bench.answer(), '');
  await settle(waiting.bench);
  const second = parse(waiting.bench.answer());
  assert.ok(second.headers.includes('x-length: 5'));
  assert.equal(second.body, 'hello');
});

test('a module that is missing, or gives no function, is refused when the filter is prepared', async () => {
  const factory = new JavaScriptFilterFactory(() => undefined);
  const context = filterContext(new HttpBench());
  const broken = fileURLToPath(new URL('./modules/broken.js', import.meta.url));
  await assert.rejects(factory.prepare({ module: broken }, context), /no default export/);
  await assert.rejects(factory.prepare({ module: `${broken}.missing` }, context));
  await assert.rejects(factory.prepare({}, context), /module is required/);
});

test('what would break a start line is an error of the script, never of the worker', async () => {
  const request = await scriptBench();
  request.bench.receive(get('/break'));
  assert.equal(seen.length, 12);
  assert.deepEqual(new Set(seen), new Set(['InvariantError', 'RangeError']));
  const { terminal } = request.bench;
  assert.deepEqual([terminal.headers?.method, terminal.headers?.path], ['GET', '/break']);
  assert.equal(terminal.headers?.authority, 'h');
  const response = await scriptBench({ response: 'break' });
  response.bench.receive(get('/'));
  response.bench.terminal.respond(200, 'ok');
  assert.deepEqual(seen, ['RangeError', 'RangeError', 'RangeError', 'RangeError']);
  assert.match(response.bench.answer(), /^HTTP\/1\.1 200 /);
});
