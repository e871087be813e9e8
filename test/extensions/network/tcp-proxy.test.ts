import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TcpProxy } from '../../../src/api/envoy.ts';
import type { CloseType, NetworkFilterContext } from '../../../src/api/network.ts';
import type { LogContext } from '../../../src/api/observe.ts';
import type { Host, TcpPoolCallbacks, ThreadLocalCluster } from '../../../src/api/upstream.ts';
import { tcpProxyFactory } from '../../../src/extensions/network/tcp-proxy/tcp-proxy.ts';
import { StreamLedger } from '../../../src/observe/ledger.ts';
import { FakeStats } from '../../http/support/fake-stats.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { FakeDispatcher } from '../../support/fake-dispatcher.ts';

const NEEDS = {
  downstreamRead: false,
  upstreamWrite: false,
  upstreamRead: false,
  downstreamWrite: false,
  ledger: true,
};
const HOST = {
  address: { kind: 'ip', ip: '127.0.0.1', port: 1, family: 4 },
  hostname: '',
} as unknown as Host;
const IDLE_MS = 1000;

/** Its peer takes nothing any more: a close with flush waits. */
class StalledConnection extends FakeConnection {
  readonly closes: CloseType[] = [];

  override close(type: CloseType, reason = ''): void {
    this.closes.push(type);
    if (type === 'abort' || type === 'reset') super.close(type, reason);
    else this.state = 'closing';
  }
}

class Bench {
  readonly dispatcher = new FakeDispatcher();
  readonly downstream = new StalledConnection('downstream', this.dispatcher);
  readonly upstream = new StalledConnection('upstream', this.dispatcher);
  readonly stats = new FakeStats();
  readonly logged: LogContext[] = [];
  pool: TcpPoolCallbacks | null = null;

  constructor(config: TcpProxy = {}) {
    const make = tcpProxyFactory.prepare({ cluster: 'c', idle_timeout: IDLE_MS, ...config }, this.#context());
    if (make instanceof Promise) throw new Error('prepared at once');
    this.downstream.addReadFilter(make());
  }

  connected(): this {
    const { upstream } = this;
    this.pool?.onPoolReady(upstream, HOST, {
      connection: upstream,
      createdConnectionId: upstream.id,
      protocol: 'HTTP/1.1',
      reused: false,
    });
    return this;
  }

  /** The one line, after the downstream connection has gone. */
  get log(): LogContext {
    assert.equal(this.logged.length, 1, 'one line for each connection');
    const [line] = this.logged;
    assert.ok(line !== undefined);
    return line;
  }

  #context(): NetworkFilterContext {
    const cluster = {
      info: { stats: this.stats.scope('cluster').scope('c') },
      tcpPool: () => ({
        host: HOST,
        newConnection: (callbacks: TcpPoolCallbacks) => {
          this.pool = callbacks;
          return { cancel: () => (this.pool = null) };
        },
      }),
    } as unknown as ThreadLocalCluster;
    return {
      dispatcher: this.dispatcher,
      clusters: { get: () => cluster, onSnapshot: () => undefined, drain: () => undefined },
      routes: {
        get: () => {
          throw new Error('no routes here');
        },
      },
      stats: this.stats,
      listenerStats: this.stats.scope('listener'),
      listenerPort: 80,
      filterChainName: '',
      accessLogs: () => ({ needs: NEEDS, empty: false, log: (context) => this.logged.push(context) }),
      drain: { draining: false },
      bufferLimitBytes: 1024,
    };
  }
}

test('the client’s bytes wait in the kernel until the upstream is there', () => {
  const bench = new Bench();
  assert.equal(bench.downstream.readDisabled, true);
  bench.connected();
  assert.equal(bench.downstream.readDisabled, false);
  bench.downstream.receive('hello');
  assert.equal(bench.upstream.take(), 'hello');
});

