import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../../src/base/invariant.ts';
import { nextPooledState } from '../../src/upstream/pool/pooled-state.ts';
import type { PooledState, PooledTransition } from '../../src/upstream/pool/pooled-state.ts';

const STATES: readonly PooledState[] = ['connecting', 'ready', 'busy', 'draining', 'closed'];
const TRANSITIONS: readonly PooledTransition[] = ['connected', 'attach', 'stream-ended', 'drain', 'closed'];

const ALLOWED: Readonly<Record<string, PooledState>> = {
  'connecting connected': 'ready',
  'ready attach': 'busy',
  'busy stream-ended': 'ready',
  'busy drain': 'draining',
  'draining stream-ended': 'closed',
  'draining drain': 'draining',
};

test('every pair of state and transition leads where the drawing says or breaks the invariant', () => {
  for (const state of STATES) {
    for (const transition of TRANSITIONS) {
      const expected = transition === 'closed' ? 'closed' : ALLOWED[`${state} ${transition}`];
      if (expected === undefined) assert.throws(() => nextPooledState(state, transition), InvariantError);
      else assert.equal(nextPooledState(state, transition), expected);
    }
  }
});
