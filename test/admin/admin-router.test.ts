import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminRouter } from '../../src/admin/admin-router.ts';
import { ENDPOINTS } from '../../src/admin/endpoints/index.ts';
import { FakeContext } from './fake-context.ts';

type Answer = { status: number; type: string; body: string; afterwards: (() => void) | undefined };

async function call(
  context: FakeContext,
  target: string,
  method = 'GET',
  extra: { form?: string; crossSite?: boolean; allow?: { exact?: string; prefix?: string }[] } = {},
): Promise<Answer> {
  const router = new AdminRouter(context, extra.allow);
  const reply = await router.route({
    method,
    target,
    form: extra.form ?? '',
    crossSite: extra.crossSite ?? false,
  });
  let body = '';
  if (typeof reply.body === 'string') body = reply.body;
  else for await (const piece of reply.body) body += piece;
  return { status: reply.status, type: reply.contentType, body, afterwards: reply.afterwards };
}

async function text(context: FakeContext, target: string, method = 'GET'): Promise<string> {
  const { status, body } = await call(context, target, method);
  assert.equal(status, 200, body);
  return body;
}

async function json(context: FakeContext, target: string): Promise<unknown> {
  const { status, type, body } = await call(context, target);
  assert.equal(status, 200, body);
  assert.equal(type, 'application/json');
  return JSON.parse(body);
}

async function withStats(): Promise<FakeContext> {
  const context = new FakeContext();
  const scope = context.worker.scope('cluster.a.b');
  scope.counter('upstream_rq_total').add(5);
  scope.counter('upstream_cx_total');
  scope.gauge('upstream_cx_active').set(2);
  scope.histogram('upstream_rq_time').record(3);
  scope.histogram('upstream_cx_length_ms');
  context.worker.hostStats('a.b', '127.0.0.1:1').rqTotal = 9;
  context.worker.announceNow();
  return context;
}

test('a mutating path refuses every method but POST, in the words of Envoy', async () => {
  for (const endpoint of ENDPOINTS.filter(({ mutates }) => mutates)) {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const context = new FakeContext();
      const answer = await call(context, endpoint.path, method);
      assert.equal(answer.status, 405);
      assert.equal(answer.body, `Method ${method} not allowed, POST required.`);
      assert.deepEqual(context.calls, []);
    }
  }
});

test('a reading path answers GET, HEAD and POST and refuses the rest', async () => {
  for (const endpoint of ENDPOINTS.filter(({ mutates }) => !mutates)) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      assert.equal((await call(new FakeContext(), endpoint.path, method)).status, 200, endpoint.path);
    }
    assert.equal((await call(new FakeContext(), endpoint.path, 'DELETE')).status, 405);
  }
});

test('an unknown path is answered 404 with the help behind it', async () => {
  for (const path of ['/nothing', '/stats/', '//', '/__proto__', '/Ready']) {
    const { status, body } = await call(new FakeContext(), path);
    assert.equal(status, 404);
    assert.ok(body.startsWith('invalid path. admin commands are:\n  /: Admin home page\n'));
    for (const endpoint of ENDPOINTS) assert.ok(body.includes(`  ${endpoint.path}`));
  }
});

test('only allowed paths are served when the bootstrap lists some', async () => {
  const allow = [{ exact: '/ready' }, { prefix: '/stats' }];
  assert.equal((await call(new FakeContext(), '/ready?x=1', 'GET', { allow })).status, 200);
  assert.equal((await call(new FakeContext(), '/stats/prometheus', 'GET', { allow })).status, 200);
  const refused = await call(new FakeContext(), '/quitquitquit', 'POST', { allow });
  assert.equal(refused.status, 403);
  assert.equal(refused.body, 'request to path /quitquitquit not allowed\n');
});

test('a browser that another site sends here cannot change the proxy', async () => {
  const context = new FakeContext();
  assert.equal((await call(context, '/quitquitquit', 'POST', { crossSite: true })).status, 403);
  assert.equal((await call(context, '/ready', 'GET', { crossSite: true })).status, 200);
});

