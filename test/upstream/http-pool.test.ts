import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import { Http1Pool } from '../../src/upstream/pool/http-pool.ts';
import { Bench, TestRequest } from './fakes.ts';

class PoolBench extends Bench {
  readonly pool: Http1Pool;
  empties = 0;

  constructor(config: Cluster = {}) {
    super();
    const settings = this.settings(config);
    this.pool = new Http1Pool(this.environment, this.host(settings), this.breakers(settings), () => {
      this.empties += 1;
    });
  }

  send(text: string): TestRequest {
    const request = new TestRequest(text);
    this.pool.newStream(request, request);
    return request;
  }

  limits(max: Record<string, number>): Cluster {
    return { circuit_breakers: { thresholds: [max] } };
  }
}

test('the first request opens a connection and is sent when it is up', () => {
  const bench = new PoolBench();
  const request = bench.send('one');
  assert.equal(request.encoder, null);
  assert.equal(bench.stat('upstream_rq_pending_active'), 1);
  bench.dispatcher.advance(7);
  bench.connection(0).connect();
  assert.equal(bench.connection(0).written, 'one\n');
  assert.equal(request.createdConnectionId, bench.connection(0).id);
  assert.equal(request.connectionId, bench.connection(0).id);
  assert.equal(request.reused, false);
  bench.connection(0).receive('answer\n');
  assert.equal(request.response, 'answer');
  assert.equal(bench.stat('upstream_cx_connect_ms'), 7);
  assert.equal(bench.stat('upstream_rq_pending_active'), 0);
  assert.equal(bench.stat('upstream_rq_active'), 0);
  assert.equal(bench.stat('upstream_rq_total'), 1);
  assert.equal(bench.connection(0).noDelay, true);
});

test('an idle connection is used within the call, with no connection created', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  const second = bench.send('two');
  assert.equal(bench.connections.length, 1);
  assert.equal(second.createdConnectionId, 0);
  assert.equal(second.connectionId, bench.connection(0).id);
  assert.equal(second.reused, true);
});

test('the connection that became idle last is reused first', () => {
  const bench = new PoolBench();
  bench.send('a');
  bench.send('b');
  bench.connection(0).connect();
  bench.connection(1).connect();
  bench.connection(0).receive('a\n');
  bench.connection(1).receive('b\n');
  assert.equal(bench.send('c').connectionId, bench.connection(1).id);
  assert.equal(bench.send('d').connectionId, bench.connection(0).id);
});

test('a waiting request takes the connection that is free first, whoever opened it', () => {
  const bench = new PoolBench();
  const first = bench.send('first');
  bench.connection(0).connect();
  const second = bench.send('second');
  assert.equal(bench.connections.length, 2);
  bench.connection(0).receive('1\n');
  assert.equal(first.response, '1');
  assert.equal(second.createdConnectionId, bench.connection(1).id);
  assert.equal(second.connectionId, bench.connection(0).id);
  bench.connection(0).receive('2\n');
  assert.equal(second.response, '2');
  bench.connection(1).connect();
  const third = bench.send('third');
  assert.equal(third.connectionId, bench.connection(1).id, 'created but unused: idle, then used');
  assert.equal(third.createdConnectionId, 0);
  assert.equal(third.reused, false);
});

test('a connection whose upstream sent FIN while it was idle is closed and not handed out', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  bench.connection(0).receiveEnd();
  const second = bench.send('two');
  assert.equal(second.encoder, null);
  assert.equal(bench.connections.length, 2);
  assert.equal(bench.stat('upstream_cx_destroy_remote'), 1);
  assert.equal(bench.stat('upstream_cx_destroy_with_active_rq'), 0);
});

test('a FIN that the kernel holds but no event has told is seen before reuse', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  bench.connection(0).unread = -1;
  const second = bench.send('two');
  assert.equal(bench.connection(0).closeReason, 'upstream_closed_while_idle');
  bench.connection(1).connect();
  assert.equal(bench.connection(0).written, 'one\n');
  assert.equal(second.connectionId, bench.connection(1).id);
});

