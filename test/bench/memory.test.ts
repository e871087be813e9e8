/** The memory benchmark: its arithmetic, and one run at the smallest size with a real proxy. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { coresOf } from '../../bench/harness/set-up.ts';
import { logTime } from '../../bench/harness/mesh-proxy.ts';
import { barsSection } from '../../bench/memory/bars.ts';
import type { AloneResult } from '../../bench/memory/alone.ts';
import { fitted } from '../../bench/memory/growth.ts';
import { parseRollup } from '../../bench/memory/resident.ts';
import { reaches } from '../../bench/memory/scale-section.ts';
import { roundOf } from '../../bench/memory/scales.ts';
import { TALK_SCALES } from '../../bench/memory/talk.ts';
import { onNodes, onOneMachine, slope, sumUp } from '../../bench/memory/together.ts';
import type { Cell, Section, Table } from '../../bench/report/report.ts';
import type { BenchRun } from '../../bench/scenario.ts';
import { MEMORY } from '../../bench/scenarios/memory.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-memory-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const MIB = 1024 * 1024;

test('resident size, proportional size and own pages are read in bytes', () => {
  const text = [
    '00400000-7ffc [rollup]',
    'Rss:              1000 kB',
    'Pss:               600 kB',
    'Pss_Dirty:         100 kB',
    'Shared_Clean:      500 kB',
    'Private_Clean:     120 kB',
    'Private_Dirty:     380 kB',
  ].join('\n');
  assert.deepEqual(parseRollup(text), { rss: 1000 * 1024, pss: 600 * 1024, own: 500 * 1024 });
  assert.throws(() => parseRollup('Rss: 1 kB'), /no Pss/);
});

test('further processes cost their own pages, further nodes the shared ones too', () => {
  // Two processes with 70 of their own that share 40.
  const sample = sumUp([
    { rss: 110, pss: 90, own: 70 },
    { rss: 110, pss: 90, own: 70 },
  ]);
  assert.deepEqual(sample, { processes: 2, pss: 180, ownEach: 70, shared: 40 });
  assert.equal(onOneMachine(sample, 2), 180);
  assert.equal(onOneMachine(sample, 10), 10 * 70 + 40);
  assert.equal(onNodes(sample, 10, 4), 10 * 70 + 4 * 40);
});

test('the slope of a line is found', () => {
  const points = [1, 2, 6].map((x) => ({ x, y: 3 * x + 7 }));
  assert.equal(slope(points), 3);
  assert.deepEqual(
    fitted([
      { pods: 10, pss: [100, 5] },
      { pods: 20, pss: [300, 5] },
    ]).slopes,
    [20, 0],
  );
});

test('a row reaches the share of the talk only if its worst round does, on one machine and on four', () => {
  const scale = TALK_SCALES[0];
  assert.ok(scale !== undefined);
  const good = { sidecars: 3000, nodeProxies: 400, sidecarsOnNodes: 3000, nodeProxiesOnNodes: 500 };
  const bad = { ...good, nodeProxiesOnNodes: 1000 };
  assert.equal(reaches({ scale, ran: 30, rounds: [good, good] }), 'yes');
  assert.equal(reaches({ scale, ran: 30, rounds: [good, bad] }), 'yes, apart no');
  assert.equal(reaches({ scale, ran: 30, rounds: [good, { ...good, nodeProxies: 1000 }] }), 'no');
  const nodes = sumUp(Array.from({ length: 4 }, () => ({ rss: 110, pss: 80, own: 70 })));
  assert.deepEqual(roundOf(30, nodes, nodes), {
    sidecars: 320 + 26 * 70,
    nodeProxies: 320,
    sidecarsOnNodes: 30 * 70 + 160,
    nodeProxiesOnNodes: 4 * 110,
  });
});

test('the time of a log line is read as UTC', () => {
  assert.equal(logTime('2026-11-21 07:54:49.053'), Date.UTC(2026, 10, 21, 7, 54, 49, 53));
});

function alone(services: number, workers: number, mib: number): AloneResult {
  const resident = { rss: mib * MIB, pss: mib * MIB, own: mib * MIB };
  const stage = { resident, decoded: Array.from({ length: workers }, () => 0) };
  const some = { resident, decoded: Array.from({ length: workers }, () => 100) };
  const round = { readyMs: 500, workerStartMs: 200, idle: stage, some, all: null };
  return { services, workers, rounds: [round], failure: null };
}

function bars(section: Section): Map<string, Cell> {
  const [table] = section.parts as [Table];
  return new Map(table.body.map(({ name, cells }) => [name, cells.at(-1) ?? null]));
}

test('bars are held or not by what was measured, and left out where nothing was', () => {
  const kept = bars(barsSection([alone(1500, 2, 100), alone(5000, 2, 103), alone(50_000, 2, 190)]));
  assert.equal(kept.get('1500 services, 2 workers, idle, MiB'), 'yes');
  assert.equal(kept.get('growth from 1500 to 50000 services, 2 workers, idle, bytes per service'), 'yes');
  const broken = bars(
    barsSection([alone(1500, 2, 130), alone(50_000, 2, 230), alone(1500, 4, 130), alone(50_000, 4, 330)]),
  );
  assert.equal(broken.get('1500 services, 2 workers, idle, MiB'), 'no');
  assert.equal(broken.get('growth from 1500 to 50000 services, 2 workers, idle, bytes per service'), 'no');
  assert.equal(broken.get('growth that each further worker adds, idle, bytes per service'), 'no');
  assert.equal(bars(barsSection([alone(0, 1, 50)])).size, 2);
  const failed = { services: 50_000, workers: 2, rounds: [], failure: 'not ready' };
  assert.equal(bars(barsSection([alone(1500, 2, 100), failed])).size, 3);
});

test('a run of every part leaves a whole report and no process', { timeout: 60_000 }, async () => {
  const options = new Map(
    MEMORY.options.flatMap(({ name, quick, default: value }) => [[name, quick ?? value ?? '']]),
  );
  for (const [name, value] of [
    ['scales', '30/200'],
    ['at-once', '1'],
    ['sizes', '120'],
    ['workers', '1,2'],
    ['rounds', '1'],
    ['settle', '0'],
  ])
    options.set(name ?? '', value ?? '');
  const bench: BenchRun = {
    options,
    quick: true,
    folder,
    cores: coresOf(),
    progress: { step: () => undefined, note: () => undefined },
    signal: new AbortController().signal,
    version: () => undefined,
    pinned: () => undefined,
  };
  const sections = await MEMORY.run(bench);
  assert.deepEqual(
    sections.map(({ title }) => title),
    [
      'The proxy itself',
      'A sidecar per pod against a proxy per node',
      'Growth with the pods of a node',
      'One proxy that knows a whole mesh',
      'Bars',
    ],
  );
  for (const { parts } of sections)
    for (const part of parts)
      if (part.kind === 'table')
        for (const { name, cells } of part.body)
          assert.equal(cells.length, part.columns.length, `${part.title}: ${name}`);
  const decoded = sections[3]?.parts.find(
    ({ title }) => title === 'Services that a worker has decoded',
  ) as Table;
  assert.deepEqual(
    decoded.body.map(({ cells }) => cells),
    [
      ['0', '100', '120'],
      ['0, 0', '100, 100', '120, 120'],
    ],
  );
});
