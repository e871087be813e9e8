import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import { BreakerGauges } from '../../src/upstream/breaker/breaker-gauges.ts';
import { ClusterBreakers } from '../../src/upstream/breaker/circuit-breakers.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { limitsOf } from '../../src/upstream/breaker/thresholds.ts';
import { Http1Pool } from '../../src/upstream/pool/http-pool.ts';
import { Bench, TestRequest } from './fakes.ts';

function breakers(
  counts: SharedCounts,
  worker: number,
  config: Cluster,
  priority: 'default' | 'high' = 'default',
) {
  return new ClusterBreakers({ counts, row: 1, worker }, priority, limitsOf(config, priority));
}

test('defaults are 1024, 1024, 1024 and 3', () => {
  const limits = limitsOf({}, 'default');
  assert.deepEqual(
    [limits.connections, limits.pendingRequests, limits.requests, limits.retries],
    [1024, 1024, 1024, 3],
  );
});

test('a limit holds over all workers of the process, and priorities have their own', () => {
  const counts = SharedCounts.allocate(2, 4);
  const config: Cluster = { circuit_breakers: { thresholds: [{ max_requests: 3 }] } };
  const [first, second] = [breakers(counts, 0, config), breakers(counts, 1, config)];
  first.requests.inc();
  second.requests.inc();
  second.requests.inc();
  assert.equal(first.requests.canCreate(), false);
  assert.equal(second.requests.canCreate(), false);
  assert.equal(breakers(counts, 0, config, 'high').requests.canCreate(), true);
  first.requests.dec();
  assert.equal(second.requests.canCreate(), true);
});

test('the share of a crashed worker is given back, that of the others stays', () => {
  const counts = SharedCounts.allocate(3, 8);
  const config: Cluster = { circuit_breakers: { thresholds: [{ max_connections: 2 }] } };
  breakers(counts, 0, config).connections.inc();
  breakers(counts, 1, config).connections.inc();
  assert.equal(breakers(counts, 2, config).connections.canCreate(), false);
  counts.giveBack(1);
  assert.equal(counts.read(1, 0), 1);
  assert.equal(breakers(counts, 2, config).connections.canCreate(), true);
});

test('counts made over the same memory on two threads are the same counts', () => {
  const main = SharedCounts.allocate(2, 4);
  const worker = new SharedCounts(main.memory, 2);
  worker.add(3, 1, 2, 5);
  assert.equal(main.read(3, 2), 5);
});

test('a retry budget allows a share of what is active and at least its floor', () => {
  const counts = SharedCounts.allocate(1, 4);
  const config: Cluster = {
    circuit_breakers: {
      thresholds: [
        { max_retries: 0, retry_budget: { budget_percent: { value: 50 }, min_retry_concurrency: 1 } },
      ],
    },
  };
  const limited = breakers(counts, 0, config);
  assert.equal(limited.retries.canCreate(), true);
  limited.retries.inc();
  assert.equal(limited.retries.canCreate(), false);
  for (let active = 0; active < 4; active += 1) limited.requests.inc();
  assert.equal(limited.retries.canCreate(), true);
  limited.retries.inc();
  assert.equal(limited.retries.canCreate(), false);
});

test('gauges tell which breakers are open, and what remains where that is tracked', () => {
  const counts = SharedCounts.allocate(2, 4);
  const config: Cluster = {
    circuit_breakers: { thresholds: [{ max_connections: 2, max_retries: 1, track_remaining: true }] },
  };
  const gauges = new BreakerGauges(counts, 1, config);
  const limited = breakers(counts, 1, config);
  const read = (of = gauges) => {
    const found = new Map<string, { value: number; used: boolean }>();
    of.visit((name, value, used) => found.set(name, { value, used }));
    return (name: string) => found.get(`circuit_breakers.${name}`);
  };
  limited.connections.inc();
  assert.deepEqual(read()('default.cx_open'), { value: 0, used: false });
  assert.deepEqual(read()('default.remaining_cx'), { value: 1, used: true });
  limited.connections.inc();
  limited.retries.inc();
  const full = read();
  assert.deepEqual(
    ['cx_open', 'remaining_cx', 'rq_retry_open', 'rq_open', 'cx_pool_open'].map(
      (name) => full(`default.${name}`)?.value,
    ),
    [1, 0, 1, 0, 0],
  );
  limited.connections.dec();
  limited.retries.dec();
  // It was open at a look, and is so no more.
  assert.deepEqual(read()('default.cx_open'), { value: 0, used: true });
  assert.equal(read()('high.remaining_cx'), undefined);
  const changed = new BreakerGauges(counts, 1, {}, gauges);
  assert.deepEqual(read(changed)('default.cx_open'), { value: 0, used: true });
  assert.equal(read(changed)('default.remaining_cx'), undefined);
});

test('a budget of retries opens with what is active', () => {
  const counts = SharedCounts.allocate(1, 4);
  const budget = { budget_percent: { value: 50 }, min_retry_concurrency: 1 };
  const config: Cluster = {
    circuit_breakers: { thresholds: [{ retry_budget: budget, track_remaining: true }] },
  };
  const gauges = new BreakerGauges(counts, 1, config);
  const limited = breakers(counts, 0, config);
  const retries = () => {
    const found: number[] = [];
    gauges.visit((name, value) => {
      if (/default.*(remaining_retries|retry_open)/.test(name)) found.push(value);
    });
    return found;
  };
  limited.retries.inc();
  assert.deepEqual(retries(), [0, 1]);
  for (let active = 0; active < 6; active += 1) limited.requests.inc();
  assert.deepEqual(retries(), [2, 0]);
});

test('two workers share max_connections, but each pool may open its first connection', () => {
  const bench = new Bench();
  const settings = bench.settings({
    circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 10 }] },
  });
  const pools = [0, 1].map(
    (worker) =>
      new Http1Pool(
        bench.environment,
        bench.host(settings),
        bench.breakers(settings, worker),
        () => undefined,
      ),
  );
  for (const pool of pools) {
    for (let index = 0; index < 3; index += 1) {
      const request = new TestRequest(`${index}`);
      pool.newStream(request, request);
    }
  }
  assert.equal(bench.connections.length, 2);
  assert.equal(bench.counts.read(1, 0), 2);
});
