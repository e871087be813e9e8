/** What every walk promises: each of its steps shows what it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runWalk } from '../../src/lab/run-walk.ts';
import { WALKS } from '../../src/lab/walks.ts';

for (const walk of WALKS) {
  test(`${walk.name}: every step shows what it should`, async () => {
    const seen: string[] = [];
    await runWalk(walk, ({ step, seen: text, asExpected }) => {
      assert.ok(asExpected, `${step.title}: ${String(step.shows)}\n${text}`);
      seen.push(step.title);
    });
    assert.deepEqual(
      seen,
      walk.steps.map(({ title }) => title),
    );
  });
}
