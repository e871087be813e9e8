/** Connection limits as configured, the shared cells that they are counted in, the ramp of a gradual drain, batched publication. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SharedSnapshot } from '../../src/api/server.ts';
import type { ClusterSnapshot } from '../../src/api/upstream.ts';
import { ClusterPublisher } from '../../src/server/cluster-publisher.ts';
import { ConnectionCells } from '../../src/server/connection-cells.ts';
import { connectionLimitsOf } from '../../src/server/connection-limits.ts';
import { DrainState } from '../../src/server/drain-state.ts';
import { SnapshotReader, SnapshotWriter } from '../../src/server/snapshot.ts';

const MONITOR = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';

test('runtime keys count dotted or nested, as numbers or texts, and the last layer wins', () => {
  const layers = [
    { name: 'a', static_layer: { 'overload.global_downstream_max_connections': 10 } },
    {
      name: 'b',
      static_layer: {
        overload: { global_downstream_max_connections: '20' },
        envoy: { resource_limits: { listener: { web: { connection_limit: 3 } } } },
      },
    },
  ];
  const limits = connectionLimitsOf({ layered_runtime: { layers } }, [{ name: 'web' }, { name: 'other' }]);
  assert.deepEqual(limits, { total: 20, listeners: { web: 3 } });
});

test("the overload manager's monitor wins over the runtime key; without either there is no limit", () => {
  const typed = { '@type': MONITOR, max_active_downstream_connections: 7 } as const;
  const bootstrap = {
    overload_manager: { resource_monitors: [{ name: 'm', typed_config: typed }] },
    layered_runtime: { layers: [{ static_layer: { 'overload.global_downstream_max_connections': 10 } }] },
  };
  assert.equal(connectionLimitsOf(bootstrap, []).total, 7);
  assert.deepEqual(connectionLimitsOf({}, []), { listeners: {} });
});

test("a lost worker's column is cleared in every row and the others' stay", () => {
  const memory = ConnectionCells.allocate(3, 2);
  const cells = new ConnectionCells(memory, 3);
  for (const row of [cells.total, cells.limit(0), cells.balance(0), cells.limit(1), cells.balance(1)])
    row.fill(5);
  cells.giveBack(1);
  for (const row of [cells.total, cells.limit(0), cells.balance(0), cells.limit(1), cells.balance(1)]) {
    assert.deepEqual([...row], [5, 0, 5]);
  }
});

test('a gradual drain closes a growing share of connections, an immediate one all and tells the idle ones', () => {
  let now = 0;
  let random = 0.5;
  let told = 0;
  const drain = new DrainState({ now: () => now, random: () => random });
  drain.observers.add({ onDrain: () => (told += 1) });
  assert.equal(drain.draining, false);
  drain.begin(1000);
  now = 499;
  assert.equal(drain.draining, false);
  now = 501;
  assert.equal(drain.draining, true);
  random = 0.99;
  assert.equal(drain.draining, false);
  assert.equal(told, 0);
  drain.begin(0);
  assert.equal(drain.draining, true);
  drain.begin(0);
  assert.equal(told, 1);
});

test('clusters that change in one turn are published as one version, the last state of each', () => {
  const writer = new SnapshotWriter<ClusterSnapshot>();
  const reader = new SnapshotReader<ClusterSnapshot>();
  const posted: SharedSnapshot[] = [];
  const publisher = new ClusterPublisher(writer, (snapshot) => posted.push(snapshot));
  const entry = (version: number): ClusterSnapshot => ({ config: {}, hosts: [], version });
  publisher.onChange('a', entry(1));
  publisher.onChange('b', entry(2));
  publisher.onChange('a', entry(3));
  publisher.onChange('b', null);
  publisher.publish();
  publisher.publish();
  assert.equal(posted.length, 1);
  reader.set(posted[0] ?? assert.fail());
  assert.deepEqual([...reader.get().names()], ['a']);
  assert.equal(reader.get().get('a')?.version, 3);
});
