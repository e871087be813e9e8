/** The scenario `peers`, run for a moment: who is missing is noted, who takes part has a row in each case. No figure is judged. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { isMeasured } from '../../bench/report/figures.ts';
import { PEERS_SCENARIO } from '../../bench/scenarios/peers.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

const { ENVOY } = process.env;
before(() => (process.env['ENVOY'] = '/nonexistent/envoy'));
after(() => {
  if (ENVOY === undefined) delete process.env['ENVOY'];
  else process.env['ENVOY'] = ENVOY;
});

it('has a table for each case, a score, and a note on who is missing', async () => {
  const given = {
    contenders: 'nodeproxy,envoy,fast-proxy',
    cases: 'get-1,get-64,tcp-close',
    rounds: '1',
    seconds: '1',
    'warm-up': '0',
  };
  const { run, notes, versions, end } = benchRun(given, { scenario: PEERS_SCENARIO });
  const sections = await PEERS_SCENARIO.run(run);
  end();
  assert.deepEqual(
    sections.map(({ title }) => title),
    ['Score', 'HTTP', 'TCP'],
  );
  const [score, one, many, tcp] = tablesOf(sections);
  const names = ['nodeproxy, plain log', 'fast-proxy'];
  for (const table of [score, one, many])
    assert.deepEqual(
      table?.body.map(({ name }) => name),
      names,
    );
  assert.deepEqual(
    tcp?.body.map(({ name }) => name),
    ['nodeproxy, tcp_proxy'],
  );
  for (const { cells } of [...(one?.body ?? []), ...(many?.body ?? []), ...(tcp?.body ?? [])])
    assert.ok(isMeasured(cells[0] ?? null));
  assert.equal(score?.body[0]?.cells[0], null, 'without nginx there is no score');
  const charts = sections[0]?.parts.filter((part) => part.kind === 'chart') ?? [];
  assert.equal(charts.length, 2);
  assert.ok(charts.every((chart) => chart.series.every(({ points }) => points.length === 2)));
  assert.match(notes.join('\n'), /without envoy \(http\): Envoy is not on the PATH/);
  assert.match(notes.join('\n'), /fast-gateway/);
  assert.match(String(versions.get('fast-proxy')), /^\d+\.\d+\.\d+$/);
});
