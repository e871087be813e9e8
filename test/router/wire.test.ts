/**
 * The router with the real cluster manager, pool and HTTP/1 codec, down to the bytes: what the seams between them must hold.
 * The connections are scripted; the test is the upstream.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, RouteConfiguration } from '../../src/api/envoy.ts';
import type { ClusterSnapshot } from '../../src/api/upstream.ts';
import type { HeaderMap } from '../../src/api/http.ts';
import { Http1ClientCodec } from '../../src/codec/http1/client-codec.ts';
import { http1ClientSettings } from '../../src/codec/http1/settings.ts';
import { compileRouteTable } from '../../src/router/route-table.ts';
import { RouterConfig } from '../../src/router/router-config.ts';
import { RouterFilter } from '../../src/router/router-filter.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { WorkerClusterManager } from '../../src/upstream/cluster-manager.ts';
import { PlainHostStats } from '../../src/upstream/host.ts';
import { FakeConnection } from '../support/fake-connection.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';
import { FakeStats, FakeStream, get, request, routeTo } from './fakes.ts';

class Wire {
  readonly dispatcher = new FakeDispatcher();
  readonly stats = new FakeStats();
  readonly connections: FakeConnection[] = [];
  readonly #config: RouterConfig;
  readonly #routes: ReturnType<typeof compileRouteTable>;
  readonly clusters: WorkerClusterManager;

  constructor(routes: RouteConfiguration = routeTo({}), cluster: Cluster = {}) {
    const { dispatcher, stats } = this;
    const address = { kind: 'ip', ip: '127.0.0.9', port: 80, family: 4 } as const;
    const host = { address, hostname: 'h', weight: 1, priority: 0, zone: '', healthFlags: '' };
    const entry: ClusterSnapshot = { config: cluster, hosts: [host], version: 1 };
    const snapshot = {
      version: 1,
      size: 1,
      decoded: 1,
      names: () => ['echo'],
      get: (name: string) => (name === 'echo' ? entry : undefined),
    };
    this.clusters = new WorkerClusterManager({
      dispatcher,
      connect: () => {
        const connection = new FakeConnection('upstream', dispatcher, 'connecting');
        this.connections.push(connection);
        return connection;
      },
      codec: (connection) => new Http1ClientCodec({ connection, settings: http1ClientSettings() }),
      slot: { get: () => snapshot },
      stats,
      hostStats: () => new PlainHostStats(),
      counts: SharedCounts.allocate(1, 4),
      worker: 0,
    });
    this.#config = new RouterConfig(
      {},
      {
        dispatcher,
        clusters: this.clusters,
        stats: stats.scope('http.in'),
        statPrefix: 'in',
        createTimer: (callback) => dispatcher.createTimer(callback),
        accessLogs: () => assert.fail('no log is configured'),
      },
    );
    this.#routes = compileRouteTable(routes);
  }

  request(headers: HeaderMap = get(), endStream = true): FakeStream {
    const stream = new FakeStream(this.dispatcher, this.#routes.match(headers, 0));
    const filter = new RouterFilter(this.#config);
    stream.request = headers;
    stream.filter = filter;
    filter.setDecoderFilterCallbacks(stream);
    this.dispatcher.run(() => filter.decodeHeaders(headers, endStream));
    return stream;
  }

  upstream(index = this.connections.length - 1): FakeConnection {
    const connection = this.connections[index];
    if (connection === undefined) throw new Error(`no connection ${index}`);
    return connection;
  }

  receive(text: string, index?: number): void {
    this.dispatcher.run(() => this.upstream(index).receive(text));
  }

  stat(name: string): number {
    return this.stats.values.get(`cluster.echo.${name}`) ?? 0;
  }

  /** A first exchange, so that an idle connection is there. */
  warm(): void {
    this.request(get('/warm'));
    this.dispatcher.run(() => this.upstream().connect());
    this.upstream().flush();
    this.receive('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    this.upstream().take();
  }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('two GETs share one connection, each gets its own answer and its books close', () => {
  const wire = new Wire();
  const first = wire.request(get('/1'));
  assert.equal(first.wait, 'pool');
  wire.dispatcher.run(() => wire.upstream().connect());
  assert.match(wire.upstream().take(), /^GET \/1 HTTP\/1\.1\r\nhost: example\.com\r\n[^]*\r\n\r\n$/);
  wire.receive(OK);
  const second = wire.request(get('/2'));
  wire.receive(OK);
  assert.deepEqual([first.body, second.body, wire.connections.length], ['ok', 'ok', 1]);
  const { id } = wire.upstream();
  assert.deepEqual([first.info.upstream.createdConnectionId, first.info.upstream.connectionId], [id, id]);
  assert.deepEqual([second.info.upstream.createdConnectionId, second.info.upstream.connectionId], [0, id]);
  assert.deepEqual([wire.stat('upstream_rq_total'), wire.stat('upstream_rq_active')], [2, 0]);
  assert.equal(wire.stat('upstream_rq_200'), 2);
  assert.deepEqual([first.work, second.work], [0, 0]);
});

test('a chunked upload goes out as it comes and its early answer costs the connection', () => {
  const wire = new Wire();
  wire.warm();
  const stream = wire.request(request('POST', '/up'), false);
  stream.data('abc');
  assert.match(wire.upstream().take(), /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n$/);
  wire.receive('HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual([stream.status, wire.upstream().closedBy], [413, 'abort']);
  wire.request();
  assert.equal(wire.connections.length, 2);
});

test('the client that leaves takes the connection with it; nobody gets its late answer', () => {
  const wire = new Wire();
  wire.warm();
  const gone = wire.request(get('/gone'));
  wire.dispatcher.run(() => gone.destroy());
  assert.equal(wire.upstream(0).state, 'closed');
  const next = wire.request(get('/next'));
  wire.dispatcher.run(() => wire.upstream(1).connect());
  wire.receive(OK, 1);
  assert.equal(next.body, 'ok');
});

test('a client that leaves the line cancels and counts once', () => {
  const wire = new Wire();
  wire.request().destroy();
  assert.deepEqual([wire.stat('upstream_rq_cancelled'), wire.stat('upstream_rq_pending_active')], [1, 0]);
});

test('a paused upstream goes on being read when its connection is used again', () => {
  const wire = new Wire();
  wire.warm();
  const stream = wire.request();
  wire.receive('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab');
  stream.high();
  assert.equal(wire.upstream().readDisabled, true);
  stream.low();
  wire.receive('cd');
  assert.equal(stream.body, 'abcd');
  const other = wire.request();
  wire.receive('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx');
  assert.deepEqual([other.body, wire.upstream().readDisabled], ['x', false]);
});

test('an idle connection that dies under a GET: 503 UC without a policy, once more on a fresh one with it', () => {
  const plain = new Wire();
  plain.warm();
  const failed = plain.request();
  plain.upstream().flush();
  plain.dispatcher.run(() => plain.upstream().fail());
  assert.deepEqual([failed.status, failed.flags], [503, 'UC']);

  const safe = new Wire(routeTo({ retry_policy: { retry_on: 'reset-before-request', num_retries: 0 } }));
  safe.warm();
  const stream = safe.request(get('/again'));
  safe.upstream().flush();
  safe.dispatcher.run(() => safe.upstream(0).receiveEnd());
  safe.dispatcher.advance(1);
  safe.dispatcher.run(() => safe.upstream(1).connect());
  assert.match(safe.upstream(1).take(), /^GET \/again /);
  safe.receive(OK, 1);
  assert.deepEqual([stream.status, stream.info.attemptCount, stream.flags], [200, 2, '']);
  assert.equal(safe.stat('upstream_rq_retry_idle_close'), 1);
  assert.equal(safe.stat('circuit_breakers.default.rq_retry_open'), 0);
});

test('an answer that breaks HTTP is 502 UPE with the codec’s details, and the connection is gone', () => {
  const wire = new Wire();
  wire.warm();
  const stream = wire.request();
  wire.receive('SPAM SPAM SPAM\r\n\r\n');
  assert.deepEqual([stream.status, stream.flags, stream.body.endsWith('protocol error')], [502, 'UPE', true]);
  assert.match(stream.details, /^upstream_reset_before_response_started\{protocol error,http1\./);
  assert.equal(wire.upstream().state, 'closed');
});

test('a body cut short resets the client’s stream', () => {
  const wire = new Wire();
  wire.warm();
  const stream = wire.request();
  wire.receive('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
  wire.dispatcher.run(() => wire.upstream().receiveEnd());
  assert.deepEqual([stream.reset, stream.flags], [true, 'UC']);
});

test('a 5xx with a body is retried on a new connection, the old one is not used again', () => {
  const wire = new Wire(routeTo({ retry_policy: { retry_on: '5xx' } }));
  wire.warm();
  const stream = wire.request(request('PUT'), false);
  stream.data('payload', true);
  wire.receive('HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nnot all of it');
  assert.equal(wire.upstream(0).state, 'closed');
  wire.dispatcher.advance(30);
  wire.dispatcher.run(() => wire.upstream(1).connect());
  assert.match(wire.upstream(1).take(), /\r\n\r\n7\r\npayload\r\n0\r\n\r\n$/);
  wire.receive(OK, 1);
  assert.deepEqual([stream.status, stream.body], [200, 'ok']);
});

test('a websocket: 101 passes and bytes go both ways; another answer is passed on', () => {
  const wire = new Wire();
  wire.warm();
  const head = get('/ws');
  head.protocol = 'websocket';
  const stream = wire.request(head, false);
  assert.match(wire.upstream().take(), /upgrade: websocket\r\n/);
  wire.receive('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhi');
  stream.data('raw');
  assert.deepEqual([stream.status, stream.body, wire.upstream().take()], [101, 'hi', 'raw']);
  wire.dispatcher.run(() => stream.destroy());
  assert.equal(wire.upstream().state, 'closed');

  const refused = new Wire();
  refused.warm();
  const other = get('/ws');
  other.protocol = 'websocket';
  const no = refused.request(other, false);
  refused.receive('HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno');
  assert.deepEqual([no.status, no.body, no.reset], [403, 'no', false]);
});

test('a HEAD answer ends with its head whatever its length says; 103 goes first', () => {
  const wire = new Wire();
  wire.warm();
  const stream = wire.request(request('HEAD'));
  wire.receive('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n');
  assert.deepEqual([stream.informational, stream.status, stream.ended], [[103], 200, true]);
  assert.equal(wire.upstream().state, 'open');
});

test('connect failures and a full line become UF and UO', () => {
  const wire = new Wire(routeTo({}), {
    circuit_breakers: { thresholds: [{ max_pending_requests: 1 }] },
  });
  const first = wire.request();
  const second = wire.request();
  assert.deepEqual([second.status, second.flags], [503, 'UO']);
  wire.dispatcher.run(() => wire.upstream().fail('ECONNREFUSED'));
  assert.deepEqual([first.status, first.flags], [503, 'UF']);
  assert.match(first.body, /reset reason: remote connection failure, transport failure reason: /);
});
