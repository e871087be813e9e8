/** The way there and back: heads, bodies, flow control, clients that leave, upgrades, pairing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderList } from '../../src/codec/header-map.ts';
import { get, request, routeTo, World } from './fakes.ts';

test('a GET on an idle connection goes out at once and its answer comes back with the service time', () => {
  const world = new World();
  const stream = world.request(get('/a?b=1'));
  const exchange = world.exchange();
  assert.deepEqual([exchange.head?.path, exchange.ended, stream.wait], ['/a?b=1', true, 'upstream']);
  assert.equal(exchange.head?.get('x-envoy-expected-rq-timeout-ms'), '15000');
  world.dispatcher.advance(7);
  exchange.respond(200, 'hello');
  assert.deepEqual([stream.status, stream.body, stream.ended], [200, 'hello', true]);
  assert.equal(stream.responseHeaders?.get('x-envoy-upstream-service-time'), '7');
  assert.deepEqual([stream.flags, stream.details], ['', 'via_upstream']);
  assert.equal(exchange.resetBy, null);
  assert.equal(exchange.watchers.length, 0);
  for (const name of ['upstream_rq_200', 'upstream_rq_2xx', 'upstream_rq_completed']) {
    assert.equal(world.stat(`cluster.echo.${name}`), 1, name);
  }
  assert.equal(world.stat('cluster.echo.upstream_rq_time'), 7);
  assert.equal(world.pools[0]?.host.stats.rqSuccess, 1);
  assert.equal(stream.work, 0);
  assert.equal(world.dispatcher.nextDeadline(), Infinity, 'no timer is left');
});

test('an answer that is read in the turn in which the client went is no part of the record', () => {
  const world = new World();
  const stream = world.request();
  const { info } = stream;
  const exchange = world.exchange();
  world.dispatcher.advance(5);
  info.endAt = world.dispatcher.clock.now();
  world.dispatcher.advance(1);
  exchange.respond(200, 'late');
  // It would be later than the end: a response of less than no time.
  assert.deepEqual([info.upstream.responseFirstByteAt, info.upstream.responseBodyFirstByteAt], [-1, -1]);
  assert.equal(info.upstream.wireBytesReceived, 0);
});

test('suppress_envoy_headers leaves the router’s own headers out', () => {
  const world = new World({
    router: { suppress_envoy_headers: true },
    routes: routeTo({ prefix_rewrite: '/x/' }),
  });
  const stream = world.request();
  world.exchange().respond(200);
  assert.equal(world.exchange().head?.path, '/x/');
  assert.equal(world.exchange().head?.size, 0);
  assert.equal(stream.responseHeaders?.size, 0);
});

test('rewrites: path with the original beside it, host by every kind, x-forwarded-host', () => {
  const rewritten = (action: object, headers: Record<string, string> = {}): HeaderList | null => {
    const world = new World({ routes: routeTo(action) });
    world.request(get('/a/b?q', headers));
    return world.exchange().head as HeaderList | null;
  };
  const path = rewritten({ prefix_rewrite: '/z/' });
  assert.deepEqual([path?.path, path?.get('x-envoy-original-path')], ['/z/a/b?q', '/a/b?q']);
  const regex = rewritten({
    regex_rewrite: { pattern: { regex: '^/([^/]+)/([^/]+)' }, substitution: '/\\2/\\1' },
  });
  assert.equal(regex?.path, '/b/a?q');
  const literal = rewritten({ host_rewrite_literal: 'inner', append_x_forwarded_host: true });
  assert.deepEqual([literal?.authority, literal?.get('x-forwarded-host')], ['inner', 'example.com']);
  assert.equal(rewritten({ host_rewrite_header: 'X-Host' }, { 'x-host': 'named' })?.authority, 'named');
  assert.equal(rewritten({ host_rewrite_header: 'X-Host' })?.authority, 'example.com');
  assert.equal(rewritten({ auto_host_rewrite: true })?.authority, 'host-0');
  const empty = rewritten({ regex_rewrite: { pattern: { regex: '^.*$' }, substitution: '' } });
  assert.equal(empty?.path, '/?q');
  const byPath = { pattern: { regex: '^/(.+)/.+$' }, substitution: '\\1.local' };
  assert.equal(rewritten({ host_rewrite_path_regex: byPath })?.authority, 'a.local');
});

test('header changes: weighted cluster, route, virtual host, table, removal first on each level', () => {
  const change = (value: string): object => ({
    request_headers_to_add: [{ header: { key: 'X-Level', value } }],
    response_headers_to_add: [
      { header: { key: 'X-Back', value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
  });
  const cluster = { name: 'echo', weight: 1, request_headers_to_remove: ['x-level'], ...change('cluster') };
  const routes = [
    { match: { prefix: '/' }, route: { weighted_clusters: { clusters: [cluster] } }, ...change('route') },
  ];
  const config = {
    virtual_hosts: [{ name: 'v', domains: ['*'], routes, ...change('host') }],
    ...change('table'),
  };
  const world = new World({ routes: config });
  const stream = world.request(get('/', { 'x-level': 'client' }));
  assert.equal(world.exchange().head?.getJoined('x-level'), 'cluster, route, host, table');
  world.exchange().respond(200);
  assert.equal(stream.responseHeaders?.getJoined('x-back'), 'table');
  const wins = new World({ routes: { ...config, most_specific_header_mutations_wins: true } });
  const other = wins.request();
  wins.exchange().respond(200);
  assert.equal(other.responseHeaders?.getJoined('x-back'), 'cluster');
});

test('while the pool has no connection the body is held, the client paused beyond the limit, nothing lost', () => {
  const world = new World();
  world.idleConnections = false;
  const stream = world.request(request('POST'), false);
  assert.equal(stream.wait, 'pool');
  stream.data('a'.repeat(1024));
  assert.equal(stream.paused, 0);
  stream.data('b');
  assert.equal(stream.paused, 1);
  stream.data('c');
  assert.equal(stream.paused, 1);
  const exchange = world.ready();
  assert.equal(stream.paused, 0);
  assert.equal(exchange.body, `${'a'.repeat(1024)}bc`);
  assert.equal(exchange.ended, false);
  stream.data('end', true);
  assert.equal(exchange.ended, true);
  exchange.respond(200);
  assert.equal(stream.status, 200);
});

test('a pause for the pool ends with the request, whatever its end', () => {
  for (const end of ['fail', 'destroy', 'timeout'] as const) {
    const world = new World({ routes: routeTo({ timeout: 100 }) });
    world.idleConnections = false;
    const stream = world.request(request('POST'), false);
    stream.data('x'.repeat(2000), true);
    assert.equal(stream.paused, 1);
    if (end === 'fail') world.failPool('remote connection failure');
    else if (end === 'destroy') stream.destroy();
    else world.dispatcher.advance(100);
    assert.equal(stream.paused, 0, end);
  }
});

test('100,000 pieces of one byte are held in blocks, in order', () => {
  const world = new World({ routes: routeTo({}, { per_request_buffer_limit_bytes: 2_000_000 }) });
  world.idleConnections = false;
  const stream = world.request(request('POST'), false);
  for (let index = 0; index < 100_000; index += 1) stream.data(String(index % 10));
  const exchange = world.ready();
  assert.equal(exchange.body, '0123456789'.repeat(10_000));
  assert.ok(exchange.pieces < 20, `${exchange.pieces} pieces`);
});

test('an upstream that takes no more pauses the client until it does', () => {
  const world = new World();
  const stream = world.request(request('POST'), false);
  stream.data('x');
  world.exchange().high();
  world.exchange().high();
  assert.equal(stream.paused, 1);
  world.exchange().low();
  assert.equal(stream.paused, 0);
});

test('a pause for the upstream’s buffer ends with the exchange', () => {
  const world = new World();
  const stream = world.request(request('POST'), false);
  world.exchange().high();
  world.exchange().die('connection termination');
  assert.deepEqual([stream.paused, stream.status], [0, 503]);
});

test('a client that takes no more pauses the upstream, counted, and the connection goes back unpaused', () => {
  const world = new World();
  const stream = world.request();
  const exchange = world.exchange();
  exchange.respondHead(200);
  stream.high();
  assert.equal(exchange.readDisabled, 1);
  stream.low();
  assert.equal(exchange.readDisabled, 0);
  stream.high();
  exchange.respondData('rest', true);
  assert.equal(exchange.readDisabled, 0);
  assert.deepEqual([stream.watchers.length, exchange.resetBy], [0, null]);
  assert.equal(world.stat('cluster.echo.upstream_flow_control_paused_reading_total'), 2);
  assert.equal(world.stat('cluster.echo.upstream_flow_control_resumed_reading_total'), 2);
});

test('a client that is high already pauses the connection that a retry gets', () => {
  const world = new World({ routes: routeTo({ retry_policy: { retry_on: '5xx' } }) });
  world.dispatcher.randoms.push(0);
  const stream = world.request();
  stream.high();
  world.exchange().respond(503);
  world.dispatcher.advance(1);
  assert.equal(world.exchange().readDisabled, 1);
  stream.low();
  assert.equal(world.exchange().readDisabled, 0);
});

test('a client that leaves cancels at every phase', () => {
  const queued = new World();
  queued.idleConnections = false;
  queued.request().destroy();
  assert.equal(queued.waiting[0]?.cancelled, true);

  const sent = new World();
  sent.request().destroy();
  assert.equal(sent.exchange().resetBy, 'local reset');
  assert.equal(sent.stat('cluster.echo.upstream_rq_tx_reset'), 1);

  const sending = new World();
  const upload = sending.request(request('POST'), false);
  upload.data('half');
  upload.destroy();
  upload.data('late', true);
  assert.deepEqual([sending.exchange().body, sending.exchange().resetBy], ['half', 'local reset']);

  const answering = new World();
  const download = answering.request();
  answering.exchange().respondHead(200);
  download.destroy();
  assert.equal(answering.exchange().resetBy, 'local reset');

  const over = new World();
  const done = over.request();
  over.exchange().respond(200, 'all');
  done.destroy();
  assert.equal(over.exchange().resetBy, null);
  for (const world of [queued, sent, sending, answering, over]) {
    assert.equal(world.dispatcher.nextDeadline(), Infinity);
  }
});

test('an answer that ends before the request resets the upstream, so its connection is not used again', () => {
  const world = new World();
  const stream = world.request(request('POST'), false);
  stream.data('part');
  world.exchange().respond(413, 'too much');
  assert.deepEqual([stream.status, stream.body, stream.reset], [413, 'too much', false]);
  assert.equal(world.exchange().resetBy, 'local reset');
  assert.equal(stream.responseHeaders?.get('x-envoy-upstream-service-time'), null);
});

test('an early answer lets the request go on to its end', () => {
  const world = new World();
  const stream = world.request(request('POST'), false);
  world.exchange().respondHead(200);
  stream.data('more', true);
  assert.deepEqual([world.exchange().body, world.exchange().ended], ['more', true]);
  world.exchange().respondData('fin', true);
  assert.deepEqual([stream.body, world.exchange().resetBy], ['fin', null]);
});

test('an upgrade tunnels both ways and has no route timeout', () => {
  const world = new World({ routes: routeTo({ timeout: 100 }) });
  const head = get('/ws');
  head.protocol = 'websocket';
  const stream = world.request(head, false);
  world.exchange().respondHead(101);
  stream.data('ping');
  world.exchange().respondData('pong', false);
  world.dispatcher.advance(10_000);
  assert.deepEqual([world.exchange().body, stream.body, stream.status], ['ping', 'pong', 101]);
  stream.data('', true);
  world.dispatcher.advance(10_000);
  assert.equal(stream.reset, false);
  world.exchange().respondData('bye', true);
  assert.deepEqual([stream.body, stream.ended, world.exchange().resetBy], ['pongbye', true, null]);
});

test('request and response trailers pass', () => {
  const world = new World();
  const stream = world.request(request('POST'), false);
  stream.data('x');
  const trailers = get();
  stream.filter?.decodeTrailers(trailers);
  assert.equal(world.exchange().trailers, trailers);
  world.exchange().respondHead(200);
  world.exchange().decoder.decodeTrailers(HeaderList.response(0));
  assert.deepEqual([stream.ended, world.exchange().resetBy], [true, null]);
});

test('answers reach the requests that they belong to, in any order, with churn and retries', () => {
  const world = new World({
    routes: routeTo({ timeout: 0, retry_policy: { retry_on: '5xx,connect-failure', num_retries: 50 } }),
  });
  world.retries.limit = 1e9;
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.trunc((seed / 2 ** 31) * below);
  };
  const streams = new Map<string, ReturnType<World['request']>>();
  const answered = new Set<unknown>();
  for (let nonce = 0; nonce < 3000; nonce += 1) {
    world.idleConnections = random(2) === 0;
    streams.set(`/${nonce}`, world.request(get(`/${nonce}`)));
    for (let step = random(3); step > 0; step -= 1) {
      if (world.waiting.length > 0 && random(2) === 0) {
        if (random(4) === 0) world.failPool('remote connection failure');
        else world.ready();
      }
      const exchange = world.exchanges[random(world.exchanges.length)];
      if (exchange === undefined || answered.has(exchange) || exchange.resetBy !== null) continue;
      answered.add(exchange);
      if (random(5) === 0) exchange.respond(503);
      else exchange.respond(200, exchange.head?.path ?? '');
    }
    world.dispatcher.advance(random(30));
  }
  world.idleConnections = true;
  for (let round = 0; round < 60; round += 1) {
    while (world.waiting.length > 0) world.ready();
    for (const exchange of world.exchanges) {
      if (answered.has(exchange) || exchange.resetBy !== null) continue;
      answered.add(exchange);
      exchange.respond(200, exchange.head?.path ?? '');
    }
    world.dispatcher.advance(300);
  }
  for (const [nonce, stream] of streams) assert.deepEqual([stream.status, stream.body], [200, nonce]);
  assert.equal(world.retries.used, 0);
});

test('a request that a filter left without a method is answered, not sent', () => {
  const world = new World();
  const stream = world.request(HeaderList.request('', '/', 'example.com'));
  assert.deepEqual(
    [stream.status, stream.details],
    [503, 'filter_removed_required_request_headers{missing_required_header}'],
  );
});
