/** States and signals without a process: what is drained when, and that the end comes once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setLogLevels } from '../../src/base/logger.ts';
import { LifeCycle } from '../../src/server/life-cycle.ts';

setLogLevels({ main: 'off' });

function fixture() {
  const calls: string[] = [];
  const drained = Promise.withResolvers<void>();
  const cycle = new LifeCycle(45_000, {
    drain: (deadlineMs) => {
      calls.push(`drain ${deadlineMs}`);
      if (deadlineMs === 0) drained.resolve();
      return drained.promise;
    },
    end: () => {
      calls.push('end');
      return Promise.resolve();
    },
  });
  return { calls, drained, cycle };
}

test('it is ready only while it is live and healthy', () => {
  const { cycle } = fixture();
  assert.equal(cycle.state, 'PRE_INITIALIZING');
  cycle.enter('INITIALIZING');
  assert.equal(cycle.state, 'INITIALIZING');
  cycle.enter('LIVE');
  assert.equal(cycle.state, 'LIVE');
  cycle.setHealthcheck('fail');
  assert.equal(cycle.state, 'DRAINING');
  cycle.setHealthcheck('ok');
  assert.equal(cycle.state, 'LIVE');
  cycle.noteListenersDrained();
  assert.equal(cycle.state, 'DRAINING');
});

test('one signal drains for the drain time and ends when nothing is open', async () => {
  const { calls, drained, cycle } = fixture();
  cycle.enter('LIVE');
  cycle.onSignal('SIGTERM');
  assert.deepEqual(calls, ['drain 45000']);
  assert.equal(cycle.state, 'DRAINING');
  drained.resolve();
  await cycle.ended;
  assert.deepEqual(calls, ['drain 45000', 'end']);
  assert.equal(cycle.ending, 'ended');
});

test('the second signal hurries, further ones change nothing, the end comes once', async () => {
  const { calls, cycle } = fixture();
  cycle.onSignal('SIGTERM');
  cycle.onSignal('SIGINT');
  cycle.onSignal('SIGTERM');
  cycle.quit();
  await cycle.ended;
  cycle.onSignal('SIGTERM');
  assert.deepEqual(calls, ['drain 45000', 'drain 0', 'end']);
});

test('quit closes what is open at once, also in the middle of a drain', async () => {
  const first = fixture();
  first.cycle.quit();
  await first.cycle.ended;
  assert.deepEqual(first.calls, ['drain 0', 'end']);
  const second = fixture();
  second.cycle.onSignal('SIGTERM');
  second.cycle.quit();
  await second.cycle.ended;
  assert.deepEqual(second.calls, ['drain 45000', 'drain 0', 'end']);
});
