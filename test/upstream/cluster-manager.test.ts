import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../src/api/server.ts';
import type { ClusterSnapshot, HostSnapshot } from '../../src/api/upstream.ts';
import type { Cluster } from '../../src/api/envoy.ts';
import { WorkerClusterManager } from '../../src/upstream/cluster-manager.ts';
import { PlainHostStats } from '../../src/upstream/host.ts';
import { Bench, TestRequest, hostSnapshot } from './fakes.ts';

class MapSnapshot implements Snapshot<ClusterSnapshot> {
  readonly version = 1;
  decoded = 0;
  readonly entries: Map<string, ClusterSnapshot>;

  constructor(entries: Map<string, ClusterSnapshot>) {
    this.entries = entries;
  }

  get size(): number {
    return this.entries.size;
  }

  get(name: string): ClusterSnapshot | undefined {
    this.decoded += 1;
    return this.entries.get(name);
  }

  names(): Iterable<string> {
    return this.entries.keys();
  }
}

class ManagerBench extends Bench {
  snapshot = new MapSnapshot(new Map());
  readonly manager = new WorkerClusterManager({
    ...this.environment,
    slot: { get: () => this.snapshot },
    stats: this.stats,
    hostStats: () => new PlainHostStats(),
    counts: this.counts,
    worker: 0,
  });
  #version = 0;

  /** Publishes `echo` with these hosts. */
  publish(hosts: readonly HostSnapshot[], config: Cluster = {}, name = 'echo'): void {
    this.#version += 1;
    const entries = new Map(this.snapshot.entries);
    entries.set(name, { config, hosts, version: this.#version, breakerIndex: 1 });
    this.snapshot = new MapSnapshot(entries);
    this.manager.onSnapshot();
  }

  remove(name: string): void {
    const entries = new Map(this.snapshot.entries);
    entries.delete(name);
    this.snapshot = new MapSnapshot(entries);
    this.manager.onSnapshot();
  }

  send(text: string): TestRequest {
    const request = new TestRequest(text);
    const pool = this.manager.get('echo')?.httpPool({}, 'default');
    if (pool === null || pool === undefined) request.failure = 'no host';
    else pool.newStream(request, request);
    return request;
  }
}

test('a cluster is built on first use and then found without the snapshot', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  bench.publish([hostSnapshot(81)], {}, 'other');
  assert.equal(bench.snapshot.decoded, 0);
  const cluster = bench.manager.get('echo');
  assert.equal(bench.snapshot.decoded, 1);
  assert.equal(bench.manager.get('echo'), cluster);
  assert.equal(bench.snapshot.decoded, 1);
  assert.equal(bench.stats.get('thread_local_cluster_manager.worker_0.clusters_inflated'), 1);
});

test('names that no cluster has leave nothing behind', () => {
  const bench = new ManagerBench();
  for (let index = 0; index < 100; index += 1) assert.equal(bench.manager.get(`x${index}`), undefined);
  assert.equal(bench.manager.describe().length, 0);
});

test('an unchanged cluster is not touched by a new snapshot', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  const cluster = bench.manager.get('echo');
  const [host] = cluster?.hosts ?? [];
  bench.publish([hostSnapshot(81)], {}, 'other');
  assert.equal(bench.manager.get('echo'), cluster);
  assert.equal(bench.manager.get('echo')?.hosts[0], host);
});

test('a removed host serves the request that it has and gets no new one', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  const running = bench.send('one');
  bench.connection(0).connect();
  bench.publish([hostSnapshot(81)]);
  const next = bench.send('two');
  bench.connection(1).connect();
  assert.equal(next.host?.address.kind === 'ip' && next.host.address.port, 81);
  assert.equal(bench.connection(0).state, 'open');
  bench.connection(0).receive('1\n');
  assert.equal(running.response, '1');
  assert.equal(bench.connection(0).state, 'closed');
  assert.deepEqual(
    bench.manager.describe().flatMap((cluster) => cluster.hosts.map((host) => host.address)),
    ['10.0.0.1:81'],
  );
});

test('idle connections of a removed host close at once; a host that stays keeps its connections and counts', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80), hostSnapshot(81)]);
  for (const index of [0, 1]) {
    bench.send(`${index}`);
    bench.connection(index).connect();
  }
  bench.connection(0).receive('x\n');
  bench.connection(1).receive('x\n');
  const cluster = bench.manager.get('echo');
  const stays = cluster?.hosts.find((host) => host.key === '10.0.0.1:81');
  bench.publish([hostSnapshot(81, { weight: 7 })]);
  assert.equal(bench.manager.get('echo'), cluster);
  assert.equal(cluster?.hosts[0], stays);
  assert.equal(stays?.weight, 7);
  assert.equal(stays?.stats.rqTotal, 1);
  const open = bench.connections.filter((connection) => connection.state === 'open');
  assert.equal(open.length, 1);
  const reused = bench.send('again');
  assert.equal(reused.connectionId, open[0]?.id);
});