test('a FIN right behind the answer keeps the freed connection from the request that waits', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  const second = bench.send('two');
  bench.connection(0).unread = -1;
  bench.connection(0).receive('1\n');
  assert.equal(second.encoder, null);
  bench.connection(1).connect();
  assert.equal(second.connectionId, bench.connection(1).id);
  assert.equal(bench.connections.length, 2);
});

test('bytes that nobody asked for close an idle connection', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  bench.connection(0).receive('HTTP/1.1 200 OK for the next victim\n');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.stat('upstream_cx_protocol_error'), 1);
  assert.equal(bench.send('two').encoder, null);
});

test('bytes behind a response close the connection instead of answering the next request', () => {
  const bench = new PoolBench();
  const one = bench.send('one');
  bench.connection(0).connect();
  const two = bench.send('two');
  bench.connection(0).receive('1\nsmuggled\n');
  assert.equal(one.response, '1');
  assert.equal(two.outcome, null);
  assert.equal(bench.connection(0).closeReason, 'unexpected_upstream_data');
  bench.connection(1).connect();
  bench.connection(1).receive('2\n');
  assert.equal(two.response, '2');
});

test('unread bytes found by the peek close the connection too', () => {
  const bench = new PoolBench();
  bench.send('one');
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  bench.connection(0).unread = 12;
  assert.equal(bench.send('two').encoder, null);
  assert.equal(bench.stat('upstream_cx_protocol_error'), 1);
});

test('a refused connect fails the whole line with the text of the error', () => {
  const bench = new PoolBench();
  const requests = [bench.send('a'), bench.send('b')];
  bench.connection(0).fail('ECONNREFUSED');
  for (const request of requests) {
    assert.equal(request.failure, 'remote connection failure');
    assert.equal(request.transportFailure, 'delayed connect error: Connection refused');
  }
  assert.equal(bench.stat('upstream_cx_connect_fail'), 1);
  assert.equal(bench.stat('upstream_rq_pending_failure_eject'), 2);
  bench.connection(1).connect();
  assert.equal(bench.send('c').connectionId, bench.connection(1).id);
});

test('a reset while a request waits fails it, and a retry made at once gets a new connection', () => {
  const bench = new PoolBench();
  const first = new TestRequest('first');
  let retry: TestRequest | null = null;
  first.onDone = () => {
    retry = bench.send('retry');
  };
  bench.pool.newStream(first, first);
  bench.connection(0).fail('ECONNRESET');
  assert.equal(first.failure, 'remote connection failure');
  assert.equal(bench.connections.length, 2);
  bench.connection(1).connect();
  assert.equal((retry as TestRequest | null)?.connectionId, bench.connection(1).id);
});

test('the connect timeout is five seconds unless configured', () => {
  for (const [config, timeout] of [
    [{}, 5000],
    [{ connect_timeout: 250 }, 250],
  ] as const) {
    const bench = new PoolBench(config);
    const request = bench.send('one');
    bench.dispatcher.advance(timeout - 1);
    assert.equal(request.outcome, null);
    bench.dispatcher.advance(1);
    assert.equal(request.failure, 'connection timeout');
    assert.equal(bench.stat('upstream_cx_connect_timeout'), 1);
    assert.equal(bench.stat('upstream_cx_connect_fail'), 1);
    assert.equal(bench.stat('upstream_cx_active'), 0);
  }
});

test('no timer is left armed once a connection is up', () => {
  const bench = new PoolBench({ common_http_protocol_options: { idle_timeout: 0 } });
  bench.send('one');
  bench.connection(0).connect();
  assert.equal(bench.dispatcher.nextDeadline(), Infinity);
});