test('writes are activity: a peer that takes its bytes slowly is not idle', () => {
  const bench = new Bench().connected();
  bench.upstream.receive('a');
  for (let round = 0; round < 5; round += 1) {
    bench.dispatcher.advance(IDLE_MS - 100);
    bench.downstream.flush();
    bench.downstream.written += '.';
  }
  assert.equal(bench.downstream.state, 'open');
  bench.dispatcher.advance(IDLE_MS + 1);
  assert.equal(bench.downstream.state, 'closed');
  assert.deepEqual(bench.log.info.flags, ['SI']);
});

test('a side that takes nothing is closed by the idle timeout and not by a delayed close', () => {
  const bench = new Bench().connected();
  assert.equal(bench.downstream.delayedCloseMs, 0);
  assert.equal(bench.upstream.delayedCloseMs, 0);
});

test('what a client that has gone left behind is flushed, and given up when nothing of it moves for the idle timeout', () => {
  const bench = new Bench().connected();
  bench.downstream.receive('left behind');
  bench.downstream.fail('');
  assert.deepEqual(bench.upstream.closes, ['flush']);
  assert.equal(bench.log.info.bytesReceived, 11);
  bench.dispatcher.advance(IDLE_MS - 1);
  assert.equal(bench.upstream.state, 'closing');
  bench.dispatcher.advance(2);
  assert.deepEqual(bench.upstream.closes, ['flush', 'abort']);
  assert.equal(bench.logged.length, 1);
  assert.equal(bench.dispatcher.nextDeadline(), Infinity);
});

test('no timer runs on when the upstream has taken the rest', () => {
  const bench = new Bench().connected();
  bench.downstream.fail('');
  bench.upstream.fail('');
  assert.equal(bench.dispatcher.nextDeadline(), Infinity);
  assert.equal(bench.logged.length, 1);
});

test('a reset by the client is a reset for the upstream, with DC', () => {
  const bench = new Bench().connected();
  bench.downstream.fail('ECONNRESET');
  assert.deepEqual(bench.upstream.closes, ['reset']);
  assert.deepEqual(bench.log.info.flags, ['DC']);
});

test('a reset by the upstream is a reset for the client, with UC', () => {
  const bench = new Bench().connected();
  bench.upstream.fail('ECONNRESET');
  assert.deepEqual(bench.downstream.closes, ['reset']);
  assert.deepEqual(bench.log.info.flags, ['UC']);
});

test('a client that leaves while the upstream is connecting gives its place up, with DC', () => {
  const bench = new Bench();
  bench.downstream.fail('');
  assert.equal(bench.pool, null);
  assert.deepEqual(bench.log.info.flags, ['DC']);
});

test('half-closes pass, and the rest of the other direction behind them', () => {
  const bench = new Bench().connected();
  bench.downstream.receiveEnd();
  assert.equal(bench.upstream.ended, true);
  bench.upstream.receive('answer');
  assert.equal(bench.downstream.take(), 'answer');
  assert.equal(bench.downstream.ended, false);
  bench.upstream.receiveEnd();
  assert.equal(bench.downstream.ended, true);
});

test('flow control is timed under the side that was slow, and the slower one of two is the client', () => {
  const bench = new Bench().connected();
  const { dispatcher, downstream, upstream } = bench;
  upstream.crossHighWatermark();
  assert.equal(downstream.readDisabled, true);
  dispatcher.advance(10);
  downstream.crossHighWatermark();
  assert.equal(upstream.readDisabled, true);
  dispatcher.advance(20);
  downstream.crossLowWatermark();
  dispatcher.advance(40);
  upstream.crossLowWatermark();
  assert.equal(downstream.readDisabled || upstream.readDisabled, false);
  dispatcher.advance(80);
  downstream.fail('');
  const { ledger } = bench.log.info;
  assert.ok(ledger instanceof StreamLedger);
  assert.equal(ledger.segmentUs('flow.upstream'), 50_000);
  assert.equal(ledger.segmentUs('flow.downstream'), 20_000);
  assert.equal(ledger.segmentUs('body'), 80_000);
});
