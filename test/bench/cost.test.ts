/** The scenario `cost`, run for a moment: its report is whole. No figure is judged. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NGINX } from '../../bench/contenders/nginx.ts';
import { NODEPROXY_NONE } from '../../bench/contenders/nodeproxy.ts';
import { Rig } from '../../bench/contenders/rig.ts';
import { idleTable } from '../../bench/cost/idle-connections.ts';
import { isMeasured } from '../../bench/report/figures.ts';
import { COST } from '../../bench/scenarios/cost.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

it('costs of HTTP and TCP have a row for each proxy, and nodeproxy has figures in all', async () => {
  const given = { only: 'http,tcp', rounds: '1', seconds: '1', 'warm-up': '0', connections: '4' };
  const { run, pinnings, end } = benchRun(given, { scenario: COST });
  const sections = await COST.run(run);
  end();
  assert.deepEqual(
    sections.map(({ title }) => title),
    ['HTTP', 'TCP'],
  );
  const [http, tcp] = tablesOf(sections);
  assert.equal(http?.body.length, 5);
  assert.equal(tcp?.body.length, 2);
  for (const table of [http, tcp]) {
    for (const { name, cells } of table?.body ?? []) {
      assert.equal(cells.length, table?.columns.length, name);
      if (name.startsWith('nodeproxy')) assert.ok(isMeasured(cells[0] ?? null), `${name} was measured`);
    }
  }
  assert.deepEqual([...pinnings.keys()], ['proxies', 'upstream and load']);
});

it('an idle connection has a cost before and after its first answer', async () => {
  const { run, end } = benchRun();
  const rig = await Rig.open(run);
  try {
    const contenders = [NODEPROXY_NONE, ...(NGINX.program.missing() === undefined ? [NGINX] : [])];
    const table = await idleTable(rig, contenders, { rounds: 1, connections: 100, restMs: 50 });
    assert.equal(table.body.length, contenders.length);
    for (const { name, cells } of table.body) assert.ok(cells.every(isMeasured), name);
    assert.match(table.title, /^100 idle/);
  } finally {
    await rig.close();
    end();
  }
});
