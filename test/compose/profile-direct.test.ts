/** The profile `direct` of docker-compose.yml, run with local processes; and what the client does when it is told to stop. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { ROOT } from '../docs/markdown.ts';
import { pause } from '../support/raw-client.ts';
import { ComposeRun } from './engine/engine.ts';
import { assertEnd, assertOrder, assertReport, LOAD, runProfile, tableOf } from './engine/profile-run.ts';

test('direct: without a proxy the services are measured themselves', async () => {
  const profile = await runProfile('direct');
  try {
    assertOrder(profile.run);
    const report = assertReport(profile, 'direct');
    assert.ok(report.sections.some(({ text }) => text.some((line) => line.includes('no proxy on the way'))));
    const { body } = tableOf(report, 'Where the time of the slowest went, direct');
    assert.equal(body.length, 10);
    for (const { cells } of body) assert.ok(Number(cells[0]) > 0);
  } finally {
    assertEnd(profile.run, await profile.run.down());
  }
});

test('a client that is told to stop ends within its grace period and leaves no report', async () => {
  const run = await ComposeRun.up(ROOT, 'direct', { ...LOAD, SECONDS: '600' });
  const client = run.container('client');
  try {
    for (let waited = 0; !client.output.includes('round 1 of 1: one') && waited < 600; waited += 1)
      await pause(50);
    const { code, ms } = await client.stop();
    assert.equal(code, 128 + 15, client.output);
    assert.ok(ms < client.service.graceMs);
    assert.match(client.output, /interrupted by SIGTERM, no report was written/);
    assert.deepEqual(readdirSync(run.results), []);
  } finally {
    await run.down();
  }
});
