import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import type { HostSnapshot } from '../../src/api/upstream.ts';
import { ClusterBalancer } from '../../src/upstream/balancer/cluster-balancer.ts';
import { priorityLoad } from '../../src/upstream/balancer/priority-load.ts';
import { HostPools } from '../../src/upstream/pool/host-pools.ts';
import { PlainHostStats, UpstreamHost, healthOf } from '../../src/upstream/host.ts';
import { Bench, hostSnapshot } from './fakes.ts';

/** A small generator with a seed (mulberry32): the same draws in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sum of (observed - expected)² / expected. */
function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, count, index) => {
    const want = expected[index] ?? 0;
    return sum + (count - want) ** 2 / want;
  }, 0);
}

/** 99.9 % points of the chi-square distribution for 1 to 4 degrees of freedom. */
const CHI_999 = [10.83, 13.82, 16.27, 18.47];

class Field {
  readonly bench = new Bench();
  readonly hosts: UpstreamHost[];
  readonly balancer: ClusterBalancer;

  constructor(config: Cluster, changes: readonly Partial<HostSnapshot>[], seed = 7) {
    const settings = this.bench.settings(config);
    this.hosts = changes.map((change, index) => {
      const pools = (host: UpstreamHost) => new HostPools(this.bench.environment, host, () => undefined);
      return new UpstreamHost(hostSnapshot(index + 1, change), settings, () => new PlainHostStats(), pools);
    });
    const panicChoices = settings.counters.lbHealthyPanic;
    this.balancer = new ClusterBalancer({ config, random: seeded(seed), panicChoices });
    this.balancer.update(this.hosts);
  }

  choose(): number {
    const host = this.balancer.choose({});
    return host === null ? -1 : this.hosts.indexOf(host);
  }

  counts(draws: number): number[] {
    const counts = this.hosts.map(() => 0);
    for (let draw = 0; draw < draws; draw += 1) {
      const index = this.choose();
      if (index >= 0) counts[index] = (counts[index] ?? 0) + 1;
    }
    return counts;
  }
}

test('round robin takes equal hosts in turn, each worker from a start of its own', () => {
  const field = new Field({}, [{}, {}, {}]);
  const first = field.choose();
  assert.deepEqual(
    [field.choose(), field.choose(), field.choose()],
    [(first + 1) % 3, (first + 2) % 3, first],
  );
  const starts = new Set(Array.from({ length: 20 }, (_, seed) => new Field({}, [{}, {}, {}], seed).choose()));
  assert.deepEqual(
    [0, 1, 2].filter((start) => starts.has(start)),
    [0, 1, 2],
  );
});