test('ready is 200 only while live', async () => {
  const context = new FakeContext();
  assert.equal(await text(context, '/ready'), 'LIVE\n');
  for (const state of ['DRAINING', 'PRE_INITIALIZING', 'INITIALIZING'] as const) {
    context.serverState = state;
    const answer = await call(context, '/ready');
    assert.deepEqual([answer.status, answer.body], [503, `${state}\n`]);
  }
});

test('server_info has the fields of Envoy with durations in whole seconds', async () => {
  assert.deepEqual(await json(new FakeContext(), '/server_info'), {
    version: '<nodeproxy>/0.1.0',
    state: 'LIVE',
    uptime_current_epoch: '6s',
    uptime_all_epochs: '61s',
    hot_restart_version: 'disabled',
    command_line_options: { concurrency: 2, drain_time: '600s' },
    node: { id: 'n', cluster: 'c' },
  });
});

test('the home page links what reads, posts what changes and escapes what it shows', async () => {
  const { body, type } = await call(new FakeContext(), '/');
  assert.equal(type, 'text/html; charset=UTF-8');
  assert.ok(body.includes('&lt;nodeproxy&gt;/0.1.0') && !body.includes('<nodeproxy>'));
  for (const { path, mutates } of ENDPOINTS.filter((endpoint) => endpoint.path !== '/')) {
    const name = path.slice(1);
    assert.ok(body.includes(mutates ? `action="${name}" method="post"` : `href="${name}"`), path);
  }
  assert.ok(!body.includes('<script') && !body.includes('http://') && !body.includes('https://'));
});

test('help indents each command by two spaces and marks what needs POST', async () => {
  const lines = (await text(new FakeContext(), '/help')).trimEnd().split('\n');
  assert.equal(lines.shift(), 'admin commands are:');
  assert.ok(lines.every((line) => line.startsWith('  ')));
  assert.ok(lines.includes('  /quitquitquit (POST): exit the server'));
});

test('clusters in text come in the order of Envoy, every key', async () => {
  const host = 'echo::127.0.0.1:9000';
  assert.deepEqual((await text(new FakeContext(), '/clusters')).trimEnd().split('\n'), [
    'echo::observability_name::echo_alt',
    'echo::default_priority::max_connections::1024',
    'echo::default_priority::max_pending_requests::1025',
    'echo::default_priority::max_requests::1026',
    'echo::default_priority::max_retries::3',
    'echo::high_priority::max_connections::7',
    'echo::high_priority::max_pending_requests::1025',
    'echo::high_priority::max_requests::1026',
    'echo::high_priority::max_retries::3',
    'echo::added_via_api::false',
    `${host}::cx_active::1`,
    `${host}::cx_connect_fail::2`,
    `${host}::cx_total::3`,
    `${host}::rq_active::0`,
    `${host}::rq_error::5`,
    `${host}::rq_success::6`,
    `${host}::rq_timeout::7`,
    `${host}::rq_total::8`,
    `${host}::hostname::echo.local`,
    `${host}::health_flags::/failed_active_hc/failed_outlier_check`,
    `${host}::weight::1`,
    `${host}::region::`,
    `${host}::zone::z1`,
    `${host}::sub_zone::`,
    `${host}::canary::false`,
    `${host}::priority::0`,
    `${host}::success_rate::-1`,
    `${host}::local_origin_success_rate::-1`,
  ]);
});

test('clusters in JSON are proto JSON: defaults left out, 64-bit numbers as strings', async () => {
  const { cluster_statuses: statuses } = (await json(new FakeContext(), '/clusters?format=json')) as {
    cluster_statuses: Record<string, unknown>[];
  };
  const { host_statuses: hosts, ...cluster } = statuses[0]!;
  const limits = { max_pending_requests: 1025, max_requests: 1026, max_retries: 3 };
  assert.deepEqual(cluster, {
    name: 'echo',
    circuit_breakers: {
      thresholds: [
        { max_connections: 1024, ...limits },
        { priority: 'HIGH', max_connections: 7, ...limits },
      ],
    },
    observability_name: 'echo_alt',
  });
  const [host] = hosts as Record<string, unknown>[];
  assert.deepEqual(host!['address'], { socket_address: { address: '127.0.0.1', port_value: 9000 } });
  assert.deepEqual((host!['stats'] as unknown[]).slice(0, 4), [
    { name: 'cx_active', value: '1', type: 'GAUGE' },
    { name: 'cx_connect_fail', value: '2' },
    { name: 'cx_total', value: '3' },
    { name: 'rq_active', type: 'GAUGE' },
  ]);
  assert.deepEqual(host!['health_status'], {
    failed_active_health_check: true,
    failed_outlier_check: true,
    eds_health_status: 'HEALTHY',
  });
  assert.deepEqual(host!['locality'], { zone: 'z1' });
  assert.equal('priority' in host!, false);
});

