/** The threads benchmark: counting from the log, the measures of imbalance, and a run of a second with a real proxy. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { coresOf } from '../../bench/harness/set-up.ts';
import type { BenchRun } from '../../bench/scenario.ts';
import { THREADS } from '../../bench/scenarios/threads.ts';
import { proxyCores } from '../../bench/threads/measure.ts';
import { MODES, writeThreadsConfig } from '../../bench/threads/modes.ts';
import { chanceOf, GrownLog, imbalanceOf } from '../../bench/threads/thread-counts.ts';
import { fewAndMany, sharesOf } from '../../bench/threads/threads-section.ts';
import { validate } from '../../src/config/load-bootstrap.ts';
import { CONFIG_CHECKS } from '../../src/server/config-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-threads-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('only lines written after the mark count, and a worker without one is idle', () => {
  const file = join(folder, 'access.log');
  const log = new GrownLog(file);
  log.skip();
  writeFileSync(file, '71 1\n71 1\n72 2\n');
  assert.deepEqual(log.loads([71, 72]), [
    { tid: 71, requests: 2, connections: 1 },
    { tid: 72, requests: 1, connections: 1 },
  ]);
  log.skip();
  appendFileSync(file, '72 3\n72 4\n72 4\n');
  assert.deepEqual(log.loads([71, 72]), [
    { tid: 71, requests: 0, connections: 0 },
    { tid: 72, requests: 3, connections: 2 },
  ]);
});

test('imbalance is 1 where the work is even and the number of workers where one has all', () => {
  assert.deepEqual(imbalanceOf([5, 5, 5, 5]), { maxToMin: 1, maxToMean: 1 });
  assert.deepEqual(imbalanceOf([9, 3]), { maxToMin: 3, maxToMean: 1.5 });
  assert.deepEqual(imbalanceOf([8, 0]), { maxToMin: Infinity, maxToMean: 2 });
  assert.throws(() => imbalanceOf([0, 0]), RangeError);
});

test('chance makes a small spread likely and a large one not', () => {
  assert.equal(chanceOf([4]), 1);
  assert.equal(chanceOf([8, 8]), 1);
  assert.ok(chanceOf([5, 3]) > 0.3);
  assert.ok(chanceOf([12, 0]) < 0.001);
});

test('workers are compared by their place, not by their number', () => {
  const loads = (
    ...requests: number[]
  ): { loads: { tid: number; requests: number; connections: number }[] } => ({
    loads: requests.map((count, tid) => ({ tid, requests: count, connections: 1 })),
  });
  const [busiest, other] = sharesOf([loads(30, 10), loads(20, 60)]);
  assert.deepEqual(busiest, { median: 75, low: 75, high: 75, rounds: 2 });
  assert.deepEqual(other, { median: 25, low: 25, high: 25, rounds: 2 });
});

test('few connections are two for each worker, many the most', () => {
  assert.deepEqual(fewAndMany([256, 1, 4, 8], 2), { few: 4, many: 256 });
  assert.deepEqual(fewAndMany([1, 2], 4), { few: 2, many: 2 });
});

test('the proxies leave the core of the client alone where enough are left', () => {
  assert.deepEqual(proxyCores({ cores: { proxy: 0, other: 1, all: [0, 1] } }), [0, 1]);
  assert.deepEqual(proxyCores({ cores: { proxy: 0, other: 1, all: [0, 1, 2, 3] } }), [0, 2, 3]);
});

test('every mode is a configuration that the proxy accepts', () => {
  for (const [index, mode] of MODES.entries()) {
    const own = join(folder, `mode-${index}`);
    const file = writeThreadsConfig({ mode, workUs: 10, folder: own, accessLog: join(own, 'access.log') });
    assert.deepEqual(validate(file, { checks: CONFIG_CHECKS }), { ok: true });
  }
});

test('numbers in options are checked', () => {
  const check = (name: string, text: string): string | null =>
    THREADS.options.find((option) => option.name === name)?.check?.(text) ?? null;
  assert.equal(check('workers', '1,2,4'), null);
  for (const wrong of ['', '0', '1,,2', 'two', '-1', '1e3', '100000'])
    assert.notEqual(check('workers', wrong), null, wrong);
});

test('a run of a second counts every request of every worker', { timeout: 60_000 }, async () => {
  const bench: BenchRun = {
    options: new Map([
      ['workers', '2'],
      ['connections', '8'],
      ['rounds', '1'],
      ['seconds', '1'],
      ['work', '10'],
    ]),
    quick: true,
    folder,
    cores: coresOf(),
    progress: { step: () => undefined, note: () => undefined },
    signal: new AbortController().signal,
    version: () => undefined,
    pinned: () => undefined,
  };
  const sections = await THREADS.run(bench);
  const parts = sections.flatMap((section) => section.parts);
  for (const part of parts)
    if (part.kind === 'table')
      for (const { name, cells } of part.body)
        assert.equal(cells.length, part.columns.length, `${part.title}: ${name}`);
  const balance = parts.find(({ title }) => title === 'Balance of 2 workers');
  assert.ok(balance?.kind === 'table');
  assert.deepEqual(
    balance.body.map(({ name }) => name),
    ['reuse_port, 8', 'shared socket, 8', 'exact balance, 8'],
  );
  // Eight connections by twos of four each: what the mode promises, whatever the machine does.
  assert.deepEqual(balance.body[2]?.cells[2], { median: 1, low: 1, high: 1, rounds: 1 });
});