test('idle connections close after the idle timeout, each at its own time', () => {
  const bench = new PoolBench({ common_http_protocol_options: { idle_timeout: 1000 } });
  bench.send('a');
  bench.send('b');
  bench.connection(0).connect();
  bench.connection(1).connect();
  bench.connection(0).receive('a\n');
  bench.dispatcher.advance(400);
  bench.connection(1).receive('b\n');
  bench.dispatcher.advance(599);
  assert.equal(bench.connection(0).state, 'open');
  bench.dispatcher.advance(1);
  assert.equal(bench.connection(0).closeReason, 'on_idle_timeout');
  assert.equal(bench.connection(1).state, 'open');
  bench.dispatcher.advance(399);
  assert.equal(bench.connection(1).state, 'open');
  bench.dispatcher.advance(1);
  assert.equal(bench.connection(1).state, 'closed');
  assert.equal(bench.stat('upstream_cx_idle_timeout'), 2);
});

test('a busy connection does not run into the idle timeout', () => {
  const bench = new PoolBench({ common_http_protocol_options: { idle_timeout: 1000 } });
  bench.send('a');
  bench.connection(0).connect();
  bench.connection(0).receive('a\n');
  bench.dispatcher.advance(900);
  const long = bench.send('long');
  bench.dispatcher.advance(5000);
  bench.connection(0).receive('done\n');
  assert.equal(long.response, 'done');
  bench.dispatcher.advance(999);
  assert.equal(bench.connection(0).state, 'open');
  bench.dispatcher.advance(1);
  assert.equal(bench.connection(0).state, 'closed');
});

test('the idle timeout is an hour by default', () => {
  const bench = new PoolBench();
  bench.send('a');
  bench.connection(0).connect();
  bench.connection(0).receive('a\n');
  bench.dispatcher.advance(3_599_999);
  assert.equal(bench.connection(0).state, 'open');
  bench.dispatcher.advance(1);
  assert.equal(bench.connection(0).state, 'closed');
});

test('a connection carries max_requests_per_connection requests and closes', () => {
  const bench = new PoolBench({ max_requests_per_connection: 2 });
  for (const text of ['a', 'b', 'c']) {
    const request = bench.send(text);
    const connection = bench.connections.find((entry) => entry.state !== 'closed');
    if (connection?.state === 'connecting') connection.connect();
    connection?.receive(`${text}\n`);
    assert.equal(request.response, text);
  }
  assert.equal(bench.connections.length, 2);
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.stat('upstream_cx_max_requests'), 1);
  assert.equal(bench.stat('upstream_rq_per_cx'), 2);
});

test('a connection that reached its age closes after its request', () => {
  const bench = new PoolBench({ common_http_protocol_options: { max_connection_duration: 100 } });
  const request = bench.send('a');
  bench.connection(0).connect();
  bench.dispatcher.advance(100);
  assert.equal(bench.connection(0).state, 'open');
  bench.connection(0).receive('a\n');
  assert.equal(request.response, 'a');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.stat('upstream_cx_max_duration_reached'), 1);
});

test('a response that announces the close ends the connection', () => {
  const bench = new PoolBench();
  bench.send('a');
  bench.connection(0).connect();
  bench.connection(0).receive('bye!\n');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.stat('upstream_cx_destroy_local'), 1);
});

test('an upstream that breaks off resets its request, and its place goes to the one that waits', () => {
  const bench = new PoolBench({ circuit_breakers: { thresholds: [{ max_connections: 1 }] } });
  const first = bench.send('a');
  bench.connection(0).connect();
  const second = bench.send('b');
  assert.equal(bench.connections.length, 1);
  assert.equal(bench.stat('upstream_cx_overflow'), 1);
  bench.connection(0).fail('ECONNRESET');
  assert.equal(first.reset, 'connection termination');
  assert.equal(bench.connections.length, 2);
  bench.connection(1).connect();
  assert.equal(second.connectionId, bench.connection(1).id);
  assert.equal(second.createdConnectionId, bench.connection(1).id);
  assert.equal(bench.stat('upstream_cx_destroy_remote_with_active_rq'), 1);
});

