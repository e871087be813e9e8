import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderMap } from '../../src/api/http.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { FilterEntry, FilterPlan } from '../../src/http/filter-plan.ts';
import { HttpBench, ledgerText, parse } from './support/http-bench.ts';

const GET = 'GET /a HTTP/1.1\r\nhost: h\r\n\r\n';
const POST = 'POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n';

test('a GET reaches the end of the chain and its answer reaches the wire, the statistics and the log', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  assert.deepEqual(bench.terminal.seen, ['headers end']);
  assert.equal(bench.terminal.headers?.path, '/a');
  bench.terminal.respond(200, 'hello');
  assert.equal(bench.log.length, 0, 'not before the kernel has the last byte');
  const { status, headers, body } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 200 OK');
  assert.deepEqual(headers, [
    'content-length: 5',
    'date: Sat, 21 Nov 2026 06:00:01 GMT',
    'server: nodeproxy',
  ]);
  assert.equal(body, 'hello');
  assert.equal(bench.log.length, 1);
  assert.equal(bench.log[0]?.code, 200);
  assert.equal(bench.log[0]?.context.info.bytesSent, 5);
  assert.equal(bench.log[0]?.context.info.routeName, 'route');
  assert.equal(bench.terminal.destroyed, 1);
  assert.equal(bench.stat('downstream_rq_total'), 1);
  assert.equal(bench.stat('downstream_rq_active'), 0);
  assert.equal(bench.stat('downstream_rq_2xx'), 1);
  assert.equal(bench.stat('downstream_rq_completed'), 1);
  assert.equal(bench.stats.value('listener.l.http.ingress.downstream_rq_2xx'), 1);
  assert.equal(bench.connection.state, 'open');
});

test('three pipelined requests are answered in order, one stream at a time', () => {
  const bench = new HttpBench();
  bench.receive(GET + GET.replace('/a', '/b') + GET.replace('/a', '/c'));
  for (const path of ['/a', '/b', '/c']) {
    assert.equal(bench.terminal.headers?.path, path);
    bench.terminal.respond(200, path);
    assert.equal(parse(bench.answer()).body, path);
  }
  assert.equal(bench.terminals.length, 3);
  assert.equal(bench.stat('downstream_rq_total'), 3);
  assert.equal(bench.log.length, 3);
  assert.equal(bench.stat('downstream_rq_active'), 0);
});

test('a request that arrives byte by byte is one request', () => {
  const bench = new HttpBench();
  for (const byte of `${POST}0123456789`) bench.receive(byte);
  assert.equal(bench.terminal.body, '0123456789');
  assert.equal(bench.terminal.seen.at(-1), 'data end');
  assert.equal(bench.terminals.length, 1);
});

test('a client that goes away before the answer is logged with code 0 and DC', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  assert.equal(bench.log.length, 1);
  const [line] = bench.log;
  assert.equal(line?.code, 0);
  assert.deepEqual(line?.flags, ['DC']);
  assert.equal(line?.details, 'downstream_remote_disconnect');
  assert.equal(bench.terminal.destroyed, 1);
  assert.equal(bench.stat('downstream_cx_destroy_remote_active_rq'), 1);
  assert.equal(bench.stat('downstream_rq_rx_reset'), 1);
  assert.equal(bench.stat('downstream_cx_active'), 0);
  bench.terminal.respond(200, 'too late');
  assert.equal(bench.connection.take(), '');
  assert.equal(bench.log.length, 1);
});

test('a client that goes away while the answer is on its way is logged with its code and DC', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  bench.dispatcher.run(() => bench.terminal.respond(200, 'x'));
  bench.dispatcher.run(() => bench.connection.fail());
  assert.equal(bench.log.length, 1);
  assert.equal(bench.log[0]?.code, 200);
  assert.deepEqual(bench.log[0]?.flags, ['DC']);
});

test('half a head and then the end is a stream that ended, not one that never was', () => {
  const bench = new HttpBench();
  bench.receive('GET /a HT');
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  assert.equal(bench.log.length, 1);
  assert.deepEqual(bench.log[0]?.flags, ['DC']);
  assert.equal(bench.terminals.length, 0);
});

