import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderList } from '../../src/codec/header-map.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import { HttpBench } from './support/http-bench.ts';

const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';

/** A stream whose timeout was answered, and whose answer the client has not taken yet. */
function timedOut(): HttpBench {
  const bench = new HttpBench({ config: { stream_idle_timeout: 100 } });
  bench.receive(GET);
  bench.dispatcher.advance(100);
  return bench;
}

test('an upstream that answers behind the answer to a timeout is not heard', () => {
  const bench = timedOut();
  const { callbacks } = bench.terminal;
  bench.dispatcher.run(() => {
    callbacks.encodeInformational(HeaderList.response(103));
    bench.terminal.respond(200, 'too late');
    callbacks.encodeTrailers(new HeaderList());
  });
  const text = bench.answer();
  assert.match(text, /^HTTP\/1\.1 504 /);
  assert.ok(text.endsWith('stream timeout'), text);
  assert.equal(bench.log.length, 1);
  assert.equal(bench.log[0]?.context.info.bytesSent, 'stream timeout'.length);
  assert.equal(bench.stat('downstream_rq_active'), 0);
});

test('the upstream of a request that the proxy answered is let go before the client has taken the answer', () => {
  const bench = timedOut();
  assert.equal(bench.terminal.destroyed, 1);
  assert.equal(bench.log.length, 0);
  bench.flush();
  assert.equal(bench.terminal.destroyed, 1);
  assert.equal(bench.log.length, 1);
});

test('body of an upstream does not mix with an answer that a filter holds up', () => {
  const bench = new HttpBench({
    config: { stream_idle_timeout: 100 },
    filters: [
      () =>
        new ScriptedFilter('hold', [], { encodeHeaders: () => 'stop', encodeData: () => 'stop-and-buffer' }),
    ],
  });
  bench.receive(GET);
  bench.dispatcher.advance(100);
  bench.dispatcher.run(() => bench.terminal.respond(200, 'too late'));
  assert.doesNotMatch(bench.answer(), /too late/);
});

test('a client that takes no byte of its answer for the idle time loses its connection', () => {
  const bench = timedOut();
  bench.dispatcher.advance(50);
  assert.equal(bench.connection.closedBy, null, 'the time counts anew from the answer');
  bench.dispatcher.advance(100);
  assert.equal(bench.connection.closedBy, 'abort');
  assert.equal(bench.log.length, 1);
  assert.deepEqual(bench.log[0]?.flags, ['SI']);
  assert.equal(bench.stat('downstream_cx_active'), 0);
});

test('the time limits of a request do not cut its answer off', () => {
  const bench = new HttpBench({
    config: { request_timeout: 50, common_http_protocol_options: { max_stream_duration: 80 } },
  });
  bench.receive('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n');
  bench.dispatcher.run(() => bench.terminal.respond(200, 'early'));
  bench.dispatcher.advance(200);
  assert.ok(bench.answer().endsWith('early'));
  assert.deepEqual(bench.log[0]?.details, '');
});

test('broken framing behind a response that has begun ends the connection, even if it was the last one anyway', () => {
  const bench = new HttpBench({
    config: { common_http_protocol_options: { max_requests_per_connection: 1 } },
  });
  bench.receive('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n');
  bench.dispatcher.run(() => bench.terminal.callbacks.encodeHeaders(HeaderList.response(200), false));
  bench.receive('zz\r\n');
  assert.equal(bench.log.length, 1);
  assert.notEqual(bench.connection.closedBy, null);
});
