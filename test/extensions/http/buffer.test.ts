import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamFilter } from '../../../src/api/http.ts';
import { BUFFER_FILTER } from '../../../src/extensions/http/buffer.ts';
import { HttpBench, ledgerText, parse } from '../../http/support/http-bench.ts';
import { filterContext } from './filter-context.ts';

async function bufferBench(maxBytes: number, perRoute?: unknown): Promise<HttpBench> {
  let create: (() => StreamFilter) | null = null;
  const bench = new HttpBench({
    filters: [() => (create === null ? {} : create())],
    route: { perFilterConfig: () => perRoute },
  });
  create = await BUFFER_FILTER.prepare({ max_request_bytes: maxBytes }, filterContext(bench));
  return bench;
}

function post(length: number): string {
  return `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: ${length}\r\n\r\n`;
}

test('a request reaches the filters behind when it is complete, not before', async () => {
  const bench = await bufferBench(10);
  bench.receive(`${post(10)}01234`);
  assert.equal(bench.terminal.seen.length, 0);
  bench.receive('56789');
  assert.deepEqual(bench.terminal.seen[0], 'headers');
  assert.equal(bench.terminal.body, '0123456789');
  assert.equal(bench.terminal.seen.at(-1), 'data end');
});

test('exactly the limit passes and one byte more is 413, in one piece and in many', async () => {
  for (const pieces of [1, 11]) {
    const bench = await bufferBench(10);
    bench.receive(post(11));
    for (let sent = 0; sent < 11; sent += 11 / pieces) bench.receive('x'.repeat(11 / pieces));
    const { status, headers, body } = parse(bench.answer());
    assert.equal(status, 'HTTP/1.1 413 Payload Too Large');
    assert.deepEqual(headers.slice(0, 2), ['content-length: 17', 'content-type: text/plain']);
    assert.equal(body, 'Payload Too Large');
    assert.equal(bench.terminal.seen.length, 0);
    assert.equal(bench.log[0]?.details, 'request_payload_too_large');
    assert.equal(bench.stat('downstream_rq_too_large'), 1);
  }
});

test('with Expect, 100 Continue goes first, then 413, and the connection is closed so that the client can read it', async () => {
  const bench = await bufferBench(10);
  bench.receive('POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n');
  assert.equal(bench.answer(), 'HTTP/1.1 100 Continue\r\n\r\n');
  bench.receive('x'.repeat(50));
  const { status, headers, body } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 413 Payload Too Large');
  assert.deepEqual(headers, [
    'content-length: 17',
    'content-type: text/plain',
    'date: Sat, 21 Nov 2026 06:00:01 GMT',
    'server: nodeproxy',
    'connection: close',
  ]);
  assert.equal(body, 'Payload Too Large');
  assert.equal(bench.connection.closedBy, 'flush-delayed');
  assert.equal(bench.stat('downstream_rq_response_before_rq_complete'), 1);
});

test('chunks become a body of known length', async () => {
  const bench = await bufferBench(100);
  bench.receive('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
  bench.receive('1\r\n!\r\n0\r\n\r\n');
  assert.equal(bench.terminal.headers?.get('content-length'), '6');
  assert.equal(bench.terminal.body, 'hello!');
});

test('a route switches it off or gives another size', async () => {
  const off = await bufferBench(10, { disabled: true });
  off.receive(`${post(20)}${'x'.repeat(15)}`);
  assert.equal(off.terminal.body.length, 15);
  const larger = await bufferBench(10, { buffer: { max_request_bytes: 20 } });
  larger.receive(`${post(20)}${'x'.repeat(20)}`);
  assert.equal(larger.terminal.body.length, 20);
});

test('a request without a body is not held up', async () => {
  const bench = await bufferBench(10);
  bench.receive('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('a configuration without a size is refused', () => {
  assert.throws(() => BUFFER_FILTER.prepare({}, filterContext(new HttpBench())), /max_request_bytes/);
});

test('the ledger blames the client for the wait, not the filter', async () => {
  const bench = await bufferBench(10);
  bench.receive(post(4));
  bench.dispatcher.advance(19);
  bench.receive('abcd');
  bench.terminal.respond(200);
  bench.flush();
  const info = bench.log[0]?.context.info;
  assert.ok(info !== undefined);
  assert.equal(ledgerText(info), 'client=19000');
});