test('a connection that never spoke leaves no log line', () => {
  const bench = new HttpBench();
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  assert.equal(bench.log.length, 0);
  assert.equal(bench.stat('downstream_cx_destroy_remote'), 1);
  assert.equal(bench.stat('downstream_cx_destroy_active_rq'), 0);
});

test('broken HTTP is answered by the codec, flagged DPE, and the connection is closed with delay', () => {
  const bench = new HttpBench();
  bench.receive('GET / HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n');
  const { status, headers } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 400 Bad Request');
  assert.ok(headers.includes('connection: close'));
  assert.equal(bench.connection.closedBy, 'flush-delayed');
  assert.deepEqual(bench.log[0]?.flags, ['DPE']);
  assert.match(bench.log[0]?.details ?? '', /^http1\./);
  assert.equal(bench.stat('downstream_cx_protocol_error'), 1);
});

test('a body that breaks while the answer is running ends the stream and the connection', () => {
  const bench = new HttpBench();
  bench.receive('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
  bench.dispatcher.run(() => {
    bench.terminal.respond(200, '');
  });
  bench.flush();
  assert.equal(bench.connection.closedBy, 'flush-delayed', 'an answer before the request is complete');
  assert.equal(bench.stat('downstream_rq_response_before_rq_complete'), 1);
});

test('connection: close of the client is answered and obeyed', () => {
  const bench = new HttpBench();
  bench.receive('GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n');
  bench.terminal.respond(200, 'x');
  assert.ok(parse(bench.answer()).headers.includes('connection: close'));
  assert.equal(bench.connection.closedBy, 'flush-delayed');
  assert.equal(bench.log.length, 1);
  assert.deepEqual(bench.log[0]?.flags, []);
});

test('a draining worker says connection: close and counts it', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  bench.drain.draining = true;
  bench.terminal.respond(200, 'x');
  assert.ok(parse(bench.answer()).headers.includes('connection: close'));
  assert.equal(bench.stat('downstream_cx_drain_close'), 1);
  assert.equal(bench.connection.closedBy, 'flush-delayed');
});

test('the last allowed request of a connection closes it', () => {
  const bench = new HttpBench({
    config: { common_http_protocol_options: { max_requests_per_connection: 2 } },
  });
  bench.receive(GET);
  bench.terminal.respond(200, 'x');
  assert.ok(!parse(bench.answer()).headers.includes('connection: close'));
  bench.receive(GET);
  bench.terminal.respond(200, 'x');
  assert.ok(parse(bench.answer()).headers.includes('connection: close'));
  assert.equal(bench.stat('downstream_cx_max_requests_reached'), 1);
});

test('requests pipelined behind the last one are not served', () => {
  const bench = new HttpBench({
    config: { common_http_protocol_options: { max_requests_per_connection: 1 } },
  });
  bench.receive(GET + GET);
  bench.terminal.respond(200, 'x');
  bench.flush();
  assert.equal(bench.terminals.length, 1);
  assert.equal(bench.log.length, 1);
  assert.equal(bench.stat('downstream_rq_active'), 0);
});

test('a stream that the filters reset takes the connection with it', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  bench.dispatcher.run(() => bench.terminal.callbacks.resetStream());
  assert.equal(bench.log.length, 1);
  assert.equal(bench.log[0]?.code, 0);
  assert.notEqual(bench.connection.closedBy, null);
  assert.equal(bench.stat('downstream_rq_tx_reset'), 1);
});

