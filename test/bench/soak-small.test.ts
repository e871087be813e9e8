/** The parts `idle-close` and `gateway`, with a few requests: their reports are whole. Speed is not judged here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY } from '../../bench/soak/gateway.ts';
import { IDLE_CLOSE } from '../../bench/soak/idle-close.ts';
import { checkOf, smallSoak } from './soak-run.ts';

test('without a remedy some requests meet the close, with a retry none does', async (t) => {
  const { checks } = await IDLE_CLOSE.run(smallSoak(t, 500));
  const told = JSON.stringify(checks);
  const [bare, idle, retry] = checks;
  assert.deepEqual([bare?.passed, retry?.passed], [true, true], told);
  // A proxy that gets no processor is late with its idle timeout, too, and then it does not help: only a full run judges it.
  assert.match(idle?.found ?? '', /^\d+ of 500$/, told);
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
