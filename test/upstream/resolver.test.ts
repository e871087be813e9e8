import assert from 'node:assert/strict';
import { setImmediate as settled } from 'node:timers/promises';
import { test } from 'node:test';
import type { Cluster, LbEndpoint } from '../../src/api/envoy.ts';
import type { ClusterSnapshot, HostSnapshot } from '../../src/api/upstream.ts';
import { addressText } from '../../src/base/address-text.ts';
import type { DnsAnswer } from '../../src/upstream/dns-lookup.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { ClusterFigures } from '../../src/upstream/cluster-figures.ts';
import { withoutEndpoints } from '../../src/upstream/endpoints.ts';
import { detailsOf } from '../../src/upstream/host-details.ts';
import { ClusterResolver } from '../../src/upstream/resolver.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';
import { MapStats } from './fakes.ts';

type Zone = Record<string, readonly string[] | Error>;

class ResolverBench {
  readonly dispatcher = new FakeDispatcher();
  readonly stats = new MapStats();
  readonly figures = new ClusterFigures(SharedCounts.allocate(1, 4));
  readonly asked: string[] = [];
  readonly changes: [string, ClusterSnapshot | null][] = [];
  readonly failures: string[] = [];
  ttlSeconds = 0;
  zone: Zone = {};
  readonly resolver = new ClusterResolver({
    timers: this.dispatcher,
    stats: this.stats,
    figures: this.figures,
    rows: 4,
    onChange: (name, snapshot) => this.changes.push([name, snapshot]),
    onFailure: (cluster, name) => this.failures.push(`${cluster}/${name}`),
    lookup: () => async (name, family) => this.#answer(name, family),
  });

  /** Hosts of the newest entry, as text. */
  hosts(name = 'echo'): string[] | undefined {
    return this.resolver
      .snapshots()
      .get(name)
      ?.hosts.map((host) => addressText(host.address));
  }

  async advance(ms: number): Promise<void> {
    this.dispatcher.advance(ms);
    await settled();
  }

  stat(name: string): number {
    const views = [...this.figures.counters(), ...this.figures.gauges()];
    return views.find((view) => view.name === `cluster.echo.${name}`)?.value ?? NaN;
  }

  async #answer(name: string, family: 4 | 6): Promise<readonly DnsAnswer[]> {
    this.asked.push(`${name}/${family}`);
    await Promise.resolve();
    const found = this.zone[`${name}/${family}`] ?? [];
    if (found instanceof Error) throw found;
    return found.map((ip) => ({ ip, ttlSeconds: this.ttlSeconds }));
  }
}

function endpoint(address: string, port = 80, change: Partial<LbEndpoint> = {}): LbEndpoint {
  return { endpoint: { address: { socket_address: { address, port_value: port } } }, ...change };
}

function cluster(endpoints: readonly LbEndpoint[], change: Partial<Cluster> = {}): Cluster {
  return { name: 'echo', load_assignment: { endpoints: [{ lb_endpoints: endpoints }] }, ...change };
}

function told(host: HostSnapshot | undefined): object {
  const { address: _, ...details } = host ?? { address: null };
  return details;
}

const DNS = { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' } as const;

test('a static cluster is there at once, with weights, priorities, zones, health and unix sockets', () => {
  const bench = new ResolverBench();
  bench.resolver.add({
    name: 'echo',
    load_assignment: {
      endpoints: [
        {
          locality: { region: 'eu', zone: 'a', sub_zone: '1' },
          lb_endpoints: [endpoint('10.0.0.1', 80, { load_balancing_weight: 3 })],
        },
        {
          priority: 1,
          lb_endpoints: [
            endpoint('::1', 81, { health_status: 'UNHEALTHY' }),
            { endpoint: { address: { pipe: { path: '/run/echo.sock' } }, hostname: 'local' } },
          ],
        },
      ],
    },
  });
  assert.deepEqual(bench.hosts(), ['10.0.0.1:80', '[::1]:81', '/run/echo.sock']);
  const [first, second, third] = bench.resolver.snapshots().get('echo')?.hosts ?? [];
  // What is as on most hosts is not told.
  assert.deepEqual(told(first), { weight: 3, region: 'eu', zone: 'a', subZone: '1' });
  assert.deepEqual(told(second), { priority: 1, healthFlags: '/failed_eds_health' });
  assert.deepEqual(told(third), { priority: 1, hostname: 'local' });
  assert.deepEqual(first && detailsOf(first), {
    hostname: '',
    weight: 3,
    priority: 0,
    region: 'eu',
    zone: 'a',
    subZone: '1',
    healthFlags: '',
  });
  assert.equal(bench.stat('membership_total'), 3);
  assert.equal(bench.stat('membership_healthy'), 2);
  assert.equal(bench.stat('max_host_weight'), 3);
});

test('what cannot be a cluster is refused with its name and changes nothing', () => {
  const bench = new ResolverBench();
  assert.throws(
    () => bench.resolver.add(cluster([endpoint('echo.local')])),
    /cluster echo: "echo.local" is no IP/,
  );
  assert.throws(() => bench.resolver.add(cluster([], { type: 'EDS' })), /type EDS is not supported/);
  assert.throws(
    () => bench.resolver.add(cluster([], { lb_policy: 'RING_HASH' })),
    /RING_HASH is not supported/,
  );
  assert.throws(() => bench.resolver.add(cluster([{}])), /has no address/);
  assert.equal(bench.resolver.snapshots().size, 0);
  assert.equal(bench.stats.get('cluster_manager.cluster_added'), 0);
});

test('a name is resolved, and ready waits for it', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.2', '10.0.0.1'] };
  bench.resolver.add(cluster([endpoint('a')], DNS));
  assert.equal(bench.hosts(), undefined);
  assert.equal(bench.stats.get('cluster_manager.warming_clusters'), 1);
  await bench.resolver.ready();
  assert.deepEqual(bench.hosts(), ['10.0.0.1:80', '10.0.0.2:80']);
  assert.equal(bench.resolver.snapshots().get('echo')?.hosts[0]?.hostname, 'a');
  assert.equal(bench.stats.get('cluster_manager.active_clusters'), 1);
});

