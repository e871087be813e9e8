/** Retries: which failures, how often, after how long, with exact counters; the replay of bodies; the idle-close race. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResetReason } from '../../src/api/http.ts';
import type { RetryPolicy } from '../../src/api/envoy.ts';
import { get, request, routeTo, World } from './fakes.ts';

/** No random back-off: the fake's random is 0, so a retry comes at once with the next timer run. */
function worldWith(policy: RetryPolicy, hosts = 1): World {
  const world = new World({ routes: routeTo({ retry_policy: policy }), hosts });
  world.dispatcher.randoms.push(...new Array<number>(50).fill(0));
  return world;
}

function retryStats(world: World): Record<string, number> {
  const names = ['retry', 'retry_success', 'retry_limit_exceeded', 'retry_overflow', 'retry_idle_close'];
  return Object.fromEntries(names.map((name) => [name, world.stat(`cluster.echo.upstream_rq_${name}`)]));
}

const NONE = { retry: 0, retry_success: 0, retry_limit_exceeded: 0, retry_overflow: 0, retry_idle_close: 0 };

for (const [retryOn, status, headers, retried] of [
  ['5xx', 500, {}, true],
  ['5xx', 499, {}, false],
  ['gateway-error', 502, {}, true],
  ['gateway-error', 503, {}, true],
  ['gateway-error', 504, {}, true],
  ['gateway-error', 500, {}, false],
  ['gateway-error', 505, {}, false],
  ['retriable-4xx', 409, {}, true],
  ['retriable-4xx', 404, {}, false],
  ['retriable-status-codes', 418, {}, true],
  ['retriable-status-codes', 419, {}, false],
  ['retriable-headers', 200, { 'x-again': 'yes' }, true],
  ['retriable-headers', 200, { 'x-again': 'no' }, false],
  ['envoy-ratelimited', 429, { 'x-envoy-ratelimited': 'true' }, true],
  ['5xx', 503, { 'x-envoy-ratelimited': 'true' }, false],
  ['unavailable', 200, { 'grpc-status': '14' }, true],
  ['cancelled', 200, { 'grpc-status': '14' }, false],
  ['connect-failure', 503, {}, false],
] as const) {
  test(`${retryOn}: a ${status} with ${JSON.stringify(headers)} is ${retried ? '' : 'not '}retried`, () => {
    const world = worldWith({
      retry_on: retryOn,
      retriable_status_codes: [418],
      retriable_headers: [{ name: 'x-again', string_match: { exact: 'yes' } }],
    });
    const stream = world.request();
    world.exchange().respond(status, null, headers);
    world.dispatcher.advance(1);
    assert.equal(world.exchanges.length, retried ? 2 : 1);
    if (!retried) {
      assert.equal(stream.status, status);
      assert.deepEqual(retryStats(world), NONE);
      return;
    }
    assert.equal(stream.status, 0);
    world.exchange().respond(200);
    assert.deepEqual([stream.status, stream.flags, stream.info.attemptCount], [200, '', 2]);
    assert.deepEqual(retryStats(world), { ...NONE, retry: 1, retry_success: 1 });
    assert.equal(world.stat(`cluster.echo.retry.upstream_rq_${status}`), 1);
    assert.equal(world.stat('cluster.echo.upstream_rq_completed'), 1);
    assert.equal(world.retries.used, 0);
  });
}

for (const [retryOn, reason, retried] of [
  ['5xx', 'connection termination', true],
  ['gateway-error', 'remote reset', true],
  ['reset', 'connection termination', true],
  ['reset-before-request', 'protocol error', false],
  ['connect-failure', 'protocol error', false],
  ['refused-stream', 'remote refused stream reset', true],
  ['refused-stream', 'remote reset', false],
  ['retriable-4xx', 'connection termination', false],
] as const) {
  test(`${retryOn}: '${reason}' of a fresh connection is ${retried ? '' : 'not '}retried`, () => {
    const world = worldWith({ retry_on: retryOn });
    world.reused = false;
    const stream = world.request();
    world.exchange().die(reason);
    world.dispatcher.advance(1);
    assert.equal(world.exchanges.length, retried ? 2 : 1);
    assert.equal(stream.status, retried ? 0 : reason === 'protocol error' ? 502 : 503);
  });
}

