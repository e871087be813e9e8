import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { LoopTimes, Samples } from '../../src/server/loop-times.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeStats } from '../http/support/fake-stats.ts';

test('quantiles are those of the newest values', () => {
  const samples = new Samples(4);
  assert.ok(Number.isNaN(samples.quantile(0.5)));
  for (const value of [100, 100, 1, 2, 3, 4]) samples.add(value);
  assert.equal(samples.quantile(0), 1);
  assert.equal(samples.quantile(0.5), 3);
  assert.equal(samples.quantile(0.99), 4);
});

function turnOf(stats: FakeStats | null): LoopTimes {
  const clock = new FakeClock();
  const times = new LoopTimes(clock, stats?.scope('loop') ?? null);
  const dispatcher = new TurnDispatcher({ name: 'worker_0', clock, tid: 1 });
  dispatcher.observeTurns(times);
  dispatcher.run(() => {
    dispatcher.deferredDelete({ dispose: () => void (clock.time += 7) });
    clock.time += 5;
  });
  return times;
}

test('a turn lasts from its first event to its last deletion', () => {
  const stats = new FakeStats();
  assert.equal(turnOf(stats).turns.quantile(1), 12);
  assert.deepEqual(stats.recorded('loop.loop_duration_us'), [12_000]);
});

test('without dispatcher statistics no histogram is made', () => {
  const times = turnOf(null);
  times.onLate(3);
  assert.equal(times.lateness.quantile(1), 3);
});