test('a reset by the request closes the connection and gives everything back', () => {
  const bench = new PoolBench();
  const request = bench.send('a');
  bench.connection(0).connect();
  request.encoder?.stream.resetStream('local reset');
  assert.equal(request.reset, null, 'own resets are not told');
  assert.equal(bench.stat('upstream_rq_active'), 0);
  assert.equal(bench.stat('upstream_cx_active'), 0);
  assert.equal(bench.pool.host.activeRequests, 0);
  assert.equal(bench.stat('upstream_cx_destroy_local_with_active_rq'), 1);
});

test('a response that the codec refuses closes the connection', () => {
  const bench = new PoolBench();
  const request = bench.send('a');
  bench.connection(0).connect();
  bench.connection(0).receive('garbage');
  assert.equal(request.reset, 'protocol error');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.stat('upstream_cx_protocol_error'), 1);
  assert.equal(bench.stat('upstream_rq_active'), 0);
});

test('an exchange that ends outside of a read frees the connection', () => {
  const bench = new PoolBench();
  bench.send('a');
  bench.connection(0).connect();
  const waiting = bench.send('b');
  bench.codecs[0]?.endOutside();
  assert.equal(waiting.connectionId, bench.connection(0).id);
});

test('a cancelled request leaves the line; its connection comes up unused and is kept', () => {
  const bench = new PoolBench();
  const request = new TestRequest('a');
  const ticket = bench.pool.newStream(request, request);
  ticket?.cancel();
  ticket?.cancel();
  bench.connection(0).connect();
  assert.equal(request.outcome, null);
  assert.equal(bench.stat('upstream_rq_cancelled'), 1);
  assert.equal(bench.stat('upstream_rq_pending_active'), 0);
  assert.equal(bench.send('b').connectionId, bench.connection(0).id);
});

test('cancelling another waiting request inside a failure callback spares it', () => {
  const bench = new PoolBench();
  const first = new TestRequest('a');
  const second = new TestRequest('b');
  bench.pool.newStream(first, first);
  const ticket = bench.pool.newStream(second, second);
  first.onDone = () => ticket?.cancel();
  bench.connection(0).fail('ECONNREFUSED');
  assert.equal(second.outcome, null);
  assert.equal(bench.stat('upstream_rq_cancelled'), 1);
  assert.equal(bench.stat('upstream_rq_pending_active'), 0);
});

test('limits are exact: 2 connections and 3 in line, 10 requests: 2 run, 3 wait, 5 overflow at once', () => {
  const bench = new PoolBench({
    circuit_breakers: { thresholds: [{ max_connections: 2, max_pending_requests: 3 }] },
  });
  const running = [bench.send('r0'), bench.send('r1')];
  bench.connection(0).connect();
  bench.connection(1).connect();
  const rest = Array.from({ length: 8 }, (_, index) => bench.send(`w${index}`));
  assert.deepEqual(
    rest.map((request) => request.outcome),
    [null, null, null, ...Array<string>(5).fill('overflow')],
  );
  assert.equal(bench.stat('upstream_rq_pending_overflow'), 5);
  assert.equal(bench.connections.length, 2);
  bench.connection(0).receive('x\n');
  assert.equal(rest[0]?.connectionId, bench.connection(0).id);
  assert.equal(running[1]?.outcome, null);
});

test('max_requests refuses the request that would exceed it and keeps the connection idle', () => {
  const bench = new PoolBench({ circuit_breakers: { thresholds: [{ max_requests: 1 }] } });
  bench.send('a');
  bench.send('b');
  bench.connection(0).connect();
  bench.connection(1).connect();
  assert.equal(bench.stat('upstream_rq_active'), 1);
  assert.equal(bench.stat('upstream_rq_active_overflow'), 1);
  assert.equal(bench.send('c').failure, 'overflow');
  bench.connection(0).receive('a\n');
  assert.equal(bench.send('d').encoder === null, false);
});

test('draining closes idle connections now and busy ones after their request', () => {
  const bench = new PoolBench();
  bench.send('a');
  bench.send('b');
  bench.connection(0).connect();
  bench.connection(1).connect();
  bench.connection(0).receive('a\n');
  bench.pool.drain();
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.connection(1).state, 'open');
  assert.equal(bench.empties, 0);
  bench.connection(1).receive('b\n');
  assert.equal(bench.connection(1).closeReason, 'deferred_close_on_drained_connection');
  assert.equal(bench.empties, 1);
});

