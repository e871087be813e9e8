/** The parts `idle-close` and `gateway`, with a few requests: their reports are whole. Speed is not judged here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY } from '../../bench/soak/gateway.ts';
import { IDLE_CLOSE } from '../../bench/soak/idle-close.ts';
import { checkOf, smallSoak } from './soak-run.ts';

test('without a remedy some requests meet the close, with either none does', async (t) => {
  const result = await IDLE_CLOSE.run(smallSoak(t, 500));
  assert.deepEqual(
    result.checks.slice(0, 3).map(({ passed }) => passed),
    [true, true, true],
    JSON.stringify(result.checks),
  );
});

test('the gateway’s report has the uploads with and without the filter and what the log names', async (t) => {
  const result = await GATEWAY.run(smallSoak(t, 40));
  assert.ok(checkOf(result, /^failed uploads/).passed);
  assert.match(checkOf(result, /^causes in the log/).found, /slow-filter|loop-busy/);
  const [uploads] = result.parts;
  assert.ok(uploads?.kind === 'table');
  assert.deepEqual(
    uploads.body.map(({ cells }) => cells[0]),
    [80, 80],
  );
});
