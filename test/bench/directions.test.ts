/** The scenario `directions`, run for a moment: every request passes both proxies. No figure is judged. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { startChain } from '../../bench/directions/chain.ts';
import { measureChains } from '../../bench/directions/rounds.ts';
import { Rig } from '../../bench/contenders/rig.ts';
import { serviceCluster } from '../../bench/harness/mesh.ts';
import { isMeasured } from '../../bench/report/figures.ts';
import { DIRECTIONS } from '../../bench/scenarios/directions.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

const PLAN = { rounds: 1, seconds: 1, warmUpSeconds: 0 };

it('a request passes both proxies, over the service that it asks for and over all of its endpoints', async () => {
  const { run, end } = benchRun({}, { scenario: DIRECTIONS });
  const rig = await Rig.open(run);
  try {
    const chain = await startChain(rig, { name: 'three', services: 3, endpoints: 2 });
    const [result] = await measureChains(rig, [chain], 4, PLAN);
    assert.equal(result?.failures, 0);
    assert.equal(result.rounds.length, 1);
    for (const each of [chain.outbound, chain.inbound]) await rig.stop(each);
    const [outbound = '', inbound = ''] = [chain.outbound, chain.inbound].map(({ logs }) =>
      readFileSync(logs[0] ?? '', 'utf8'),
    );
    assert.ok(outbound.split('\n').length > 10);
    assert.ok(outbound.includes(` ${serviceCluster(2)} `));
    assert.ok(!outbound.includes(` ${serviceCluster(0)} `));
    for (const pod of ['127.1.0.4', '127.1.0.5']) assert.ok(outbound.includes(`"${pod}:`), pod);
    assert.equal(inbound.split('\n').length, outbound.split('\n').length);
    assert.ok(inbound.includes(' upstream '));
  } finally {
    await rig.close();
    end();
  }
});

it('every mesh has both figures and their ratio', async () => {
  const given = { rounds: '1', seconds: '1', 'warm-up': '0', services: '20', connections: '4' };
  const { run, notes, end } = benchRun(given, { scenario: DIRECTIONS });
  const [table] = tablesOf(await DIRECTIONS.run(run));
  end();
  assert.equal(table?.body.length, 3, notes.join('\n'));
  for (const { name, cells } of table?.body ?? []) {
    assert.ok(cells.slice(0, 3).every(isMeasured), name);
    assert.equal(cells.at(-1), 0, name);
  }
});