test('a draining pool still serves its line and then is empty', () => {
  const bench = new PoolBench();
  const request = bench.send('a');
  bench.pool.drain();
  bench.connection(0).connect();
  bench.connection(0).receive('a\n');
  assert.equal(request.response, 'a');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.empties, 1);
});

test('closing all resets what runs, fails what waits and leaves nothing behind', () => {
  const bench = new PoolBench();
  const running = bench.send('a');
  bench.connection(0).connect();
  const waiting = bench.send('b');
  bench.pool.closeAll();
  assert.equal(running.reset, 'connection termination');
  assert.equal(waiting.failure, 'local connection failure');
  for (const name of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active']) {
    assert.equal(bench.stat(name), 0, name);
  }
  assert.equal(bench.empties > 0, true);
});

test('keep-alive settings reach the socket when it is up', () => {
  const bench = new PoolBench({
    upstream_connection_options: { tcp_keepalive: { keepalive_probes: 3, keepalive_time: 30 } },
  });
  bench.send('a');
  bench.connection(0).connect();
  assert.deepEqual(bench.connection(0).keepAlive, [3, 30, 0]);
});

test('bytes of a connection are added to the cluster as they pass', () => {
  const bench = new PoolBench();
  bench.send('abc');
  bench.connection(0).connect();
  bench.connection(0).flush();
  bench.connection(0).receive('12');
  assert.equal(bench.stat('upstream_cx_rx_bytes_total'), 2);
  assert.equal(bench.stat('upstream_cx_tx_bytes_total'), 4);
  bench.connection(0).receive('3\n');
  assert.equal(bench.stat('upstream_cx_rx_bytes_total'), 4);
});

class Quitter extends TestRequest {
  override onPoolReady(...answer: Parameters<TestRequest['onPoolReady']>): void {
    super.onPoolReady(...answer);
    this.encoder?.stream.resetStream('local reset');
  }
}

test('a request that resets while it is handed its connection leaves the books even', () => {
  const bench = new PoolBench();
  const quitter = new Quitter('quits');
  bench.pool.newStream(quitter, quitter);
  const patient = bench.send('waits');
  bench.connection(0).connect();
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(patient.outcome, null);
  bench.connection(1).connect();
  bench.connection(1).receive('answer\n');
  assert.equal(patient.response, 'answer');
  const second = new Quitter('quits too');
  assert.equal(bench.pool.newStream(second, second), null, 'handed out from idle, then reset');
  assert.equal(bench.connection(1).state, 'closed');
  for (const name of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active']) {
    assert.equal(bench.stat(name), 0, name);
  }
});

test('an upstream that closes while its answer is being taken does not come back as idle', () => {
  const bench = new PoolBench();
  const request = new TestRequest('a');
  request.onDone = () => bench.connection(0).receiveEnd();
  bench.pool.newStream(request, request);
  bench.connection(0).connect();
  bench.connection(0).receive('answer\n');
  assert.equal(request.response, 'answer');
  assert.equal(request.reset, null);
  assert.equal(bench.send('b').encoder, null);
  assert.equal(bench.stat('upstream_rq_active'), 0);
  assert.equal(bench.connections.length, 2);
});

test('a request made inside the callback that ends another does not take its connection', () => {
  const bench = new PoolBench();
  const first = new TestRequest('a');
  let second: TestRequest | null = null;
  first.onDone = () => {
    second = bench.send('b');
  };
  bench.pool.newStream(first, first);
  bench.connection(0).connect();
  bench.connection(0).receive('1\n');
  const made = second as TestRequest | null;
  assert.equal(made?.connectionId, bench.connection(0).id, 'it waited and got it when it was free');
  bench.connection(0).receive('2\n');
  assert.equal(made?.response, '2');
});
