import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpConnectionManager } from '../../src/api/envoy.ts';
import type { RouteSettings } from '../../src/api/http.ts';
import { HttpBench, parse } from './support/http-bench.ts';

const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\n';

interface Case {
  readonly name: string;
  readonly config: HttpConnectionManager;
  readonly route?: Partial<RouteSettings>;
  readonly send: string;
  readonly status: string;
  readonly body: string;
  readonly details: string;
  readonly flags: readonly string[];
  readonly stat: string;
}

const CASES: readonly Case[] = [
  {
    name: 'request_timeout, request incomplete',
    config: { request_timeout: 100 },
    send: POST,
    status: '408 Request Timeout',
    body: 'request timeout',
    details: 'request_overall_timeout',
    flags: [],
    stat: 'downstream_rq_timeout',
  },
  {
    name: 'request_headers_timeout, half a head',
    config: { request_headers_timeout: 100 },
    send: 'GET / HT',
    status: '408 Request Timeout',
    body: 'request header timeout',
    details: 'request_header_timeout',
    flags: [],
    stat: 'downstream_rq_header_timeout',
  },
  {
    name: 'stream_idle_timeout, request incomplete',
    config: { stream_idle_timeout: 100 },
    send: POST,
    status: '408 Request Timeout',
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    flags: ['SI'],
    stat: 'downstream_rq_idle_timeout',
  },
  {
    name: 'stream_idle_timeout, request complete',
    config: { stream_idle_timeout: 100 },
    send: GET,
    status: '504 Gateway Timeout',
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    flags: ['SI'],
    stat: 'downstream_rq_idle_timeout',
  },
  {
    name: 'idle timeout of the route before that of the connection manager',
    config: { stream_idle_timeout: 5000 },
    route: { idleTimeoutMs: 100 },
    send: GET,
    status: '504 Gateway Timeout',
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    flags: ['SI'],
    stat: 'downstream_rq_idle_timeout',
  },
  {
    name: 'max_stream_duration',
    config: { common_http_protocol_options: { max_stream_duration: 100 } },
    send: GET,
    status: '408 Request Timeout',
    body: 'downstream duration timeout',
    details: 'max_duration_timeout',
    flags: [],
    stat: 'downstream_rq_max_duration_reached',
  },
  {
    name: 'max_stream_duration of the route',
    config: {},
    route: { maxStreamDurationMs: 100 },
    send: GET,
    status: '408 Request Timeout',
    body: 'downstream duration timeout',
    details: 'max_duration_timeout',
    flags: [],
    stat: 'downstream_rq_max_duration_reached',
  },
];

for (const each of CASES) {
  test(`${each.name} is answered at its time and not before`, () => {
    const bench = new HttpBench({ config: each.config, route: each.route ?? {} });
    bench.receive(each.send);
    bench.dispatcher.advance(99);
    assert.equal(bench.answer(), '');
    bench.dispatcher.advance(1);
    const { status, headers, body } = parse(bench.answer());
    assert.equal(status, `HTTP/1.1 ${each.status}`);
    assert.equal(body, each.body);
    assert.equal(headers.includes('connection: close'), each.send !== GET);
    assert.equal(bench.log.length, 1);
    assert.equal(bench.log[0]?.details, each.details);
    assert.deepEqual(bench.log[0]?.flags, each.flags);
    assert.equal(bench.stat(each.stat), 1);
  });
}

test('activity in either direction puts the idle timeout off', () => {
  const bench = new HttpBench({ config: { stream_idle_timeout: 100 } });
  bench.receive(POST);
  for (const byte of 'abcd') {
    bench.dispatcher.advance(99);
    bench.receive(byte);
  }
  bench.dispatcher.advance(99);
  bench.terminal.callbacks.encodeHeaders(
    Object.assign(bench.terminal.callbacks.requestHeaders!.clone(), { status: 200 }),
    false,
  );
  bench.dispatcher.advance(99);
  bench.terminal.data('x', false);
  bench.dispatcher.advance(99);
  assert.equal(bench.log.length, 0);
});