test('an upgrade that is configured goes through in both directions as data', () => {
  const bench = new HttpBench({ config: { upgrade_configs: [{ upgrade_type: 'websocket' }] } });
  bench.receive('GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  assert.equal(bench.terminal.headers?.protocol, 'websocket');
  assert.equal(bench.stat('downstream_cx_upgrades_active'), 1);
  const response = HeaderList.response(101);
  response.set('connection', 'upgrade');
  response.set('upgrade', 'websocket');
  bench.dispatcher.run(() => bench.terminal.callbacks.encodeHeaders(response, false));
  const { status, headers } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 101 Switching Protocols');
  assert.ok(headers.includes('upgrade: websocket'));
  assert.ok(!headers.includes('connection: close'));
  bench.receive('ping');
  assert.equal(bench.terminal.body, 'ping');
  bench.terminal.data('pong', false);
  assert.equal(bench.answer(), 'pong');
  assert.equal(bench.connection.closedBy, null);
  bench.terminal.data('', true);
  bench.flush();
  assert.equal(bench.connection.closedBy, 'flush-delayed');
  assert.equal(bench.log[0]?.code, 101);
  assert.equal(bench.stat('downstream_cx_upgrades_active'), 0);
  assert.equal(bench.stat('downstream_cx_upgrades_total'), 1);
});

test('an upgrade that is not configured is refused with 403', () => {
  const bench = new HttpBench();
  bench.receive('GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  assert.equal(parse(bench.answer()).status, 'HTTP/1.1 403 Forbidden');
  assert.equal(bench.log[0]?.details, 'upgrade_failed');
  assert.equal(bench.stat('downstream_rq_ws_on_non_ws_route'), 1);
});

test('the ledger adds up to the total and says what each part waited for', () => {
  const bench = new HttpBench();
  bench.receive('POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n01234');
  bench.dispatcher.advance(7);
  bench.receive('56789');
  bench.dispatcher.run(() => bench.terminal.callbacks.setUpstreamWait('upstream'));
  bench.dispatcher.advance(20);
  bench.dispatcher.run(() => {
    bench.terminal.callbacks.enterWork(bench.dispatcher.clock.now(), 0);
    bench.terminal.respond(200, 'x');
    bench.terminal.callbacks.leaveWork();
  });
  bench.dispatcher.advance(3);
  bench.flush();
  const info = bench.log[0]?.context.info;
  assert.ok(info !== undefined);
  assert.equal(info.endAt - info.startAt, 30);
  assert.equal(ledgerText(info), 'client=7000,upstream=20000,deliver=3000');
});

test('lines are written at the start, in the middle and at the end of a stream, as configured', () => {
  const bench = new HttpBench({
    config: { access_log_options: { flush_access_log_on_new_request: true, access_log_flush_interval: 100 } },
  });
  bench.receive(GET);
  bench.dispatcher.advance(250);
  bench.terminal.respond(200);
  bench.flush();
  bench.dispatcher.advance(500);
  assert.deepEqual(
    bench.log.map((line) => line.context.logType),
    ['DownstreamStart', 'DownstreamPeriodic', 'DownstreamPeriodic', 'DownstreamEnd'],
  );
});

test('draining closes a connection without a request after a moment and leaves a busy one its answer', () => {
  const idle = new HttpBench();
  idle.drain.draining = true;
  idle.dispatcher.run(() => idle.manager.onDrain());
  idle.dispatcher.advance(99);
  assert.equal(idle.connection.closedBy, null);
  idle.dispatcher.advance(1);
  assert.equal(idle.connection.closedBy, 'flush-delayed');
  assert.equal(idle.stat('downstream_cx_drain_close'), 1);
  const asked = new HttpBench();
  asked.drain.draining = true;
  asked.dispatcher.run(() => asked.manager.onDrain());
  asked.receive(GET);
  asked.dispatcher.advance(200);
  assert.equal(asked.connection.closedBy, null, 'the request that was on its way is served');
  asked.terminal.respond(200);
  assert.ok(parse(asked.answer()).headers.includes('connection: close'));
  assert.equal(asked.connection.closedBy, 'flush-delayed');
  const busy = new HttpBench();
  busy.receive(GET);
  busy.drain.draining = true;
  busy.dispatcher.run(() => busy.manager.onDrain());
  assert.equal(busy.connection.closedBy, null);
  busy.terminal.respond(200);
  assert.ok(parse(busy.answer()).headers.includes('connection: close'));
  assert.equal(busy.stat('downstream_cx_drain_close'), 1);
});

test('a stream keeps the filters that it began with, the next one takes those of now', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  const [first] = bench.terminals;
  bench.plan.current = new FilterPlan([
    new FilterEntry('gate', false, () => ({
      decodeHeaders: (headers: HeaderMap) => {
        headers.set('x-gate', '1');
        return 'continue';
      },
    })),
    ...bench.plan.current.entries,
  ]);
  first?.respond(200);
  bench.flush();
  assert.equal(first?.headers?.get('x-gate'), null);
  bench.receive(GET);
  assert.equal(bench.terminal.headers?.get('x-gate'), '1');
});
