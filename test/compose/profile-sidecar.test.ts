/** The profile `sidecar` of docker-compose.yml, run with local processes: every request passes the client's and the service's sidecar. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEnd, assertOrder, assertPorts, assertReport, assertSlowest } from './engine/profile-run.ts';
import { hopsOf, runProfile, tableOf } from './engine/profile-run.ts';

const PROXIES = ['client-sidecar', 'one-sidecar', 'two-sidecar', 'three-sidecar'];

test('sidecar: a proxy in every pod, and both of them know a request by the same id', async () => {
  const profile = await runProfile('sidecar');
  const { run } = profile;
  try {
    assertOrder(run);
    const report = assertReport(profile, 'sidecar');
    await assertPorts(run, 'client-pod');
    const hops = hopsOf(run, PROXIES);
    assert.ok(hops.size > 100, `${hops.size} requests`);
    for (const [id, { service, seen }] of hops)
      assert.deepEqual(seen, ['client-sidecar', `${service}-sidecar`], id);
    assertSlowest(report, run, 'sidecar', (service) => ['client-sidecar', `${service}-sidecar`]);
    const { body } = tableOf(report, 'Requests and memory by proxy');
    assert.deepEqual(
      body.map(({ name }) => name),
      [...PROXIES, 'all together'],
    );
    const [from, to, memory] = body.at(-1)?.cells ?? [];
    // What the client's sidecar sent away, the others let in.
    assert.equal(from, to);
    assert.ok(Number(memory) > 4 * 20);
  } finally {
    assertEnd(run, await run.down());
  }
});
