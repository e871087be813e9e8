/** The watchdog counts pauses of a thread's loop, not its idleness, and each pause once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counter, StatsScope } from '../../src/api/stats.ts';
import { Watchdog } from '../../src/server/watchdog.ts';
import { setLogLevels } from '../../src/base/logger.ts';

setLogLevels({ main: 'off' });

/** Counters by name, nothing else: what the watchdog uses of statistics. */
function recordingStats(values: Record<string, number>, prefix = 'server.'): StatsScope {
  const counter = (name: string): Counter => ({
    inc: () => (values[prefix + name] = (values[prefix + name] ?? 0) + 1),
    add: () => undefined,
    value: 0,
  });
  const unused = (): never => assert.fail('not used');
  return {
    counter,
    gauge: unused,
    histogram: unused,
    scope: (name) => recordingStats(values, `${prefix}${name}.`),
  };
}

function fixture() {
  const values: Record<string, number> = {};
  const heartbeats = new SharedArrayBuffer(8);
  const limits = { missMs: 200, megamissMs: 1000 };
  const watchdog = new Watchdog(
    {
      heartbeats,
      workers: 2,
      limits: { main: limits, worker: limits },
      stats: recordingStats(values),
      intervalMs: 100,
      watched: () => true,
    },
    0,
  );
  const beats = new Int32Array(heartbeats);
  const run = (from: number, to: number, alive: readonly number[]): void => {
    for (let now = from; now <= to; now += 100) {
      for (const index of alive) Atomics.add(beats, index, 1);
      watchdog.check(now);
    }
  };
  return { values, watchdog, run };
}

test('threads that turn are never counted', () => {
  const { values, run } = fixture();
  run(100, 5000, [0, 1]);
  assert.deepEqual(values, {});
});

test('a pause counts one miss and then one mega miss, for the thread and for the server', () => {
  const { values, run } = fixture();
  run(100, 1000, [0, 1]);
  run(1100, 1300, [0]);
  assert.deepEqual(values, { 'server.watchdog_miss': 1, 'server.worker_1.watchdog_miss': 1 });
  run(1400, 4000, [0]);
  assert.deepEqual(values, {
    'server.watchdog_miss': 1,
    'server.worker_1.watchdog_miss': 1,
    'server.watchdog_mega_miss': 1,
    'server.worker_1.watchdog_mega_miss': 1,
  });
});

test('a second pause counts again', () => {
  const { values, run } = fixture();
  run(100, 500, [0, 1]);
  run(600, 900, [0]);
  run(1000, 1100, [0, 1]);
  run(1200, 1600, [0]);
  assert.equal(values['server.worker_1.watchdog_miss'], 2);
});

test('a blocked main thread is counted and its workers are not blamed', () => {
  const { values, watchdog, run } = fixture();
  run(100, 500, [0, 1]);
  watchdog.check(2500);
  assert.deepEqual(values, {
    'server.watchdog_miss': 1,
    'server.main_thread.watchdog_miss': 1,
    'server.watchdog_mega_miss': 1,
    'server.main_thread.watchdog_mega_miss': 1,
  });
});