test('a host that comes back while its last request runs is the same host and keeps connections again', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  bench.send('one');
  bench.connection(0).connect();
  const [host] = bench.manager.get('echo')?.hosts ?? [];
  bench.publish([]);
  assert.equal(bench.send('none').failure, 'no host');
  assert.equal(bench.stat('upstream_cx_none_healthy'), 1);
  bench.publish([hostSnapshot(80)]);
  assert.equal(bench.manager.get('echo')?.hosts[0], host);
  bench.send('two');
  bench.connection(1).connect();
  bench.connection(1).receive('2\n');
  assert.equal(bench.connection(1).state, 'open', 'idle again');
});

test('a changed configuration takes the name; the old cluster serves out', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)], { connect_timeout: 100 });
  const before = bench.manager.get('echo');
  const running = bench.send('one');
  bench.connection(0).connect();
  bench.publish([hostSnapshot(80)], { connect_timeout: 200 });
  const after = bench.manager.get('echo');
  assert.notEqual(after, before);
  assert.equal(after?.info.connectTimeoutMs, 200);
  bench.send('two');
  bench.connection(1).connect();
  bench.connection(0).receive('1\n');
  assert.equal(running.response, '1');
  assert.equal(bench.connection(0).state, 'closed');
  assert.equal(bench.manager.describe().length, 1);
});

test('an endpoint list in the configuration does not make it a new cluster', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)], { load_assignment: { endpoints: [] } });
  const before = bench.manager.get('echo');
  bench.publish([hostSnapshot(81)], { load_assignment: { endpoints: [{ priority: 0 }] } });
  assert.equal(bench.manager.get('echo'), before);
});

test('a removed cluster is unknown at once and finishes what it has', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  const running = bench.send('one');
  bench.connection(0).connect();
  bench.remove('echo');
  assert.equal(bench.manager.get('echo'), undefined);
  assert.equal(bench.manager.describe().length, 1);
  bench.connection(0).receive('1\n');
  assert.equal(running.response, '1');
  assert.equal(bench.manager.describe().length, 0);
});

test('limits hold across host sets: the row of the cluster counts what the leaving host still holds', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  bench.send('one');
  bench.connection(0).connect();
  bench.publish([hostSnapshot(81)]);
  assert.equal(bench.counts.read(1, 0), 1);
  assert.equal(bench.counts.read(1, 2), 1);
  bench.connection(0).receive('1\n');
  assert.equal(bench.counts.read(1, 0), 0);
  assert.equal(bench.counts.read(1, 2), 0);
});

test('draining closes idle connections, lets requests end and still serves new ones; hard closes all', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  bench.send('a');
  const long = bench.send('b');
  bench.connection(0).connect();
  bench.connection(1).connect();
  bench.connection(0).receive('a\n');
  bench.manager.drain(false);
  assert.equal(bench.connection(0).state, 'closed');
  const late = bench.send('c');
  bench.connection(2).connect();
  bench.connection(2).receive('c\n');
  assert.equal(late.response, 'c');
  assert.equal(bench.connection(2).state, 'closed');
  assert.equal(bench.connection(1).state, 'open');
  bench.manager.drain(true);
  assert.equal(bench.connection(1).state, 'closed');
  assert.equal(long.reset, 'connection termination');
});

test('a host that is listed twice is one host', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80), hostSnapshot(80, { weight: 5 })]);
  assert.equal(bench.manager.get('echo')?.hosts.length, 1);
});

test('the description shows hosts, pools and connections as plain data', () => {
  const bench = new ManagerBench();
  bench.publish([hostSnapshot(80)]);
  bench.send('a');
  bench.connection(0).connect();
  bench.send('b');
  const [cluster] = structuredClone(bench.manager.describe());
  const [host] = cluster?.hosts ?? [];
  assert.equal(host?.stats.rqTotal, 1);
  assert.deepEqual(
    host?.pools.map(({ protocol, priority, pending, connections }) => [
      protocol,
      priority,
      pending,
      connections.map((connection) => connection.state),
    ]),
    [['http1', 'default', 1, ['busy', 'connecting']]],
  );
});
