/** The part `junk`, with a few hundred requests: its report is whole. Speed and memory are not judged here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JUNK_PART } from '../../bench/soak/junk.ts';
import { checkOf, smallSoak } from './soak-run.ts';

test('junk is refused, harms no good request and leaves no connection', async (t) => {
  const result = await JUNK_PART.run(smallSoak(t, 300));
  for (const what of [/^junk requests/, /^failures of good/, /^connections of junk/])
    assert.ok(checkOf(result, what).passed, JSON.stringify(result.checks));
  assert.match(checkOf(result, /^answers to junk/).found, /400: .*404: /);
  assert.deepEqual(
    result.parts.map(({ kind }) => kind),
    ['table', 'chart', 'listing'],
  );
});