test('listeners show the bound address in text and JSON', async () => {
  const context = new FakeContext();
  assert.equal(await text(context, '/listeners'), 'in::[::1]:8080\npipe::/run/x\n');
  assert.deepEqual(await json(context, '/listeners?format=json'), {
    listener_statuses: [
      { name: 'in', local_address: { socket_address: { address: '::1', port_value: 8080 } } },
      { name: 'pipe', local_address: { pipe: { path: '/run/x' } } },
    ],
  });
});

test('memory adds the threads up, in strings', async () => {
  const memory = (await json(new FakeContext(), '/memory')) as Record<string, unknown>;
  assert.equal(memory['allocated'], '30');
  assert.equal(memory['heap_size'], '70');
  assert.equal(memory['pageheap_free'], '40');
  assert.equal(memory['total_physical_bytes'], '1000');
});

test('the teaching pages are tables in text and lists in JSON', async () => {
  const context = new FakeContext();
  assert.match(await text(context, '/threads'), /^worker_0 +worker +42 +running +50\.0% +1234 +3 +0$/m);
  assert.match(await text(context, '/pools'), /^worker_0 +echo +127\.0\.0\.1:9000 +HTTP\/1\.1 +1 +2 +0 +4$/m);
  const loops = await text(context, '/dispatcher');
  assert.match(loops, /^main_thread +9 +- +- +0\.250 +3\.000$/m);
  assert.match(loops, /^worker_0 +1234 +0\.125 +2\.500 +0\.250 +3\.000$/m);
  const dump = (await json(context, '/dispatcher?format=json')) as { dispatchers: { lagP50Ms: unknown }[] };
  assert.equal(dump.dispatchers[0]!.lagP50Ms, null);
  assert.equal(((await json(context, '/threads?format=json')) as { threads: unknown[] }).threads.length, 2);
  assert.equal(((await json(context, '/pools?format=json')) as { pools: unknown[] }).pools.length, 1);
  for (const path of ['/threads', '/pools', '/dispatcher', '/clusters', '/listeners']) {
    assert.equal((await call(context, `${path}?format=xml`)).status, 400);
  }
});

test('logging lists levels, changes all, one or some, and nothing when a part is wrong', async () => {
  const context = new FakeContext();
  const post = (target: string) => call(context, target, 'POST');
  assert.equal((await post('/logging')).body, 'active loggers:\n  http: info\n  main: info\n\n');
  assert.equal(
    (await post('/logging?level=debug')).body,
    'active loggers:\n  http: debug\n  main: debug\n\n',
  );
  assert.match((await post('/logging?http=trace')).body, /http: trace\n {2}main: debug/);
  assert.match((await post('/logging?paths=http:off,main:info')).body, /http: off\n {2}main: info/);
  context.calls.length = 0;
  const wrong = ['?level=loud', '?nobody=info', '?paths=http:debug,x:info', '?paths=http', '?__proto__=info'];
  for (const target of wrong) {
    const answer = await post(`/logging${target}`);
    assert.equal(answer.status, 400, target);
    assert.match(answer.body, /^error: unknown logger (name|level) .*\nusage: /);
  }
  assert.deepEqual(context.calls, []);
  const form = await call(context, '/logging', 'POST', { form: 'paths=&level=trace' });
  assert.match(form.body, /http: trace\n {2}main: trace/);
});

