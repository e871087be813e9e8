/** The scenario as a user runs it, for a moment: its report is whole. Nothing is asserted of any speed. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { benchCommand } from '../../bench/command.ts';
import { readReport } from '../../bench/report/read-report.ts';
import { isMeasured } from '../../bench/report/figures.ts';
import type { Report, Table } from '../../bench/report/report.ts';
import { TOPOLOGY } from '../../bench/scenarios/topology.ts';

const out = mkdtempSync(join(tmpdir(), 'topology-scenario-'));
const notes: string[] = [];

async function bench(...args: readonly string[]): Promise<{ code: number; problems: string[] }> {
  const problems: string[] = [];
  const code = await benchCommand(args, {
    scenarios: [TOPOLOGY],
    progress: { step: () => undefined, note: (text) => notes.push(text), clear: () => undefined },
    print: () => undefined,
    problem: (text) => problems.push(text),
    stacks: true,
    results: out,
    signal: new AbortController().signal,
  });
  return { code, problems };
}

function tablesOf({ sections }: Report): Table[] {
  return sections.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'table' ? [part] : [])));
}

test('a run of a moment leaves a whole report', async (context) => {
  context.after(() => rmSync(out, { recursive: true, force: true }));
  const moment = ['--rounds', '2', '--seconds', '0.3', '--closed-seconds', '0.3', '--warm-up', '0'];
  const small = ['--pods', '1', '--concurrency', '1', '--rate', '100', '--connections', '4'];
  const ways = ['--network', 'loopback', '--only', 'direct,nodeproxy'];
  const { code, problems } = await bench('topology', ...ways, ...moment, ...small);
  assert.deepEqual(problems, []);
  assert.equal(code, 0);
  const file = readdirSync(out).find((name) => name.endsWith('.json'));
  const report = readReport(join(out, file ?? ''));
  assert.equal(report.sections.length, 7);
  assert.equal(report.setUp.pinning['pods'], 'addresses of the loopback');
  for (const { title, columns, body } of tablesOf(report)) {
    assert.ok(body.length > 0, `${title} has rows`);
    for (const { name, cells } of body) assert.equal(cells.length, columns.length, `${title}: ${name}`);
  }
  const latency = tablesOf(report).find(({ title }) => title === 'Latency');
  assert.deepEqual(
    latency?.body.map(({ name }) => name),
    ['direct', 'nodeproxy'],
  );
  for (const { cells } of latency?.body ?? []) {
    assert.ok(cells.slice(0, -1).every((cell) => isMeasured(cell) && cell.rounds === 2 && cell.median > 0));
    assert.equal(cells.at(-1), 0, 'no request failed');
  }
  const passed = tablesOf(report).find(({ title }) => title === 'Interoperation');
  for (const { cells } of passed?.body ?? []) for (const cell of cells) assert.equal(cell, 'passes (60)');
  const listings = report.sections.flatMap(({ parts }) => parts.filter(({ kind }) => kind === 'listing'));
  assert.equal(listings.length, 1);
  for (const each of listings)
    assert.ok(each.kind === 'listing' && each.lines.filter((line) => /^\d+\. /.test(line)).length === 10);
});

test('options that make no sense are refused before anything is started', async () => {
  for (const wrong of [
    ['--only', 'sidecars'],
    ['--pods', '0'],
    ['--network', 'bridge'],
    ['--seconds', '-1'],
    ['--rate', '1e3'],
  ]) {
    const { code, problems } = await bench('topology', ...wrong);
    assert.equal(code, 2, problems.join());
  }
});
