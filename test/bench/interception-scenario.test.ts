/** The scenario as a user runs it, for a moment: its report is whole, and says what was left out. Nothing is asserted of any speed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsSection } from '../../bench/interception/counts-section.ts';
import { isMeasured } from '../../bench/report/figures.ts';
import { INTERCEPTION } from '../../bench/scenarios/interception.ts';
import type { ContenderResult } from '../../bench/topology/rounds.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

test('a run of a moment on the loopback has the addressed steps, and the reason why there are no others', async (t) => {
  const given = { network: 'loopback', connections: '4', rate: '100', seconds: '0.2', rounds: '1' };
  const { run, notes, end } = benchRun(
    { ...given, 'closed-seconds': '0.2', 'warm-up': '0' },
    { scenario: INTERCEPTION },
  );
  t.after(end);
  const sections = await INTERCEPTION.run(run);
  const reason = /^no interception \(REDIRECT, TPROXY, eBPF, sockmap\): it needs network namespaces/;
  assert.ok(notes.some((note) => reason.test(note)));
  const tables = tablesOf(sections);
  for (const { title, columns, body } of tables)
    for (const { name, cells } of body) assert.equal(cells.length, columns.length, `${title}: ${name}`);
  const body = (title: string): readonly string[] =>
    tables.find((table) => table.title === title)?.body.map(({ name }) => name) ?? [];
  assert.deepEqual(body('Steps'), ['direct', 'one hop', 'two hops']);
  assert.deepEqual(body('What each step adds'), ['one hop - direct', 'two hops - one hop']);
  const steps = tables.find(({ title }) => title === 'Steps');
  for (const { cells } of steps?.body ?? []) {
    assert.ok(cells.slice(0, -1).every((cell) => isMeasured(cell) && cell.median > 0));
    assert.equal(cells.at(-1), 0, 'no request failed');
  }
  assert.deepEqual(
    tables.find(({ title }) => title === 'What a request moves')?.body.map(({ cells }) => cells.at(-1)),
    [null, 'all', 'all'],
  );
});

/** Two rounds with these figures. */
function result(name: string, means: readonly number[], rates: readonly number[]): ContenderResult {
  const cpu = { clients: 0, outbound: 1, inbound: 0, services: 0, relay: 0 };
  const latency = (mean: number): Record<'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number> => ({
    mean,
    p50: mean,
    p90: mean,
    p99: mean,
    p999: mean,
    max: mean,
  });
  const way = { client: 'sidecar', server: 'sidecar' } as const;
  return {
    contender: { name, way, hops: 2 },
    open: means.map((mean) => ({
      requests: 1,
      failed: 0,
      achievedRate: 1,
      latency: latency(mean),
      lag: latency(0),
      cpu,
      tenfold: 0,
      slow: [],
    })),
    closed: rates.map((requestsPerSecond) => ({ requests: 1, failures: 0, requestsPerSecond, p99: 0, cpu })),
  };
}

test('ratios of the sockmap are those of one round, and a gain is what is left out of one', () => {
  const load = { rate: 1, connections: 64, seconds: 1, closedSeconds: 1, keepAlive: true };
  // The second round is twice as slow for everybody.
  const results = [
    result('REDIRECT', [100, 200], [1000, 500]),
    result('eBPF', [100, 200], [1000, 500]),
    result('eBPF + sockmap', [90, 160], [1200, 600]),
  ];
  const [table] = tablesOf([countsSection([{ load, results }])]);
  assert.deepEqual(
    table?.body.map(({ name }) => name),
    ['64 connections, of eBPF', '64 connections, of REDIRECT'],
  );
  const [mean, , , , throughput, cpu, less] = table?.body[0]?.cells ?? [];
  assert.deepEqual(mean, { median: 0.8500000000000001, low: 0.8, high: 0.9, rounds: 2 });
  assert.deepEqual(throughput, { median: 1.2, low: 1.2, high: 1.2, rounds: 2 });
  assert.deepEqual(cpu, { median: 1, low: 1, high: 1, rounds: 2 });
  assert.ok(less !== undefined && isMeasured(less));
  assert.deepEqual([less.low, less.median, less.high].map(Math.round), [10, 15, 20]);
  const without = tablesOf([countsSection([{ load, results: results.slice(0, 2) }])]);
  assert.deepEqual(
    without.map(({ title }) => title),
    ['64 connections at 1 requests/s, and at full speed'],
  );
});

test('options that make no sense are refused', () => {
  const check = (name: string, text: string): string | null =>
    INTERCEPTION.options.find((option) => option.name === name)?.check?.(text) ?? null;
  assert.equal(check('counts', '1,64,1000,5000'), null);
  for (const wrong of ['', '0', '1,,2', 'all', '-1', '1e3', '100000'])
    assert.notEqual(check('counts', wrong), null, wrong);
  assert.notEqual(check('only', 'steps,sockmap'), null);
  assert.notEqual(check('network', 'bridge'), null);
});
