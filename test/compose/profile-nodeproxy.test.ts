/** The profile `nodeproxy` of docker-compose.yml, run with local processes: a request passes the proxies of the nodes it touches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEnd, assertOrder, assertPorts, assertReport, assertSlowest } from './engine/profile-run.ts';
import { hopsOf, runProfile, tableOf } from './engine/profile-run.ts';

const proxiesOf = (service: string): string[] => (service === 'one' ? ['node-a'] : ['node-a', 'node-b']);

test('nodeproxy: a proxy on every node, one for requests that stay on it, two with the same id for others', async () => {
  const profile = await runProfile('nodeproxy');
  const { run } = profile;
  try {
    assertOrder(run);
    const report = assertReport(profile, 'nodeproxy');
    await assertPorts(run, 'node-a');
    await assertPorts(run, 'node-b');
    const hops = hopsOf(run, ['node-a', 'node-b']);
    assert.ok(hops.size > 100, `${hops.size} requests`);
    for (const [id, { service, seen }] of hops) assert.deepEqual(seen, proxiesOf(service), id);
    assertSlowest(report, run, 'nodeproxy', proxiesOf);
    const { body } = tableOf(report, 'Requests and memory by proxy');
    assert.deepEqual(
      body.map(({ name }) => name),
      ['node-a', 'node-b', 'all together'],
    );
    const [a, b] = body;
    assert.ok(Number(a?.cells[0]) > Number(b?.cells[1]) && Number(b?.cells[1]) > 0);
    assert.deepEqual([a?.cells[1], b?.cells[0]], [0, 0]);
  } finally {
    assertEnd(run, await run.down());
  }
});