test('weighted round robin is exact over a cycle and smooth within it', () => {
  const field = new Field({}, [{ weight: 5 }, { weight: 1 }, { weight: 1 }]);
  assert.deepEqual(field.counts(700), [500, 100, 100]);
  let run = 0;
  let longest = 0;
  for (let draw = 0; draw < 700; draw += 1) {
    run = field.choose() === 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  assert.ok(longest <= 4, `the heavy host came ${longest} times in a row`);
});

test('random choice is uniform and ignores weights', () => {
  const field = new Field({ lb_policy: 'RANDOM' }, [{ weight: 1 }, { weight: 50 }, { weight: 1 }, {}, {}]);
  const counts = field.counts(10_000);
  assert.ok(
    chiSquare(
      counts,
      counts.map(() => 2000),
    ) < (CHI_999[3] ?? 0),
    String(counts),
  );
});

test('least request with equal weights and idle hosts is uniform', () => {
  const field = new Field({ lb_policy: 'LEAST_REQUEST' }, [{}, {}, {}, {}]);
  const counts = field.counts(10_000);
  assert.ok(
    chiSquare(
      counts,
      counts.map(() => 2500),
    ) < (CHI_999[2] ?? 0),
    String(counts),
  );
});

test('least request of two draws sends a busy host only the draws that hit it twice', () => {
  const field = new Field({ lb_policy: 'LEAST_REQUEST' }, [{}, {}, {}, {}]);
  const busy = field.hosts[2];
  if (busy !== undefined) busy.activeRequests = 10;
  const counts = field.counts(16_000);
  // Drawn twice with probability 1/16; the rest falls to the others alike.
  assert.ok(chiSquare(counts, [5000, 5000, 1000, 5000]) < (CHI_999[2] ?? 0), String(counts));
});

test('least request with weights lets active requests make a host lighter', () => {
  const field = new Field({ lb_policy: 'LEAST_REQUEST' }, [{ weight: 4 }, { weight: 1 }]);
  assert.deepEqual(field.counts(500), [400, 100]);
  const heavy = field.hosts[0];
  if (heavy !== undefined) heavy.activeRequests = 3;
  field.counts(10);
  const counts = field.counts(500);
  assert.ok(Math.abs((counts[0] ?? 0) - 250) <= 2, String(counts));
});

test('least request with bias 0 is a weighted round robin', () => {
  const config: Cluster = {
    lb_policy: 'LEAST_REQUEST',
    least_request_lb_config: { active_request_bias: { default_value: 0 } },
  };
  const field = new Field(config, [{ weight: 3 }, { weight: 1 }]);
  const heavy = field.hosts[0];
  if (heavy !== undefined) heavy.activeRequests = 100;
  assert.deepEqual(field.counts(400), [300, 100]);
});

test('the typed policy wins over lb_policy', () => {
  const config: Cluster = {
    lb_policy: 'LOAD_BALANCING_POLICY_CONFIG',
    load_balancing_policy: {
      policies: [
        {
          typed_extension_config: {
            name: 'random',
            typed_config: { '@type': 'envoy.extensions.load_balancing_policies.random.v3.Random' },
          },
        },
      ],
    },
  };
  const counts = new Field(config, [{ weight: 9 }, {}]).counts(4000);
  assert.ok(chiSquare(counts, [2000, 2000]) < (CHI_999[0] ?? 0), String(counts));
});

test('a policy that does not exist here is refused by name', () => {
  assert.throws(() => new Field({ name: 'x', lb_policy: 'MAGLEV' }, [{}]), /cluster x: lb_policy MAGLEV/);
});

test('unhealthy hosts get nothing while enough others are healthy', () => {
  const failed = { healthFlags: '/failed_active_hc' };
  assert.deepEqual(new Field({}, [{}, failed, {}, {}]).counts(300), [100, 0, 100, 100]);
});

test('below the panic threshold health is ignored and counted', () => {
  const failed = { healthFlags: '/failed_active_hc' };
  const field = new Field({}, [{}, failed, failed]);
  assert.deepEqual(field.counts(300), [100, 100, 100]);
  assert.equal(field.bench.stat('lb_healthy_panic'), 300);
});

test('with panic off and no healthy host there is no choice', () => {
  const config: Cluster = { common_lb_config: { healthy_panic_threshold: { value: 0 } } };
  assert.equal(new Field(config, [{ healthFlags: '/failed_eds_health' }]).choose(), -1);
  assert.equal(new Field({}, []).choose(), -1);
});

test('the second priority takes what the first cannot', () => {
  const failed = { healthFlags: '/failed_active_hc' };
  const second = { priority: 1 };
  const field = new Field({}, [{}, failed, second, second]);
  const counts = field.counts(10_000);
  assert.equal(counts[1], 0);
  assert.ok(
    chiSquare([counts[0] ?? 0, (counts[2] ?? 0) + (counts[3] ?? 0)], [7000, 3000]) < (CHI_999[0] ?? 0),
  );
});

test('degraded hosts come behind the healthy ones of every priority', () => {
  const degraded = { healthFlags: '/degraded_active_hc' };
  const counts = new Field({}, [{}, degraded]).counts(10_000);
  assert.ok(chiSquare(counts, [7000, 3000]) < (CHI_999[0] ?? 0), String(counts));
  assert.equal(healthOf('/degraded_eds_health/failed_active_hc'), 'unhealthy');
});

test('priority loads follow the arithmetic of overprovisioning', () => {
  const level = (total: number, healthy: number, degraded = 0) => ({ total, healthy, degraded });
  const table = [
    { levels: [level(10, 10), level(10, 10)], healthy: [100, 0] },
    { levels: [level(10, 8), level(10, 10)], healthy: [100, 0] },
    { levels: [level(10, 5), level(10, 10)], healthy: [70, 30] },
    { levels: [level(10, 0), level(10, 10)], healthy: [0, 100] },
    { levels: [level(0, 0), level(10, 10)], healthy: [0, 100] },
    { levels: [level(10, 5), level(10, 0), level(10, 5)], healthy: [70, 0, 30] },
    { levels: [level(3, 0), level(1, 0)], healthy: [75, 25] },
    { levels: [level(4, 1, 1)], healthy: [50], degraded: [50] },
  ];
  for (const { levels, healthy, degraded } of table) {
    const load = priorityLoad(levels, 140, 50);
    assert.deepEqual(load.healthy, healthy);
    if (degraded !== undefined) assert.deepEqual(load.degraded, degraded);
    const total = [...load.healthy, ...load.degraded].reduce((sum, share) => sum + share, 0);
    assert.equal(total, 100);
  }
});

test('no level panics while all together can take everything', () => {
  const level = (total: number, healthy: number) => ({ total, healthy, degraded: 0 });
  assert.deepEqual(priorityLoad([level(10, 1), level(10, 9)], 140, 50).panic, [false, false]);
  assert.deepEqual(priorityLoad([level(10, 1), level(10, 2)], 140, 50).panic, [true, true]);
});

test('a host that was tried already is passed over as often as allowed', () => {
  const field = new Field({}, [{}, {}]);
  const first = field.balancer.choose({});
  assert.ok(first !== null);
  field.choose();
  const second = field.balancer.choose({ attempted: [first], selectionRetries: 1 });
  assert.notEqual(second, first);
  field.choose();
  const again = new Field({}, [{}]);
  const only = again.balancer.choose({});
  assert.ok(only !== null);
  assert.equal(again.balancer.choose({ attempted: [only], selectionRetries: 3 }), only);
});