test('it is asked again every five seconds, and only a real change is told', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1', '10.0.0.2'] };
  bench.resolver.add(cluster([endpoint('a')], DNS));
  await bench.resolver.ready();
  bench.zone = { 'a/4': ['10.0.0.2', '10.0.0.1'] };
  await bench.advance(4999);
  assert.equal(bench.stat('update_attempt'), 1);
  await bench.advance(1);
  assert.equal(bench.stat('update_attempt'), 2);
  assert.equal(bench.stat('update_no_rebuild'), 1);
  assert.equal(bench.changes.length, 1);
  bench.zone = { 'a/4': ['10.0.0.3'] };
  await bench.advance(5000);
  assert.equal(bench.changes.length, 2);
  assert.deepEqual(bench.hosts(), ['10.0.0.3:80']);
  assert.equal(bench.stat('membership_change'), 2);
  const versions = bench.changes.map(([, snapshot]) => snapshot?.version ?? 0);
  assert.ok((versions[1] ?? 0) > (versions[0] ?? 0));
});

test('a failure keeps the last answer; an empty answer empties the cluster', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1'] };
  bench.resolver.add(cluster([endpoint('a')], DNS));
  await bench.resolver.ready();
  bench.zone = { 'a/4': new Error('no server') };
  await bench.advance(5000);
  assert.deepEqual(bench.hosts(), ['10.0.0.1:80']);
  assert.equal(bench.stat('update_failure'), 1);
  assert.deepEqual(bench.failures, ['echo/a']);
  bench.zone = {};
  await bench.advance(5000);
  assert.deepEqual(bench.hosts(), []);
  assert.equal(bench.stat('update_empty'), 1);
  assert.equal(bench.stat('update_success'), 2);
});

test('a name that fails at the start leaves an empty cluster and does not block it', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': new Error('no server'), 'b/4': ['10.0.0.9'] };
  bench.resolver.add(cluster([endpoint('a'), endpoint('b', 81)], DNS));
  await bench.resolver.ready();
  assert.deepEqual(bench.hosts(), ['10.0.0.9:81']);
});

test('a failing name is asked again with growing, jittered pauses', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': new Error('no server') };
  const rate = { base_interval: 100, max_interval: 400 };
  bench.resolver.add(cluster([endpoint('a')], { ...DNS, dns_failure_refresh_rate: rate }));
  await settled();
  // The fake's draws are all 0.5: 100, then 100 + half of 100, then 100 + half of 300.
  for (const pause of [100, 150, 250, 250]) {
    const before = bench.asked.length;
    await bench.advance(pause - 1);
    assert.equal(bench.asked.length, before);
    await bench.advance(1);
    assert.equal(bench.asked.length, before + 1);
  }
});

test('the TTL decides when respect_dns_ttl is set', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1'] };
  bench.ttlSeconds = 60;
  bench.resolver.add(cluster([endpoint('a')], { ...DNS, respect_dns_ttl: true }));
  await bench.resolver.ready();
  await bench.advance(59_999);
  assert.equal(bench.asked.length, 1);
  await bench.advance(1);
  assert.equal(bench.asked.length, 2);
});

test('families are asked in the order of dns_lookup_family', async () => {
  const both = { 'a/4': ['10.0.0.1'], 'a/6': ['::1'] };
  const table = [
    { family: 'AUTO', zone: both, hosts: ['[::1]:80'] },
    { family: 'AUTO', zone: { 'a/4': ['10.0.0.1'] }, hosts: ['10.0.0.1:80'] },
    { family: 'AUTO', zone: { 'a/6': new Error('x'), 'a/4': ['10.0.0.1'] }, hosts: ['10.0.0.1:80'] },
    { family: 'V4_PREFERRED', zone: both, hosts: ['10.0.0.1:80'] },
    { family: 'V4_ONLY', zone: { 'a/6': ['::1'] }, hosts: [] },
    { family: 'V6_ONLY', zone: both, hosts: ['[::1]:80'] },
    { family: 'ALL', zone: both, hosts: ['10.0.0.1:80', '[::1]:80'] },
  ] as const;
  for (const { family, zone, hosts } of table) {
    const bench = new ResolverBench();
    bench.zone = zone;
    bench.resolver.add(cluster([endpoint('a')], { type: 'STRICT_DNS', dns_lookup_family: family }));
    await bench.resolver.ready();
    assert.deepEqual(bench.hosts(), hosts, family);
  }
});

