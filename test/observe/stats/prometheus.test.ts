import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MergedStats } from '../../../src/observe/stats/merged-stats.ts';
import { PrometheusText } from '../../../src/observe/stats/prometheus.ts';
import { SlabStats } from '../../../src/observe/stats/slab-stats.ts';
import { extractTags, TagExtraction } from '../../../src/observe/stats/tag-extraction.ts';
import { parseExposition } from './exposition-parser.ts';

function threads() {
  const merged = new MergedStats();
  const make = (name: string) =>
    new SlabStats({ announce: (message) => merged.adopt(name, message), defer: (task) => task() });
  return { merged, first: make('worker_0'), second: make('worker_1') };
}

async function scrape(merged: MergedStats, usedOnly = false) {
  let body = '';
  for await (const piece of new PrometheusText(merged).pieces({ usedOnly })) body += piece;
  return { body, families: parseExposition(body) };
}

const tags = (name: string, tagEnd = 0) => {
  const tagged = extractTags(name, tagEnd);
  return [tagged.name, { ...tagged.labels }];
};

test('configured names and response codes become labels', () => {
  assert.deepEqual(tags('cluster.a.upstream_rq_total'), [
    'envoy_cluster_upstream_rq_total',
    { envoy_cluster_name: 'a' },
  ]);
  assert.deepEqual(tags('cluster.a.upstream_rq_2xx'), [
    'envoy_cluster_upstream_rq_xx',
    { envoy_cluster_name: 'a', envoy_response_code_class: '2' },
  ]);
  assert.deepEqual(tags('cluster.a.b.external.upstream_rq_503', 'cluster.a.b'.length), [
    'envoy_cluster_external_upstream_rq',
    { envoy_cluster_name: 'a.b', envoy_response_code: '503' },
  ]);
  assert.deepEqual(tags('http.ingress.downstream_cx_total'), [
    'envoy_http_downstream_cx_total',
    { envoy_http_conn_manager_prefix: 'ingress' },
  ]);
  assert.deepEqual(tags('tcp.t.downstream_cx_total'), [
    'envoy_tcp_downstream_cx_total',
    { envoy_tcp_prefix: 't' },
  ]);
});

test('the address of a listener ends after its port, with its worker and connection manager behind', () => {
  assert.deepEqual(tags('listener.127.0.0.1_8080.worker_1.downstream_cx_active'), [
    'envoy_listener_worker_downstream_cx_active',
    { envoy_listener_address: '127.0.0.1_8080', envoy_worker_id: '1' },
  ]);
  assert.deepEqual(tags('listener.[__1]_80.http.in.gress.downstream_rq_2xx'), [
    'envoy_listener_http_downstream_rq_xx',
    {
      envoy_http_conn_manager_prefix: 'in.gress',
      envoy_listener_address: '[__1]_80',
      envoy_response_code_class: '2',
    },
  ]);
  assert.deepEqual(tags('listener.edge.downstream_cx_total')[1], { envoy_listener_address: 'edge' });
  assert.deepEqual(tags('server.worker_0.watchdog_miss'), [
    'envoy_server_worker_watchdog_miss',
    { envoy_worker_id: '0' },
  ]);
});

test('a scope that came in one piece with what is below the cluster does not become part of its name', () => {
  const scope = 'cluster.a.b.circuit_breakers.default';
  assert.deepEqual(tags(`${scope}.cx_open`, scope.length), [
    'envoy_cluster_circuit_breakers_default_cx_open',
    { envoy_cluster_name: 'a.b' },
  ]);
});

test('a cluster that is called like a worker keeps its name', () => {
  const scope = 'cluster.x.worker_7';
  assert.deepEqual(tags(`${scope}.upstream_cx_total`, scope.length), [
    'envoy_cluster_upstream_cx_total',
    { envoy_cluster_name: 'x.worker_7' },
  ]);
});

test('what is kept of clusters and of the names below them gives the same names and labels', () => {
  const clusters = [
    'a',
    'a.b',
    'worker_1',
    'x.worker_7',
    'x_rq_503',
    'a.circuit_breakers.z',
    'a-b|80||c',
    '.',
  ];
  const below = [
    'upstream_rq_total',
    'upstream_rq_503',
    'upstream_rq_2xx',
    '_rq_200',
    'rq_200',
    'worker_2.x',
  ];
  below.push('external.upstream_rq_503', 'circuit_breakers.high.cx_open', 'x.worker_3.y_rq_404', 'a-b', '');
  const extraction = new TagExtraction();
  for (let round = 0; round < 2; round += 1)
    for (const root of ['cluster', 'http', 'listener', 'clusters'])
      for (const cluster of clusters)
        for (const name of below) {
          const scope = `${root}.${cluster}`;
          for (const tagEnd of [scope.length, 0, scope.length + 3]) {
            const statName = `${scope}.${name}`;
            const [expected, found] = [extractTags(statName, tagEnd), extraction.tagged(statName, tagEnd)];
            assert.equal(found.name, expected.name, statName);
            assert.equal(JSON.stringify(found.labels), JSON.stringify(expected.labels), statName);
          }
        }
});