test('an idle timeout behind the response head resets the stream', () => {
  const bench = new HttpBench({ config: { stream_idle_timeout: 100 } });
  bench.receive(GET);
  bench.dispatcher.run(() => {
    bench.terminal.callbacks.encodeHeaders(
      Object.assign(bench.terminal.callbacks.requestHeaders!.clone(), { status: 200 }),
      false,
    );
  });
  bench.dispatcher.advance(100);
  assert.equal(bench.log.length, 1);
  assert.equal(bench.log[0]?.code, 200);
  assert.deepEqual(bench.log[0]?.flags, ['SI']);
  assert.notEqual(bench.connection.closedBy, null);
});

test('a client that takes nothing of a finished response is cut off by the idle timeout', () => {
  const bench = new HttpBench({ config: { stream_idle_timeout: 100 } });
  bench.receive(GET);
  bench.dispatcher.run(() => bench.terminal.respond(200, 'x'));
  bench.dispatcher.advance(100);
  assert.equal(bench.log.length, 1);
  assert.deepEqual(bench.log[0]?.flags, ['SI']);
});

test('the timers of a stream do not fire into the next one', () => {
  const bench = new HttpBench({ config: { stream_idle_timeout: 100, request_timeout: 150 } });
  bench.receive(GET);
  bench.dispatcher.advance(60);
  bench.terminal.respond(200);
  bench.answer();
  bench.receive(POST);
  bench.dispatcher.advance(60);
  bench.receive('ab');
  bench.dispatcher.advance(80);
  assert.equal(bench.answer(), '', 'neither 100 idle nor 150 of its own have passed');
  bench.receive('cd');
  bench.dispatcher.advance(99);
  bench.terminal.respond(200);
  assert.match(bench.answer(), /^HTTP\/1\.1 200 /);
});

test('an idle timeout of a route does not stay for the next stream', () => {
  let idleTimeoutMs = 50;
  const bench = new HttpBench({
    config: { stream_idle_timeout: 1000 },
    route: {
      get idleTimeoutMs() {
        return idleTimeoutMs;
      },
    },
  });
  bench.receive(GET);
  bench.terminal.respond(200);
  bench.answer();
  idleTimeoutMs = -1;
  bench.receive(GET);
  bench.dispatcher.advance(999);
  assert.equal(bench.answer(), '');
  bench.dispatcher.advance(1);
  assert.match(bench.answer(), /^HTTP\/1\.1 504 /);
});

test('a connection without a request is closed after its idle timeout, counted from the last exchange', () => {
  const bench = new HttpBench({ config: { common_http_protocol_options: { idle_timeout: 100 } } });
  bench.dispatcher.advance(60);
  bench.receive(GET);
  bench.dispatcher.advance(500);
  bench.terminal.respond(200);
  bench.answer();
  bench.dispatcher.advance(99);
  assert.equal(bench.connection.closedBy, null);
  bench.dispatcher.advance(1);
  assert.equal(bench.connection.closedBy, 'flush');
  assert.equal(bench.connection.closeReason, 'on_idle_timeout');
  assert.equal(bench.stat('downstream_cx_idle_timeout'), 1);
  assert.equal(bench.stat('downstream_cx_destroy_local'), 1);
});

test('max_connection_duration closes an idle connection, and a busy one behind its answer', () => {
  const config = { common_http_protocol_options: { max_connection_duration: 100 } };
  const idle = new HttpBench({ config });
  idle.dispatcher.advance(100);
  assert.equal(idle.connection.closeReason, 'max_connection_duration_reached');
  assert.equal(idle.stat('downstream_cx_max_duration_reached'), 1);
  const busy = new HttpBench({ config });
  busy.receive(GET);
  busy.dispatcher.advance(100);
  assert.equal(busy.connection.closedBy, null);
  busy.terminal.respond(200);
  assert.ok(parse(busy.answer()).headers.includes('connection: close'));
  assert.equal(busy.connection.closedBy, 'flush-delayed');
});

test('a connection that has ended leaves no timer armed', () => {
  const bench = new HttpBench({ config: { request_timeout: 500 } });
  bench.receive(POST);
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  assert.equal(bench.dispatcher.nextDeadline(), Infinity);
});