for (const [retryOn, reason, retried] of [
  ['connect-failure', 'remote connection failure', true],
  ['connect-failure', 'connection timeout', true],
  ['reset-before-request', 'remote connection failure', true],
  ['5xx', 'local connection failure', true],
  ['refused-stream', 'remote connection failure', false],
  ['5xx', 'overflow', false],
] as const) {
  test(`${retryOn}: pool failure '${reason}' is ${retried ? '' : 'not '}retried`, () => {
    const world = worldWith({ retry_on: retryOn });
    world.idleConnections = false;
    world.request();
    world.failPool(reason);
    world.dispatcher.advance(1);
    assert.equal(world.newStreams, retried ? 2 : 1);
  });
}

test('one retry by default; used up, the last answer goes down with URX', () => {
  const world = worldWith({ retry_on: '5xx' });
  const stream = world.request();
  world.exchange().respond(503, 'first');
  world.dispatcher.advance(1);
  world.exchange().respond(503, 'second');
  assert.deepEqual(
    [stream.status, stream.body, stream.flags, stream.details],
    [503, 'second', 'URX', 'via_upstream'],
  );
  assert.deepEqual(retryStats(world), { ...NONE, retry: 1, retry_limit_exceeded: 1 });
  assert.equal(world.pools[0]?.host.stats.rqError, 2);
});

test('a reset after a retry says so in the body and carries URX beside its own flag', () => {
  const world = worldWith({ retry_on: 'connect-failure', num_retries: 2 });
  world.idleConnections = false;
  const stream = world.request();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    world.failPool('remote connection failure');
    world.dispatcher.advance(1);
  }
  const text = 'retried and the latest reset reason: remote connection failure';
  assert.equal(stream.body, `upstream connect error or disconnect/reset before headers. ${text}`);
  assert.deepEqual([stream.flags, stream.info.attemptCount], ['URX,UF', 3]);
  assert.deepEqual(retryStats(world), { ...NONE, retry: 2, retry_limit_exceeded: 1 });
});

test('a full retry breaker passes the answer on with UO', () => {
  const world = worldWith({ retry_on: '5xx' });
  world.retries.limit = 0;
  const stream = world.request();
  world.exchange().respond(503);
  assert.deepEqual([stream.status, stream.flags], [503, 'UO']);
  assert.deepEqual(retryStats(world), { ...NONE, retry_overflow: 1 });
});

test('the retry breaker is held during the back-off and given back when the client goes', () => {
  const world = worldWith({ retry_on: '5xx' });
  const stream = world.request();
  world.exchange().respond(503);
  assert.equal(world.retries.used, 1);
  stream.destroy();
  assert.equal(world.retries.used, 0);
  world.dispatcher.advance(1000);
  assert.equal(world.exchanges.length, 1);
});

test('the back-off grows 25, 75, 175 ms and stops at ten times the base, with full jitter', () => {
  const world = new World({
    routes: routeTo({ timeout: 0, retry_policy: { retry_on: '5xx', num_retries: 5 } }),
  });
  world.dispatcher.randoms.push(0.999, 0.999, 0.999, 0.999, 0.5);
  world.request();
  for (const wait of [24, 74, 174, 249, 125]) {
    const before = world.exchanges.length;
    world.exchange().respond(503);
    world.dispatcher.advance(wait - 1);
    assert.equal(world.exchanges.length, before, `not before ${wait} ms`);
    world.dispatcher.advance(1);
    assert.equal(world.exchanges.length, before + 1);
  }
  assert.equal(world.stat('cluster.echo.upstream_rq_retry_backoff_exponential'), 5);
});

test('an answer may say when to come back', () => {
  const world = worldWith({
    retry_on: '5xx',
    rate_limited_retry_back_off: { reset_headers: [{ name: 'Retry-After', format: 'SECONDS' }] },
  });
  world.request();
  world.exchange().respond(503, null, { 'retry-after': '2' });
  world.dispatcher.advance(1999);
  assert.equal(world.exchanges.length, 1);
  world.dispatcher.advance(1);
  assert.equal(world.exchanges.length, 2);
  assert.equal(world.stat('cluster.echo.upstream_rq_retry_backoff_ratelimited'), 1);
});

