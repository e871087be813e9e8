import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import type { ScalarView } from '../../src/api/stats.ts';
import type { HostSnapshot } from '../../src/api/upstream.ts';
import { MergedStats } from '../../src/observe/stats/merged-stats.ts';
import { PrometheusText } from '../../src/observe/stats/prometheus.ts';
import { SlabStats } from '../../src/observe/stats/slab-stats.ts';
import { cellOf } from '../../src/upstream/breaker/thresholds.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { ClusterFigures } from '../../src/upstream/cluster-figures.ts';
import { hostSnapshot } from './fakes.ts';

const CONNECTIONS = cellOf('default', 'connections');

class FiguresBench {
  readonly counts = SharedCounts.allocate(2, 64);
  readonly figures = new ClusterFigures(this.counts);
  readonly merged = new MergedStats();

  constructor() {
    this.merged.addComputed(this.figures);
  }

  add(row: number, config: Cluster, hosts: readonly HostSnapshot[] = []) {
    const taken = this.figures.take(config);
    taken.membership.update([], hosts);
    taken.limit(row, config);
    return taken;
  }

  views(): ScalarView[] {
    this.merged.refresh();
    return [...this.merged.counters(), ...this.merged.gauges()];
  }

  view(name: string): ScalarView | undefined {
    return this.views().find((view) => view.name === name);
  }
}

test('a cluster has its counters and gauges under its name, in order, and what is tracked besides', () => {
  const bench = new FiguresBench();
  bench.add(1, { name: 'a:b' }, [hostSnapshot(1)]);
  bench.add(2, { name: 'x', circuit_breakers: { thresholds: [{ track_remaining: true }] } });
  const names = bench.merged.gauges().map((view) => view.name);
  assert.deepEqual(names, [...names].sort());
  const ofCluster = (prefix: string) =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const breakers = ['default', 'high'].flatMap((priority) =>
    ['cx_open', 'cx_pool_open', 'rq_open', 'rq_pending_open', 'rq_retry_open'].map(
      (name) => `circuit_breakers.${priority}.${name}`,
    ),
  );
  const members = ['degraded', 'excluded', 'healthy', 'total'].map((name) => `membership_${name}`);
  assert.deepEqual(ofCluster('cluster.a_b.'), [...breakers, 'max_host_weight', ...members]);
  const remaining = ['cx', 'pending', 'retries', 'rq'].map(
    (name) => `circuit_breakers.default.remaining_${name}`,
  );
  assert.deepEqual(
    ofCluster('cluster.x.'),
    [...breakers, ...remaining, 'max_host_weight', ...members].sort(),
  );
  assert.deepEqual(
    bench.merged
      .counters()
      .map((view) => view.name.replace('cluster.a_b.', ''))
      .slice(0, 6),
    [
      'membership_change',
      'update_attempt',
      'update_empty',
      'update_failure',
      'update_no_rebuild',
      'update_success',
    ],
  );
  assert.equal(bench.view('cluster.a_b.membership_total')?.value, 1);
  assert.equal(bench.view('cluster.a_b.membership_total')?.tagEnd, 'cluster.a_b'.length);
});

test('names of clusters that go on with a character below the dot do not upset the order', () => {
  const bench = new FiguresBench();
  const worker = new SlabStats({ announce: (message) => bench.merged.adopt('worker_0', message) });
  for (const name of ['a', 'a-b', 'a.b', 'a.membership_total', 'a_b', 'Z']) {
    bench.add(1, { name });
    worker.scope('cluster').scope(name).gauge('upstream_cx_active');
  }
  worker.announceNow();
  const names = bench.merged.gauges().map((view) => view.name);
  assert.deepEqual(names, [...names].sort());
  assert.equal(names.length, 6 * 16);
});

test('reset counters start at zero and stay used; gauges stay', () => {
  const bench = new FiguresBench();
  const { membership } = bench.add(1, { name: 'a' }, [hostSnapshot(1)]);
  membership.attempt += 3;
  bench.merged.resetCounters();
  const { value, used } = bench.view('cluster.a.update_attempt')!;
  assert.deepEqual([value, used], [0, true]);
  assert.equal(bench.view('cluster.a.update_failure')?.used, false);
  assert.equal(bench.view('cluster.a.membership_total')?.value, 1);
  membership.attempt += 1;
  assert.equal(bench.view('cluster.a.update_attempt')?.value, 1);
  membership.update([hostSnapshot(1)], []);
  const total = bench.view('cluster.a.membership_total')!;
  assert.deepEqual([total.value, total.used], [0, true]);
});

test('a breaker that was open at a flush is used afterwards, though nobody read it then', () => {
  const bench = new FiguresBench();
  bench.add(5, { name: 'a', circuit_breakers: { thresholds: [{ max_connections: 1 }] } });
  bench.counts.add(5, 1, CONNECTIONS, 1);
  bench.merged.flush();
  bench.counts.add(5, 1, CONNECTIONS, -1);
  const { value, used } = bench.view('cluster.a.circuit_breakers.default.cx_open')!;
  assert.deepEqual([value, used], [0, true]);
  assert.equal(bench.view('cluster.a.circuit_breakers.high.cx_open')?.used, false);
});

test('clusters of one alt_stat_name share their numbers until the last of them has gone', () => {
  const bench = new FiguresBench();
  const [first, second] = [
    { name: 'a', alt_stat_name: 'shared' },
    { name: 'b', alt_stat_name: 'shared.' },
  ];
  bench.add(1, first).membership.attempt += 1;
  bench.add(2, second).membership.attempt += 1;
  assert.equal(bench.view('cluster.shared.update_attempt')?.value, 2);
  bench.figures.give(first);
  assert.equal(bench.view('cluster.shared.update_attempt')?.value, 2);
  bench.figures.give(second);
  assert.deepEqual(bench.views(), []);
});

test('a cluster that takes its own place goes on counting', () => {
  const bench = new FiguresBench();
  bench.add(1, { name: 'a' }).membership.attempt += 1;
  bench.add(1, { name: 'a', connect_timeout: 1 });
  bench.figures.give({ name: 'a' });
  assert.equal(bench.view('cluster.a.update_attempt')?.value, 1);
});

test('the exposition labels them with the name of their cluster', async () => {
  const bench = new FiguresBench();
  bench.add(1, { name: 'a.b' }, [hostSnapshot(1)]);
  let body = '';
  for await (const piece of new PrometheusText(bench.merged).pieces()) body += piece;
  assert.match(body, /^envoy_cluster_membership_total\{envoy_cluster_name="a\.b"\} 1$/m);
  assert.match(body, /^envoy_cluster_circuit_breakers_high_rq_open\{envoy_cluster_name="a\.b"\} 0$/m);
});
