/** Every way in which a request ends without a good answer: code, body, flag, details, counters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, request, routeTo, World, type FakeStream } from './fakes.ts';

const RESET_TEXT = 'upstream connect error or disconnect/reset before headers. ';

function assertReply(stream: FakeStream, status: number, body: string, flags: string, details: string): void {
  assert.deepEqual(
    [stream.status, stream.body, stream.flags, stream.details, stream.local],
    [status, body, flags, details, true],
  );
}

test('a request without a route is 404 NR', () => {
  const world = new World({ routes: { virtual_hosts: [] } });
  assertReply(world.request(), 404, '', 'NR', 'route_not_found');
  assert.equal(world.stat('http.in.no_route'), 1);
  assert.equal(world.stat('http.in.rq_total'), 1);
});

test('an unknown cluster is 503 NC, or the code that the route names', () => {
  const world = new World({ routes: routeTo({ cluster: 'nope' }) });
  assertReply(world.request(), 503, '', 'NC', 'cluster_not_found');
  assert.equal(world.stat('http.in.no_cluster'), 1);
  const other = new World({
    routes: routeTo({ cluster: 'nope', cluster_not_found_response_code: 'NOT_FOUND' }),
  });
  assert.equal(other.request().status, 404);
});

test('a cluster header that is missing names no cluster', () => {
  const world = new World({ routes: routeTo({ cluster: undefined, cluster_header: 'X-Cluster' }) });
  assert.equal(world.request().flags, 'NC');
  world.request(get('/', { 'x-cluster': 'echo' }));
  assert.equal(world.exchanges.length, 1);
});

test('no healthy host is 503 UH', () => {
  const world = new World();
  world.healthy = false;
  assertReply(world.request(), 503, 'no healthy upstream', 'UH', 'no_healthy_upstream');
  assert.equal(world.stat('cluster.echo.upstream_rq_503'), 1);
});

test('a full pool is 503 UO and marked as overload', () => {
  const world = new World();
  world.overflow = true;
  const stream = world.request();
  assertReply(
    stream,
    503,
    `${RESET_TEXT}reset reason: overflow`,
    'UO',
    'upstream_reset_before_response_started{overflow}',
  );
  assert.equal(stream.responseHeaders?.get('x-envoy-overloaded'), 'true');
  assert.equal(world.pools[0]?.host.stats.rqError, 0);
});

test('a refused connect is 503 UF with the transport reason', () => {
  const world = new World();
  world.idleConnections = false;
  const stream = world.request();
  world.failPool('remote connection failure', 'delayed connect error: Connection refused');
  const reason =
    'reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused';
  const details =
    'upstream_reset_before_response_started{remote connection failure,delayed connect error: Connection refused}';
  assertReply(stream, 503, RESET_TEXT + reason, 'UF', details);
  assert.equal(stream.info.upstream.transportFailureReason, 'delayed connect error: Connection refused');
});

test('a connect timeout is 503 UF', () => {
  const world = new World();
  world.idleConnections = false;
  const stream = world.request();
  world.failPool('connection timeout');
  const details = 'upstream_reset_before_response_started{connection timeout}';
  assertReply(stream, 503, `${RESET_TEXT}reset reason: connection timeout`, 'UF', details);
});

for (const [reason, status, flag] of [
  ['connection termination', 503, 'UC'],
  ['remote reset', 503, 'UR'],
  ['remote refused stream reset', 503, 'UR'],
  ['local reset', 503, 'LR'],
  ['protocol error', 502, 'UPE'],
  ['overload manager reset', 503, 'OM'],
] as const) {
  test(`'${reason}' before the response is ${status} ${flag}`, () => {
    const world = new World();
    const stream = world.request();
    world.exchange().die(reason);
    const details = `upstream_reset_before_response_started{${reason}}`;
    assertReply(stream, status, `${RESET_TEXT}reset reason: ${reason}`, flag, details);
    assert.equal(world.stat(`cluster.echo.upstream_rq_${status}`), 1);
    assert.equal(world.newStreams, 1, 'no retry without a policy');
  });

  test(`'${reason}' behind the response head resets the client's stream with ${flag}`, () => {
    const world = new World();
    const stream = world.request();
    world.exchange().respondHead(200);
    world.exchange().die(reason);
    assert.equal(stream.reset, true);
    assert.deepEqual(
      [stream.flags, stream.details],
      [flag, `upstream_reset_after_response_started{${reason}}`],
    );
    assert.equal(world.stat('http.in.rq_reset_after_downstream_response_started'), 1);
  });
}

test('the route timeout starts when the request is complete and ends in 504 UT', () => {
  const world = new World({ routes: routeTo({ timeout: 100 }) });
  const stream = world.request(request('POST'), false);
  world.dispatcher.advance(500);
  assert.equal(stream.status, 0);
  stream.data('x', true);
  world.dispatcher.advance(99);
  assert.equal(stream.status, 0);
  world.dispatcher.advance(1);
  assertReply(stream, 504, 'upstream request timeout', 'UT', 'response_timeout');
  assert.equal(world.exchange().resetBy, 'local reset');
  assert.equal(world.stat('cluster.echo.upstream_rq_timeout'), 1);
  assert.equal(world.stat('cluster.echo.upstream_rq_tx_reset'), 1);
  assert.equal(world.pools[0]?.host.stats.rqTimeout, 1);
});

test('the route timeout is 15 s by default, and off when 0', () => {
  const world = new World();
  const stream = world.request();
  world.dispatcher.advance(14_999);
  assert.equal(stream.status, 0);
  world.dispatcher.advance(1);
  assert.equal(stream.status, 504);
  const off = new World({ routes: routeTo({ timeout: 0 }) });
  const patient = off.request();
  off.dispatcher.advance(1_000_000);
  assert.equal(patient.status, 0);
});

test('the route timeout also takes a request out of the pool’s queue', () => {
  const world = new World({ routes: routeTo({ timeout: 100 }) });
  world.idleConnections = false;
  const stream = world.request();
  world.dispatcher.advance(100);
  assert.equal(stream.status, 504);
  assert.equal(world.waiting[0]?.cancelled, true);
});

test('the route timeout breaks a response off that is under way', () => {
  const world = new World({ routes: routeTo({ timeout: 100 }) });
  const stream = world.request();
  world.exchange().respondHead(200);
  world.dispatcher.advance(100);
  assert.deepEqual([stream.reset, stream.flags, stream.details], [true, 'UT', 'response_timeout']);
  assert.equal(world.exchange().resetBy, 'local reset');
  assert.equal(world.stat('cluster.echo.upstream_rq_timeout'), 0);
});

test('the alternate response turns a route timeout into 204', () => {
  const world = new World({ routes: routeTo({ timeout: 100 }) });
  const stream = world.request(get('/', { 'x-envoy-upstream-rq-timeout-alt-response': '1' }));
  world.dispatcher.advance(100);
  assert.deepEqual([stream.status, stream.body, stream.flags], [204, '', 'UT']);
});

test('the per-try timeout without a retry left is 504 UT with its own details', () => {
  const world = new World({ routes: routeTo({ retry_policy: { per_try_timeout: 50 } }) });
  const stream = world.request();
  world.dispatcher.advance(50);
  assertReply(stream, 504, 'upstream request timeout', 'UT', 'upstream_per_try_timeout');
  assert.equal(world.stat('cluster.echo.upstream_rq_per_try_timeout'), 1);
});

test('the per-try timeout ends with the response head, the per-try idle timeout does not', () => {
  const world = new World({
    routes: routeTo({ retry_policy: { per_try_timeout: 50, per_try_idle_timeout: 80 } }),
  });
  const stream = world.request();
  world.exchange().respondHead(200);
  world.dispatcher.advance(79);
  assert.equal(stream.reset, false);
  world.dispatcher.advance(1);
  assert.deepEqual([stream.reset, stream.details], [true, 'upstream_per_try_idle_timeout']);
  assert.equal(world.stat('cluster.echo.upstream_rq_per_try_idle_timeout'), 1);
});

test('control headers set the limits and do not reach the upstream', () => {
  const world = new World();
  const headers = { 'x-envoy-upstream-rq-timeout-ms': '200', 'x-envoy-upstream-rq-per-try-timeout-ms': '70' };
  const stream = world.request(get('/', headers));
  const { head } = world.exchange();
  assert.equal(head?.get('x-envoy-upstream-rq-timeout-ms'), null);
  assert.equal(head?.get('x-envoy-expected-rq-timeout-ms'), '70');
  world.dispatcher.advance(70);
  assert.equal(stream.details, 'upstream_per_try_timeout');
});

test('a malformed control header is 400 IH only where it is checked', () => {
  const name = 'x-envoy-upstream-rq-timeout-ms';
  const world = new World({ router: { strict_check_headers: [name] } });
  const stream = world.request(get('/', { [name]: 'soon' }));
  assertReply(
    stream,
    400,
    `invalid header '${name}' with value 'soon'`,
    'IH',
    `request_headers_failed_strict_check{${name}}`,
  );
  assert.equal(new World().request(get('/', { [name]: 'soon' })).status, 0);
});

test('the maximum life of an exchange is 504 UMSDR once the request is complete, 408 before', () => {
  for (const [complete, status] of [
    [true, 504],
    [false, 408],
  ] as const) {
    const world = new World();
    const options = { common_http_protocol_options: { max_stream_duration: 300 } };
    Object.assign(world.cluster.info.config, options);
    const stream = world.request(request('POST'), complete);
    world.dispatcher.advance(300);
    const body = 'upstream max stream duration reached';
    assertReply(stream, status, body, 'UMSDR', 'upstream_max_stream_duration_reached');
    assert.equal(world.stat('cluster.echo.upstream_rq_max_duration_reached'), 1);
  }
});

test('a redirect and a direct response meet no cluster', () => {
  const routes = [
    { match: { prefix: '/old' }, redirect: { path_redirect: '/new' } },
    {
      match: { prefix: '/' },
      direct_response: { status: 418, body: { inline_string: 'tea' } },
      response_headers_to_add: [{ header: { key: 'X-Kind', value: 'pot' } }],
    },
  ];
  const world = new World({ routes: { virtual_hosts: [{ name: 'v', domains: ['*'], routes }] } });
  const redirect = world.request(get('/old/x'));
  assert.deepEqual(
    [redirect.status, redirect.responseHeaders?.get('location')],
    [301, 'http://example.com/new'],
  );
  const direct = world.request();
  assertReply(direct, 418, 'tea', '', 'direct_response');
  assert.equal(direct.responseHeaders?.get('x-kind'), 'pot');
  assert.deepEqual([world.stat('http.in.rq_redirect'), world.stat('http.in.rq_direct_response')], [1, 1]);
  assert.equal(world.newStreams, 0);
});

test('what was wrong with the answer goes to the log, not to the client', () => {
  const world = new World();
  const stream = world.request();
  world.exchange().die('protocol error', 'http1.codec_error');
  const details = 'upstream_reset_before_response_started{protocol error,http1.codec_error}';
  assertReply(stream, 502, `${RESET_TEXT}reset reason: protocol error`, 'UPE', details);
});

test('dynamic_stats off leaves the counters of codes out', () => {
  const world = new World({ router: { dynamic_stats: false } });
  world.request();
  world.exchange().respond(200);
  assert.equal(world.stats.values.has('cluster.echo.upstream_rq_200'), false);
  assert.equal(world.stats.values.has('cluster.echo.upstream_rq_completed'), false);
});
