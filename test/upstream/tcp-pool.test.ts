import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import type { Connection } from '../../src/api/network.ts';
import type { Host, PoolAttachment, PoolTicket, TcpPoolCallbacks } from '../../src/api/upstream.ts';
import { FreshTcpPool } from '../../src/upstream/pool/tcp-pool.ts';
import { Bench } from './fakes.ts';

class Caller implements TcpPoolCallbacks {
  connection: Connection | null = null;
  createdConnectionId = -1;
  failure = '';
  text = '';
  ticket: PoolTicket | null = null;

  onPoolReady(connection: Connection, _host: Host, attachment: PoolAttachment): void {
    this.connection = connection;
    this.createdConnectionId = attachment.createdConnectionId;
  }

  onPoolFailure(reason: string, text: string): void {
    if (this.failure !== '') throw new Error('failed twice');
    this.failure = reason;
    this.text = text;
  }
}

class TcpBench extends Bench {
  readonly pool: FreshTcpPool;
  empties = 0;

  constructor(config: Cluster = {}) {
    super();
    const settings = this.settings(config);
    this.pool = new FreshTcpPool(this.environment, this.host(settings), this.breakers(settings), () => {
      this.empties += 1;
    });
  }

  ask(): Caller {
    const caller = new Caller();
    caller.ticket = this.pool.newConnection(caller);
    return caller;
  }
}

test('each caller gets a connection of its own, and its end frees everything', () => {
  const bench = new TcpBench();
  const first = bench.ask();
  const second = bench.ask();
  bench.connection(1).connect();
  assert.equal(first.connection, null);
  assert.equal(second.connection, bench.connection(1));
  assert.equal(second.createdConnectionId, bench.connection(1).id);
  bench.connection(0).connect();
  assert.equal(bench.pool.host.activeRequests, 2);
  bench.connection(0).receive('bytes');
  bench.connection(0).receiveEnd();
  bench.connection(1).close('abort');
  assert.equal(bench.pool.host.activeRequests, 0);
  assert.equal(bench.stat('upstream_cx_active'), 0);
  assert.equal(bench.stat('upstream_rq_total'), 2);
  assert.equal(bench.stat('upstream_cx_rx_bytes_total'), 5);
  assert.equal(bench.stat('upstream_cx_destroy_remote_with_active_rq'), 1);
  assert.equal(bench.stat('upstream_cx_destroy_local_with_active_rq'), 1);
});

test('a refused connect and a connect timeout are told apart', () => {
  const bench = new TcpBench({ connect_timeout: 300 });
  const refused = bench.ask();
  const slow = bench.ask();
  bench.connection(0).fail('ECONNREFUSED');
  assert.deepEqual(
    [refused.failure, refused.text],
    ['remote connection failure', 'delayed connect error: Connection refused'],
  );
  bench.dispatcher.advance(300);
  assert.equal(slow.failure, 'connection timeout');
  assert.equal(bench.stat('upstream_cx_connect_fail'), 2);
  assert.equal(bench.stat('upstream_rq_pending_active'), 0);
});

test('a cancelled caller hears nothing more and its connection closes', () => {
  const bench = new TcpBench();
  const caller = bench.ask();
  caller.ticket?.cancel();
  caller.ticket?.cancel();
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(caller.failure, '');
  assert.equal(bench.stat('upstream_rq_cancelled'), 1);
  assert.equal(bench.stat('upstream_cx_connect_fail'), 0);
  assert.equal(bench.stat('upstream_rq_pending_active'), 0);
});

test('beyond max_connections a caller is refused at once, but a pool may always have one', () => {
  const bench = new TcpBench({ circuit_breakers: { thresholds: [{ max_connections: 0 }] } });
  assert.equal(bench.ask().failure, '');
  assert.equal(bench.ask().failure, 'overflow');
  assert.equal(bench.connections.length, 1);
  assert.equal(bench.stat('upstream_cx_overflow'), 2);
});

test('draining leaves connections to their ends and tells when the last has gone', () => {
  const bench = new TcpBench();
  bench.ask();
  bench.connection(0).connect();
  bench.pool.drain();
  assert.equal(bench.connection(0).state, 'open');
  assert.equal(bench.empties, 0);
  bench.connection(0).receiveEnd();
  assert.equal(bench.empties, 1);
});