test('no answer of one family and no reply for the other is a failure, not an empty cluster', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1'] };
  bench.resolver.add(cluster([endpoint('a')], { type: 'STRICT_DNS' }));
  await bench.resolver.ready();
  bench.zone = { 'a/4': new Error('timed out') };
  await bench.advance(5000);
  assert.deepEqual(bench.hosts(), ['10.0.0.1:80']);
});

test('an address in two answers is one host, and a name listed twice is asked once', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1'], 'b/4': ['10.0.0.1', '10.0.0.2'] };
  bench.resolver.add(cluster([endpoint('a'), endpoint('b'), endpoint('a', 81)], DNS));
  await bench.resolver.ready();
  assert.deepEqual(bench.hosts(), ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.1:81']);
  assert.deepEqual(bench.asked, ['a/4', 'b/4']);
});

test('a removed cluster is asked for no more, and its late answer is ignored', async () => {
  const bench = new ResolverBench();
  bench.zone = { 'a/4': ['10.0.0.1'] };
  bench.resolver.add(cluster([endpoint('a')], DNS));
  bench.resolver.remove('echo');
  await settled();
  await bench.advance(60_000);
  assert.deepEqual(bench.asked, ['a/4']);
  assert.deepEqual(bench.changes, [['echo', null]]);
});

test('a changed configuration keeps the row of the breakers; the same one changes nothing', () => {
  const bench = new ResolverBench();
  bench.resolver.add(cluster([endpoint('10.0.0.1')]));
  const row = bench.resolver.snapshots().get('echo')?.breakerIndex;
  bench.resolver.add(cluster([endpoint('10.0.0.1')]));
  assert.equal(bench.changes.length, 1);
  bench.resolver.add(cluster([endpoint('10.0.0.1')], { connect_timeout: 1 }));
  assert.equal(bench.changes.length, 2);
  assert.equal(bench.resolver.snapshots().get('echo')?.breakerIndex, row);
  assert.equal(bench.stats.get('cluster_manager.cluster_modified'), 1);
});

test('rows are bounded and used again when a cluster has gone', () => {
  const bench = new ResolverBench();
  for (const name of ['a', 'b', 'c']) bench.resolver.add({ name });
  assert.throws(() => bench.resolver.add({ name: 'd' }), /more than 3 clusters/);
  bench.resolver.remove('b');
  bench.resolver.add({ name: 'd' });
  assert.equal(bench.resolver.snapshots().get('d')?.breakerIndex, 2);
});

test('stop ends all questions', async () => {
  const bench = new ResolverBench();
  bench.resolver.add(cluster([endpoint('a')], DNS));
  await settled();
  bench.resolver.stop();
  await bench.advance(60_000);
  assert.equal(bench.asked.length, 1);
});

test('a static cluster that is published is read back from there, in its place', () => {
  const bench = new ResolverBench();
  const published = new Map<string, ClusterSnapshot>();
  const resolver = new ClusterResolver({
    timers: bench.dispatcher,
    stats: bench.stats,
    figures: bench.figures,
    rows: 4,
    onChange: (name, snapshot) => {
      if (snapshot === null) published.delete(name);
      else published.set(name, { ...snapshot, config: withoutEndpoints(snapshot.config) });
    },
    published: (name) => structuredClone(published.get(name)),
  });
  resolver.add(cluster([endpoint('10.0.0.1')]));
  resolver.add(cluster([endpoint('10.0.0.2')], { name: 'other' }));
  resolver.add(cluster([endpoint('10.0.0.1')]));
  assert.equal(bench.stats.get('cluster_manager.cluster_modified'), 0);
  resolver.add(cluster([endpoint('10.0.0.3')]));
  assert.equal(bench.stats.get('cluster_manager.cluster_modified'), 1);
  const hosts = [...resolver.snapshots()].map(([name, each]) => [
    name,
    ...each.hosts.map((host) => addressText(host.address)),
  ]);
  assert.deepEqual(hosts, [
    ['echo', '10.0.0.3:80'],
    ['other', '10.0.0.2:80'],
  ]);
  assert.equal(bench.stat('membership_change'), 2);
  assert.equal(bench.stats.get('cluster_manager.active_clusters'), 2);
  resolver.remove('echo');
  assert.deepEqual([...resolver.snapshots().keys()], ['other']);
  assert.equal(bench.stats.get('cluster_manager.active_clusters'), 1);
});
