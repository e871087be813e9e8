/** Two reports side by side, or the reasons against it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { compareText } from '../../bench/report/compare.ts';
import { readReport } from '../../bench/report/read-report.ts';
import type { Cell, Column, Report } from '../../bench/report/report.ts';
import { sampleReport, SET_UP } from './support/sample-report.ts';

const CPU: Column = { name: 'CPU', unit: 'µs', better: 'lower' };

function withTable(columns: readonly Column[], rows: Readonly<Record<string, readonly Cell[]>>): Report {
  const body = Object.entries(rows).map(([name, cells]) => ({ name, cells }));
  return sampleReport({
    sections: [
      { title: 'S', text: [], parts: [{ kind: 'table', title: 'T', rows: 'proxy', columns, body }] },
    ],
  });
}

const figure = (median: number, low: number, high: number): Cell => ({ median, low, high, rounds: 5 });

describe('the comparison of two reports', () => {
  test('other cores, versions, options or pinning are refused with the reason', () => {
    const changes: readonly (readonly [Partial<Report>, RegExp])[] = [
      [
        { setUp: { ...SET_UP, machine: { ...SET_UP.machine, cores: 8 } } },
        /machine cores: 2 in the first, 8 in the second/,
      ],
      [
        { setUp: { ...SET_UP, versions: { node: '27' } } },
        /version node: 26\.10\.0 in the first, 27 in the second/,
      ],
      [{ setUp: { ...SET_UP, options: {} } }, /option rounds: 5 in the first, none in the second/],
      [{ setUp: { ...SET_UP, pinning: {} } }, /pinning proxies/],
      [{ scenario: 'other' }, /scenario: sample in the first, other in the second/],
    ];
    for (const [change, reason] of changes) {
      const { text, comparable } = compareText(sampleReport(), sampleReport(change));
      assert.equal(comparable, false);
      assert.match(text, reason);
      assert.doesNotMatch(text, /\d\.\d\d {2}/, 'no ratio is shown');
    }
  });

  test('another commit is compared, and both are named', () => {
    const other = sampleReport({ setUp: { ...SET_UP, commit: 'fedcba987654', dirty: true } });
    const { text, comparable } = compareText(sampleReport(), other);
    assert.equal(comparable, true);
    assert.match(text, /first: {2}commit 0123456789ab,/);
    assert.match(text, /second: commit fedcba987654 with changes that are not committed,/);
    assert.match(text, /\d+ same: the medians are no further apart than the scatter of the rounds explains/);
  });

  test('a figure is the same where rounds that scatter so may have both medians', () => {
    const columns = [CPU, { name: 'rate', better: 'higher' }, { name: 'plain' }] as const;
    const one = withTable(columns, {
      near: [figure(10, 9, 12), figure(10, 9, 11), figure(10, 9, 11)],
      far: [figure(10, 9, 12), figure(10, 9, 11), figure(10, 9, 11)],
    });
    const other = withTable(columns, {
      near: [figure(11, 9.5, 12), figure(10.5, 9, 12), figure(10, 9, 11)],
      far: [figure(20, 19, 21), figure(20, 19, 21), figure(20, 19, 21)],
    });
    const { text } = compareText(one, other);
    const verdict = (row: string, column: string): string =>
      new RegExp(`^${row} +${column}.* (\\S+)$`, 'm').exec(text)?.[1] ?? text;
    assert.equal(verdict('near', 'CPU'), 'same');
    assert.equal(verdict('far', 'CPU'), 'worse');
    assert.equal(verdict('far', 'rate'), 'better');
    assert.equal(verdict('far', 'plain'), 'apart');
    assert.match(text, /^near +CPU \[µs\] +10\.0 \(9\.00-12\.0\) +11\.0 \(9\.50-12\.0\) +1\.10 +same$/m);
  });

  test('figures without a range are not judged, and set ones not shown', () => {
    const columns = [CPU, { name: 'services' }];
    const { text } = compareText(withTable(columns, { a: [5, 1500] }), withTable(columns, { a: [10, 1500] }));
    assert.match(text, /^a +CPU \[µs\] +5\.00 +10\.0 +2\.00 +no range$/m);
    assert.doesNotMatch(text, /^a +services/m);
  });

  test('what only one of them has is named, not dropped', () => {
    const { text, comparable } = compareText(
      withTable([CPU, { name: 'old' }], { a: [figure(1, 1, 2), 1], gone: [null, null] }),
      withTable([CPU, { name: 'new' }], { a: [null, 'x'], added: [null, null] }),
    );
    assert.equal(comparable, true);
    for (const part of [
      '"gone" is in the first alone',
      '"added" is in the second alone',
      '"old" is in the first alone',
      '"new" is in the second alone',
      'T, a, CPU: 1.00 (1.00-2.00) in the first, nothing in the second',
    ])
      assert.ok(text.includes(part), `${part}\n${text}`);
  });

  test('tables and rows of the same name are compared in their order', () => {
    const twice = (second: number): Report => {
      const [section] = withTable([CPU], { a: [figure(1, 1, 1)] }).sections;
      const [again] = withTable([CPU], { a: [figure(second, second, second)] }).sections;
      return sampleReport({ sections: [section, again].filter((each) => each !== undefined) });
    };
    const { text } = compareText(twice(2), twice(4));
    assert.match(text, /^S: T \(2\)$/m);
    assert.match(text, /2\.00 \(2\.00-2\.00\) +4\.00 \(4\.00-4\.00\) +2\.00 +worse/);
  });

  test('units that differ are not compared', () => {
    const { text } = compareText(
      withTable([CPU], { a: [figure(1, 1, 1)] }),
      withTable([{ ...CPU, unit: 'ms' }], { a: [figure(1, 1, 1)] }),
    );
    assert.match(text, /the units differ/);
    assert.match(text, /No figure is in both reports/);
  });

  test('names of a report do not steer the terminal', () => {
    const evil = '\u001b[2J';
    const report = withTable([{ name: evil, unit: evil }], { [evil]: [figure(1, 1, 2)], b: [evil] });
    for (const other of [report, sampleReport({ scenario: evil }), sampleReport({ title: evil })])
      assert.ok(!compareText(report, { ...other, title: evil }).text.includes('\u001b'));
  });
});

describe('a report read back', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-reports-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const written = (text: string): string => {
    const file = join(folder, 'report.json');
    writeFileSync(file, text);
    return file;
  };

  test('is what was written', () => {
    assert.deepEqual(readReport(written(JSON.stringify(sampleReport()))), sampleReport());
  });

  test('may have figures that JSON cannot hold', () => {
    const report = withTable([CPU], { a: [{ median: NaN, low: -Infinity, high: Infinity, rounds: 3 }] });
    const read = readReport(written(JSON.stringify(report)));
    assert.equal(compareText(read, read).comparable, true);
  });

  const broken: readonly (readonly [string, unknown, RegExp])[] = [
    ['no JSON', '{"scenario":', /report\.json: .*JSON/],
    ['nothing', null, /report is not an object/],
    ['a list', [], /report is not an object/],
    ['another program’s file', { name: 'x' }, /report\.scenario is not text/],
    ['a report without set-up', { ...sampleReport(), setUp: null }, /report\.setUp is not an object/],
    [
      'versions that are no texts',
      { ...sampleReport(), setUp: { ...SET_UP, versions: { node: 26 } } },
      /setUp\.versions\.node is not text/,
    ],
    [
      'a part of no kind',
      { ...sampleReport(), sections: [{ title: '', text: [], parts: [{ kind: 'pie' }] }] },
      /sections\[0\]\.parts\[0\]\.kind/,
    ],
    [
      'a cell of no kind',
      withTable([CPU], { a: [true as unknown as Cell] }),
      /body\[0\]\.cells\[0\] is not an object/,
    ],
    [
      'a figure in words',
      withTable([CPU], { a: [{ median: 'x' } as unknown as Cell] }),
      /cells\[0\]\.median is not a number/,
    ],
  ];
  for (const [what, value, expected] of broken)
    test(`${what} is refused with its place`, () => {
      const file = written(typeof value === 'string' ? value : JSON.stringify(value));
      assert.throws(() => readReport(file), { message: expected });
    });

  test('a file that is not there is named', () => {
    assert.throws(() => readReport(join(folder, 'none.json')), { message: /none\.json/ });
  });
});