test('the route timeout runs on through the back-off and is not retried', () => {
  const world = new World({
    routes: routeTo({ timeout: 100, retry_policy: { retry_on: '5xx', num_retries: 9 } }),
  });
  world.dispatcher.randoms.push(0.999, 0.999, 0.999, 0.999);
  const stream = world.request();
  world.exchange().respond(503);
  world.dispatcher.advance(24);
  world.exchange().respond(503);
  world.dispatcher.advance(74);
  world.exchange().respond(503);
  world.dispatcher.advance(2);
  assert.deepEqual([stream.status, stream.details], [504, 'response_timeout']);
  assert.equal(world.retries.used, 0);
  world.dispatcher.advance(1000);
  assert.equal(world.exchanges.length, 3);
});

test('a per-try timeout is retried and tells the upstream so when asked to', () => {
  const routes = routeTo(
    { retry_policy: { retry_on: '5xx', per_try_timeout: 50 } },
    { include_is_timeout_retry_header: true, include_request_attempt_count: true },
  );
  const world = new World({ routes });
  world.dispatcher.randoms.push(0);
  const stream = world.request();
  assert.equal(world.exchange().head?.get('x-envoy-attempt-count'), '1');
  world.dispatcher.advance(51);
  const [first, second] = world.exchanges;
  assert.equal(first?.resetBy, 'local reset');
  assert.equal(second?.head?.get('x-envoy-is-timeout-retry'), 'true');
  assert.equal(second?.head?.get('x-envoy-attempt-count'), '2');
  second?.respond(200, 'late but fine');
  assert.deepEqual([stream.status, stream.body], [200, 'late but fine']);
});

test('no retry once a 1xx or the response head went down', () => {
  const world = worldWith({ retry_on: '5xx,reset' });
  const early = world.request();
  const hint = get();
  hint.status = 103;
  world.exchange().decoder.decodeInformational(hint);
  world.exchange().die('connection termination');
  assert.deepEqual([early.informational, early.status], [[103], 503]);
  const late = world.request();
  world.exchange().respondHead(200);
  world.exchange().die('connection termination');
  assert.equal(late.reset, true);
  assert.deepEqual(retryStats(world), NONE);
});

test('headers of the request ask for retries without a policy', () => {
  const world = new World();
  world.dispatcher.randoms.push(0, 0);
  world.request(get('/', { 'x-envoy-retry-on': '5xx, unknown', 'x-envoy-max-retries': '2' }));
  for (const status of [500, 502]) {
    world.exchange().respond(status);
    world.dispatcher.advance(1);
  }
  assert.equal(world.exchanges.length, 3);
  assert.equal(world.exchange().head?.get('x-envoy-retry-on'), null);
});

test('only requests that match retriable_request_headers are retried', () => {
  const policy = {
    retry_on: '5xx',
    retriable_request_headers: [{ name: ':method', string_match: { exact: 'GET' } }],
  };
  const world = worldWith(policy);
  world.request(request('POST'));
  world.exchange().respond(503);
  world.dispatcher.advance(1);
  assert.equal(world.exchanges.length, 1);
  world.request();
  world.exchange().respond(503);
  world.dispatcher.advance(1);
  assert.equal(world.exchanges.length, 3);
});

test('previous_hosts avoids hosts that were tried, as often as it may choose again', () => {
  const predicate = [{ name: 'envoy.retry_host_predicates.previous_hosts' }];
  const world = worldWith(
    { retry_on: '5xx', retry_host_predicate: predicate, host_selection_retry_max_attempts: 3 },
    2,
  );
  const stream = world.request();
  // The other request takes the second host's turn: round robin would come back to the first.
  world.request();
  world.exchanges[0]?.respond(503);
  world.dispatcher.advance(1);
  const tried = stream.info.upstream.hostsAttempted.map((address) =>
    address.kind === 'ip' ? address.ip : '',
  );
  assert.deepEqual(tried, ['127.0.0.1', '127.0.0.2']);
});