test('life cycle commands answer OK and reach the server', async () => {
  const context = new FakeContext();
  const paths = [
    '/reopen_logs',
    '/reset_counters',
    '/healthcheck/fail',
    '/healthcheck/ok',
    '/drain_listeners',
  ];
  for (const path of paths) assert.equal(await text(context, path, 'POST'), 'OK\n');
  await text(context, '/drain_listeners?graceful&skip_exit', 'POST');
  assert.deepEqual(context.calls, [
    'reopenLogs',
    'resetCounters',
    'healthcheck fail',
    'healthcheck ok',
    'drainListeners {"graceful":false,"skipExit":false}',
    'drainListeners {"graceful":true,"skipExit":true}',
  ]);
  assert.equal((await call(context, '/drain_listeners?skip_exit', 'POST')).status, 400);
  assert.equal((await call(context, '/drain_listeners?inboundonly', 'POST')).status, 400);
  assert.equal(context.calls.length, 6);
});

test('quitquitquit quits only after its answer has left', async () => {
  const context = new FakeContext();
  const answer = await call(context, '/quitquitquit', 'POST');
  assert.deepEqual([answer.body, context.calls], ['OK\n', []]);
  answer.afterwards!();
  assert.deepEqual(context.calls, ['quit']);
});

test('config_dump selects by resource, mask and name', async () => {
  const context = new FakeContext();
  type Dump = { configs: Record<string, unknown>[] };
  const dump = async (query: string) => ((await json(context, `/config_dump${query}`)) as Dump).configs;
  assert.deepEqual(await dump(''), context.configDump());
  const item = '@type';
  const type = 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster';
  assert.deepEqual(await dump('?resource=static_clusters&name_regex=ot.*&mask=cluster.name'), [
    { [item]: type, cluster: { name: 'other' } },
  ]);
  assert.deepEqual(await dump('?resource=dynamic_listeners'), []);
  assert.deepEqual(await dump('?mask=bootstrap.node.id,static_clusters.cluster.name'), [
    { [item]: context.configDump()[0]![item], bootstrap: { node: { id: 'n' } } },
    {
      [item]: context.configDump()[1]![item],
      static_clusters: [{ cluster: { name: 'echo' } }, { cluster: { name: 'other' } }],
    },
  ]);
  const named = await dump('?name_regex=ech');
  assert.deepEqual(named[1]!['static_clusters'], []);
  assert.equal((await call(context, '/config_dump?resource=nothing')).status, 404);
  assert.equal((await call(context, '/config_dump?resource=bootstrap')).status, 400);
  assert.equal((await call(context, '/config_dump?name_regex=(')).status, 400);
});

test('stats in text are sorted, histograms last, per-host numbers hidden', async () => {
  assert.equal(
    await text(await withStats(), '/stats'),
    [
      'cluster.a.b.upstream_cx_active: 2',
      'cluster.a.b.upstream_cx_total: 0',
      'cluster.a.b.upstream_rq_total: 5',
      'stats.overflow: 0',
      'cluster.a.b.upstream_cx_length_ms: No recorded values',
      'cluster.a.b.upstream_rq_time: P0(nan,2.875) P25(nan,2.90625) P50(nan,2.9375) P75(nan,2.96875) P90(nan,2.9875) P95(nan,2.99375) P99(nan,2.99875) P99.5(nan,2.99938) P99.9(nan,2.99987) P100(nan,3)',
      '',
    ].join('\n'),
  );
});

test('stats are selected by use, type, regular expression and hiding', async () => {
  const context = await withStats();
  const names = async (query: string) =>
    (await text(context, `/stats?${query}`))
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/: .*$/, '').replace('cluster.a.b.', ''));
  assert.deepEqual(await names('usedonly'), ['upstream_cx_active', 'upstream_rq_total', 'upstream_rq_time']);
  assert.deepEqual(await names('type=Gauges'), ['upstream_cx_active']);
  assert.deepEqual(await names('type=Histograms&usedonly'), ['upstream_rq_time']);
  assert.deepEqual(await names('filter=rq_t'), ['upstream_rq_total', 'upstream_rq_time']);
  assert.deepEqual(await names('filter=%5Estats'), ['stats.overflow']);
  assert.deepEqual(await names('hidden=showonly&usedonly'), ['host.127.0.0.1_1.rq_total']);
  assert.deepEqual(await names('type=TextReadouts'), ['']);
  const wrong = ['filter=(', `filter=${'a'.repeat(1025)}`, 'type=x', 'format=xml', 'hidden=x'];
  for (const query of [...wrong, 'histogram_buckets=x']) {
    assert.equal((await call(context, `/stats?${query}`)).status, 400, query);
  }
});

