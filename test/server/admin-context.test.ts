/** What `/threads` calls a worker that does not serve: one that never did is no restarted one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf } from '../../src/server/admin-context.ts';
import type { SeatState } from '../../src/server/worker-seat.ts';

test('a worker starts, runs, and starts again only after it was lost', () => {
  const states: readonly SeatState[] = ['vacant', 'starting', 'prepared', 'serving', 'resting', 'stopping'];
  const named = (restarts: number): string[] => states.map((state) => stateOf({ state, restarts }));
  assert.deepEqual(named(0), ['starting', 'starting', 'starting', 'running', 'restarting', 'stopping']);
  assert.deepEqual(named(1), ['restarting', 'restarting', 'restarting', 'running', 'restarting', 'stopping']);
});