test('a body is replayed whole, with what came during the back-off and its trailers', () => {
  const world = worldWith({ retry_on: '5xx' });
  const stream = world.request(request('PUT'), false);
  stream.data('one ');
  stream.data('two ');
  world.exchange().respond(503);
  stream.data('three');
  const trailers = get();
  stream.filter?.decodeTrailers(trailers);
  world.dispatcher.advance(1);
  const second = world.exchange();
  assert.deepEqual([second.body, second.ended, second.trailers], ['one two three', true, trailers]);
  second.respond(200);
  assert.equal(stream.status, 200);
});

test('a body beyond the buffer limit ends retrying, the request itself goes on', () => {
  const world = worldWith({ retry_on: '5xx' });
  const stream = world.request(request('PUT'), false);
  stream.data('x'.repeat(1000));
  stream.data('y'.repeat(1000), true);
  assert.equal(world.exchange().body.length, 2000);
  assert.equal(world.stat('cluster.echo.retry_or_shadow_abandoned'), 1);
  world.exchange().respond(503);
  assert.equal(stream.status, 503);
  assert.deepEqual(retryStats(world), NONE);
});

test('a body that outgrows the limit during the back-off is 507', () => {
  const world = worldWith({ retry_on: '5xx' });
  const stream = world.request(request('PUT'), false);
  world.exchange().respond(503);
  stream.data('x'.repeat(2000));
  assert.deepEqual([stream.status, stream.details], [507, 'request_payload_exceeded_retry_buffer_limit']);
  assert.equal(stream.body, 'exceeded request buffer limit while retrying upstream');
  world.dispatcher.advance(100);
  assert.equal(world.exchanges.length, 1);
});

/** A reused connection that dies under a request; `flushed`: the kernel had taken the request's bytes. */
function idleClose(retryOn: string | null, method: string, reason: ResetReason, flushed: boolean): World {
  const world = new World({
    routes: routeTo(retryOn === null ? {} : { retry_policy: { retry_on: retryOn, num_retries: 0 } }),
  });
  world.request(request(method));
  if (flushed) world.exchange().connection.flush();
  world.exchange().die(reason);
  world.dispatcher.advance(1);
  return world;
}

for (const [retryOn, method, reason, flushed, retried] of [
  [null, 'GET', 'connection termination', true, false],
  ['reset-before-request', 'GET', 'connection termination', true, true],
  ['connect-failure', 'PUT', 'remote reset', true, true],
  ['reset', 'POST', 'connection termination', true, false],
  ['reset', 'POST', 'connection termination', false, true],
  ['reset', 'GET', 'protocol error', true, false],
  ['5xx', 'GET', 'connection termination', true, false],
] as const) {
  const when = `${method} ${flushed ? 'sent' : 'unsent'}, '${reason}', retry_on ${retryOn ?? 'none'}`;
  test(`idle-close race: ${when}: ${retried ? 'sent once more' : 'not sent again'}`, () => {
    const world = idleClose(retryOn, method, reason, flushed);
    assert.equal(world.exchanges.length, retried ? 2 : 1);
    assert.equal(retryStats(world)['retry_idle_close'], retried ? 1 : 0);
  });
}

test('idle-close race: once per request, not for a fresh connection, not behind a response byte', () => {
  const world = idleClose('reset-before-request', 'GET', 'connection termination', true);
  world.exchange().connection.flush();
  world.exchange().die('connection termination');
  world.dispatcher.advance(1);
  assert.equal(world.exchanges.length, 2);

  const fresh = new World({ routes: routeTo({ retry_policy: { retry_on: 'reset-before-request' } }) });
  fresh.reused = false;
  const unlucky = fresh.request();
  fresh.exchange().die('connection termination');
  assert.deepEqual([unlucky.status, unlucky.flags], [503, 'UC']);

  const begun = new World({ routes: routeTo({ retry_policy: { retry_on: 'reset-before-request' } }) });
  const partial = begun.request();
  begun.exchange().decoder.onWire(null, 3);
  begun.exchange().die('connection termination');
  assert.equal(partial.status, 503);
});