test('stats as a page show the text of the same question, and the question in its form', async () => {
  const context = await withStats();
  const query = 'usedonly&filter=rq_(total%7Ctime)%22%3E&type=All';
  const { body, type } = await call(context, `/stats?${query}&format=html`);
  assert.equal(type, 'text/html; charset=UTF-8');
  assert.ok(body.includes('value="rq_(total|time)&quot;&gt;"') && !body.includes('time)">'));
  assert.match(body, /name="usedonly" value="1" checked>/);
  assert.match(body, /<option selected>html<\/option>/);
  const plain = 'usedonly&filter=rq_total';
  const page = await call(context, `/stats?${plain}&format=html`);
  const shown = /<pre>([^]*)<\/pre>/.exec(page.body)?.[1] ?? '';
  assert.ok(shown.includes('cluster.a.b.upstream_rq_total: '));
  assert.equal(shown, await text(context, `/stats?${plain}`));
  assert.ok(!page.body.includes('<script'));
});

test('a hostile filter costs no time', async () => {
  const context = await withStats();
  context.worker.counter(`x${'a'.repeat(20_000)}!`).inc();
  context.worker.announceNow();
  assert.equal((await call(context, '/stats?filter=(a%2B)%2B%24')).status, 200);
});

test('stats in JSON hold the quantiles of all histograms in one entry', async () => {
  const { stats } = (await json(await withStats(), '/stats?format=json&usedonly')) as { stats: unknown[] };
  assert.deepEqual(stats.slice(0, 2), [
    { name: 'cluster.a.b.upstream_cx_active', value: 2 },
    { name: 'cluster.a.b.upstream_rq_total', value: 5 },
  ]);
  const { histograms } = stats[2] as {
    histograms: { supported_quantiles: number[]; computed_quantiles: { name: string; values: unknown[] }[] };
  };
  assert.deepEqual(histograms.supported_quantiles, [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]);
  assert.equal(histograms.computed_quantiles[0]!.name, 'cluster.a.b.upstream_rq_time');
  assert.deepEqual(histograms.computed_quantiles[0]!.values.at(-1), { interval: null, cumulative: 3 });
});

test('histograms show their buckets cumulative, disjoint or in detail', async () => {
  const context = await withStats();
  context.stats.flush();
  context.worker.scope('cluster.a.b').histogram('upstream_rq_time').record(40);
  const page = (mode: string) => text(context, `/stats?type=Histograms&usedonly&histogram_buckets=${mode}`);
  assert.match(await page('cumulative'), /B1\(0,0\) B5\(1,1\) B10\(1,1\) B25\(1,1\) B50\(1,2\)/);
  assert.match(await page('disjoint'), /B1\(0,0\) B5\(1,1\) B10\(0,0\) B25\(0,0\) B50\(0,1\) B100\(0,0\)/);
  assert.match(await page('detailed'), / {2}totals=2\.875,0\.125:1, 38,2:1\n {2}intervals=2\.875,0\.125:1\n/);
  const dump = await json(
    context,
    '/stats?format=json&type=Histograms&usedonly&histogram_buckets=cumulative',
  );
  const { stats } = dump as { stats: { histograms: { buckets: unknown[] }[] }[] };
  assert.deepEqual(stats[0]!.histograms[0]!.buckets[2], { upper_bound: 5, interval: 1, cumulative: 1 });
});

test('counters start again after reset_counters', async () => {
  const context = await withStats();
  await text(context, '/reset_counters', 'POST');
  assert.match(await text(context, '/stats?filter=rq_total'), /upstream_rq_total: 0\n/);
});

test('the exposition is served under both its addresses', async () => {
  const context = await withStats();
  const { body, type } = await call(context, '/stats/prometheus?usedonly&filter=rq_total');
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(body, /^envoy_cluster_upstream_rq_total\{envoy_cluster_name="a\.b"\} 5$/m);
  assert.equal((await call(context, '/stats?format=prometheus&usedonly&filter=rq_total')).body, body);
  assert.equal((await call(context, '/stats/prometheus?filter=(')).status, 400);
});
