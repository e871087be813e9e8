/** The probe of a core: that it measures all along, forgets what it has told, and ends with its run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreProbe } from '../../bench/harness/core-probe.ts';
import { SystemClock, delay } from '../../src/base/clock.ts';

const PAUSE_MS = 50;
const clock = new SystemClock();

test('a probe tells what it has seen since it was asked before, and nothing twice', async () => {
  const probe = new CoreProbe(0);
  try {
    let seen = await probe.seen();
    while (seen.samples < 5) {
      await delay(10 * PAUSE_MS);
      seen = await probe.seen();
    }
    assert.ok(seen.crowding !== null && Number.isFinite(seen.crowding), String(seen.crowding));
    const asked = clock.now();
    const { samples } = await probe.seen();
    assert.ok(samples <= (clock.now() - asked) / PAUSE_MS + 1, `${samples} at once`);
  } finally {
    await probe.stop();
  }
  await assert.rejects(probe.seen(), /has ended/);
});
