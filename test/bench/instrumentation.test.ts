/** The scenario `instrumentation`, run for a moment: its report is whole. No figure is judged. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { barsTable } from '../../bench/instrumentation/bars.ts';
import { isMeasured } from '../../bench/report/figures.ts';
import { INSTRUMENTATION } from '../../bench/scenarios/instrumentation.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

const SHORT = { rounds: '1', seconds: '1', 'warm-up': '0', connections: '4' };

it('every log has its cost, its difference and the length of its lines', async () => {
  const { run, notes, end } = benchRun({ ...SHORT, only: 'ladder' }, { scenario: INSTRUMENTATION });
  const [table] = tablesOf(await INSTRUMENTATION.run(run));
  end();
  assert.deepEqual(
    table?.body.map(({ name }) => name),
    ['no log', 'plain', 'plain, ledger and verdict', 'full', 'diagnostic', 'full, JSON'],
    notes.join('\n'),
  );
  const at = (name: string): number => table?.columns.findIndex((column) => column.name === name) ?? -1;
  for (const { name, cells } of table?.body ?? []) {
    assert.ok(isMeasured(cells[at('CPU')] ?? null), name);
    const none = name === 'no log';
    assert.equal(isMeasured(cells[at('more than no log')] ?? null), !none, name);
    assert.equal(isMeasured(cells[at('throughput lost')] ?? null), !none, name);
    assert.equal(typeof cells[at('line')], none ? 'object' : 'number', name);
  }
  const lengths = table?.body
    .map(({ cells }) => cells[at('line')])
    .filter((cell) => typeof cell === 'number');
  assert.ok((lengths?.[3] ?? 0) > (lengths?.[0] ?? 0), 'JSON is longer than the plain line');
});

it('what a client notices is judged against the bar, or said not to be measured', async () => {
  const { run, end } = benchRun({ ...SHORT, only: 'client' }, { scenario: INSTRUMENTATION });
  const [client, bars] = tablesOf(await INSTRUMENTATION.run(run));
  end();
  assert.equal(client?.body.length, 3);
  assert.equal(bars?.body.length, 4);
  for (const { name, cells } of bars?.body ?? []) {
    assert.equal(typeof cells[0], 'number', name);
    assert.ok(
      ['yes', 'no'].some((each) => each === cells.at(-1)),
      name,
    );
  }
  const empty = barsTable([], 'full', ['plain']);
  assert.deepEqual(empty.body[0]?.cells, [null, 'at most 5 %', 0, 'not measured']);
});