test('names without a configured part are left whole', () => {
  assert.deepEqual(tags('server.uptime'), ['envoy_server_uptime', {}]);
  assert.deepEqual(tags('listener_manager.lds-x.update'), ['envoy_listener_manager_lds_x_update', {}]);
  assert.deepEqual(tags('cluster'), ['envoy_cluster', {}]);
});

test('the exposition of two workers is what a scraper accepts, with their sums', async () => {
  const { merged, first, second } = threads();
  for (const stats of [first, second]) {
    for (const name of ['a', 'b.c']) {
      const scope = stats.scope('cluster').scope(name);
      scope.counter('upstream_rq_total').add(2);
      scope.counter('upstream_rq_200').inc();
      scope.counter('upstream_rq_503').inc();
      scope.gauge('upstream_cx_active').set(1.5);
      for (const ms of [0.2, 7, 7, 1e7]) scope.histogram('upstream_rq_time').record(ms);
    }
    stats.hostStats('a', '127.0.0.1:1').rqTotal = 4;
  }
  const { families, body } = await scrape(merged);
  assert.ok(!body.includes('_host_'));
  assert.deepEqual([...families.keys()], [...families.keys()].toSorted());
  assert.deepEqual(families.get('envoy_cluster_upstream_rq_total'), {
    type: 'counter',
    samples: ['a', 'b.c'].map((name) => ({
      name: 'envoy_cluster_upstream_rq_total',
      labels: { envoy_cluster_name: name },
      value: 4,
    })),
  });
  assert.equal(families.get('envoy_cluster_upstream_rq')!.samples.length, 4);
  assert.equal(families.get('envoy_cluster_upstream_cx_active')!.samples[0]!.value, 3);
  const histogram = families.get('envoy_cluster_upstream_rq_time')!.samples;
  const at = (le: string) => histogram.find(({ labels }) => labels['le'] === le)!.value;
  assert.deepEqual(['0.5', '5', '10', '3600000', '+Inf'].map(at), [2, 2, 6, 6, 8]);
  const sum = histogram.find(({ name }) => name.endsWith('_sum'))!.value;
  assert.ok(Math.abs(sum - 2 * (0.2 + 14 + 1e7)) < 1e-6);
});

test('label values with quotes, backslashes and markup survive', async () => {
  const { merged, first } = threads();
  const name = 'we"ird\\na{me}, x="1"';
  first.scope('cluster').scope(name).counter('upstream_rq_total').inc();
  const { families } = await scrape(merged, true);
  assert.equal(
    families.get('envoy_cluster_upstream_rq_total')!.samples[0]!.labels['envoy_cluster_name'],
    name,
  );
});

test('what would be one series twice, or one name with two types, is written once', async () => {
  const { merged, first } = threads();
  first.counter('server.a-b').add(1);
  first.counter('server.a_b').add(2);
  first.gauge('server.a_b').set(3);
  first.histogram('server.a_b').record(1);
  const { families } = await scrape(merged);
  assert.deepEqual(families.get('envoy_server_a_b'), {
    type: 'counter',
    samples: [{ name: 'envoy_server_a_b', labels: {}, value: 1 }],
  });
});

test('usedonly leaves out what was never other than zero', async () => {
  const { merged, first } = threads();
  first.counter('never');
  first.histogram('empty_ms');
  first.counter('once').inc();
  assert.deepEqual([...(await scrape(merged, true)).families.keys()], ['envoy_once']);
  assert.ok((await scrape(merged)).families.has('envoy_empty_ms'));
});

test('thousands of series are written completely, a family at a time, without holding the loop', async () => {
  const { merged, first } = threads();
  const clusters = 1000;
  for (let index = 0; index < clusters; index += 1) {
    const scope = first.scope('cluster').scope(`service-${index}`);
    for (const name of ['upstream_rq_total', 'upstream_cx_total']) scope.counter(name).add(index);
    scope.gauge('upstream_cx_active').set(index);
    scope.histogram('upstream_rq_time').record(index);
  }
  let turns = 0;
  let counting = true;
  const turn = (): void => {
    turns += 1;
    if (counting) setImmediate(turn);
  };
  setImmediate(turn);
  const { families } = await scrape(merged);
  counting = false;
  assert.equal(families.get('envoy_cluster_upstream_rq_total')!.samples.length, clusters);
  assert.equal(families.get('envoy_cluster_upstream_rq_time')!.samples.length, clusters * 22);
  assert.ok(turns >= families.size);
});
