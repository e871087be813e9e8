/** The page of a report as text: what is in it, what is marked, and that no text of a report becomes markup. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chartFigure } from '../../bench/report/chart/figure.ts';
import { bestRow } from '../../bench/report/page-table.ts';
import { reportPage } from '../../bench/report/page.ts';
import type { Cell, Chart, Table } from '../../bench/report/report.ts';
import { NOTHING } from '../../src/diagnose/page/html.ts';
import { hostileReport } from './support/hostile-report.ts';
import { CHARTS, COST_TABLE, sampleReport } from './support/sample-report.ts';

function drawn(chart: Chart): Promise<string> {
  return chartFigure(chart, NOTHING).then(({ text }) => text);
}

function chartOf(change: Partial<Chart>, ys: readonly number[] = [1, 2, 3]): Chart {
  const points = ys.map((y, index) => ({ x: index + 1, y, low: y * 0.9, high: y * 1.1 }));
  const axes = { x: { label: 'connections' }, y: { label: 'latency', unit: 'µs' } };
  return { kind: 'chart', form: 'lines', title: 'C', ...axes, series: [{ name: 'one', points }], ...change };
}

describe('the page of a report', () => {
  test('states the set-up and how to run it again, and needs nothing from anywhere', async () => {
    const page = await reportPage(sampleReport({ notes: ['nginx is not installed'] }));
    for (const part of [
      'Example Processor 9000',
      '0123456789ab',
      'nginx 1.22.1',
      'proxies: core 0',
      'rounds 5',
      '--connections 64 --quick',
      'nginx is not installed',
      'loop=949',
    ])
      assert.ok(page.includes(part), part);
    assert.match(page, /default-src 'none'; style-src 'sha256-[^']+'; img-src data:/);
    assert.doesNotMatch(page, /<script|\sstyle="|@import|url\(|xlink:href|<link rel="stylesheet/);
    // Namespaces of SVG are names, no addresses.
    assert.deepEqual([...new Set(page.match(/https?:[^"' <]+/g))].sort(), [
      'http://www.w3.org/1999/xlink',
      'http://www.w3.org/2000/svg',
    ]);
  });

  test('figures have unit, direction and range', async () => {
    const page = await reportPage(sampleReport());
    assert.match(page, /CPU<span class="unit">µs\/request<\/span><span class="unit">lower is better<\/span>/);
    assert.match(page, /<td>17\.8<\/td><td class="range">17\.1-18\.6<\/td>/);
    assert.match(page, /Median of 5 rounds \(lowest-highest\)\./);
  });

  test('a chart says each figure in words, in a title that a browser shows', async () => {
    const [bars = chartOf({}), lines = chartOf({})] = CHARTS;
    assert.match(
      await drawn(bars),
      /<title>sidecars, pods \/ services 30 \/ 200: 900 \(864-945\) MiB<\/title>/,
    );
    assert.match(
      await drawn(lines),
      /<title>1 worker, connections 1: 20,000 \(18,600-21,200\) requests\/s<\/title>/,
    );
  });

  test('every series has a colour of the page’s style', async () => {
    const text = await drawn(CHARTS[1] ?? chartOf({}));
    for (const index of [0, 1, 2, 3]) assert.ok(text.includes(`var(--series-${index})`));
    assert.doesNotMatch(
      text,
      /(?:fill|stroke)="#(?!0{3,6}")[0-9a-f]+"/,
      'no colour that only one scheme can read',
    );
  });

  test('no text of a report becomes markup', async () => {
    const page = await reportPage(hostileReport());
    assert.doesNotMatch(page, /<script|<img|\p{Cf}/u);
    assert.ok(!page.includes('\u0000'));
    assert.equal(page.match(/<\/style>/g)?.length, 1);
    assert.equal(page.match(/<\/title>/g)?.length, page.match(/<title>/g)?.length);
    assert.match(page, /&lt;script&gt;/);
  });

  test('empty reports, sections, tables and charts say that they are', async () => {
    assert.match(await reportPage(sampleReport({ sections: [] })), /No section: nothing was measured/);
    const sections = [{ title: 'S', text: [], parts: [] }];
    assert.match(await reportPage(sampleReport({ sections })), /Nothing was measured here/);
    const parts = [{ ...COST_TABLE, body: [] }, chartOf({ series: [] })];
    const page = await reportPage(sampleReport({ sections: [{ title: 'S', text: [], parts }] }));
    assert.match(page, /No rows\./);
    assert.match(page, /Nothing to draw\./);
  });

  test('an odd mark of code stands for itself', async () => {
    const page = await reportPage(
      sampleReport({ sections: [{ title: 'S', text: ['a `b` c', 'a `b'], parts: [] }] }),
    );
    assert.match(page, /<p>a <code>b<\/code> c<\/p>/);
    assert.match(page, /<p>a `b<\/p>/);
  });
});

describe('the best of a column', () => {
  const figure = (low: number, high: number, rounds = 5): Cell => ({
    median: (low + high) / 2,
    low,
    high,
    rounds,
  });
  const table = (cells: readonly Cell[], ranked = true): Table => ({
    ...COST_TABLE,
    ranked,
    body: cells.map((cell, row) => ({ name: 'abc'[row] ?? '', cells: [cell] })),
  });
  const best = (cells: readonly Cell[], better: 'lower' | 'higher' = 'lower'): number | undefined =>
    bestRow(table(cells), { name: '', better }, 0);

  test('is marked where its range overlaps no other', () => {
    assert.equal(best([figure(3, 4), figure(1, 2), figure(5, 9)]), 1);
    assert.equal(best([figure(3, 4), figure(1, 2), figure(5, 9)], 'higher'), 2);
    assert.equal(best([null, 'text', figure(1, 2), 4]), 2);
  });

  test('is not marked where ranges touch, where there is none, or where rows are no rivals', () => {
    assert.equal(best([figure(3, 4), figure(1, 3)]), undefined);
    assert.equal(best([figure(1, 9), figure(2, 3)]), undefined);
    assert.equal(best([figure(1, 2)]), undefined);
    assert.equal(best([]), undefined);
    assert.equal(best([1, figure(2, 3)]), undefined, 'a figure without rounds may be luck');
    assert.equal(best([figure(1, 1, 1), figure(2, 3)]), undefined);
    assert.equal(best([figure(NaN, NaN), figure(2, 3)]), undefined);
    const sizes = {
      ...table([figure(1, 2), figure(3, 4)]),
      body: [
        { name: '30/200', cells: [figure(1, 2)] },
        { name: '5,000', cells: [figure(3, 4)] },
      ],
    };
    const { ranked: _, ...unsaid } = sizes;
    assert.equal(bestRow(unsaid, { name: '', better: 'lower' }, 0), undefined, 'sizes');
    assert.equal(bestRow(sizes, { name: '', better: 'lower' }, 0), 0, 'unless they are said to be rivals');
    assert.equal(
      bestRow(table([figure(1, 2), figure(3, 4)], false), { name: '', better: 'lower' }, 0),
      undefined,
    );
    assert.equal(bestRow(table([figure(1, 2), figure(3, 4)]), { name: '' }, 0), undefined);
  });
});

describe('charts', () => {
  test('points that a logarithmic axis has no place for are left out, and counted', async () => {
    const text = await drawn(chartOf({ y: { label: 'l', scale: 'log' } }, [0, -5, 10, 100]));
    assert.match(text, /2 of the points cannot be drawn/);
    assert.doesNotMatch(text, /NaN|Infinity/);
  });

  test('points that are no figures are left out', async () => {
    const text = await drawn(chartOf({ form: 'bars' }, [NaN, 3, Infinity]));
    assert.match(text, /2 of the points cannot be drawn: not measured\./);
    assert.doesNotMatch(text, /NaN|Infinity/);
  });

  test('one point, equal points and zeros are drawn', async () => {
    for (const form of ['bars', 'lines'] as const)
      for (const ys of [[5], [5, 5], [0, 0]])
        for (const scale of ['linear', 'log'] as const) {
          const text = await drawn(chartOf({ form, x: { label: 'x', scale }, y: { label: 'y', scale } }, ys));
          assert.doesNotMatch(text, /NaN|Infinity/, `${form} ${ys.join()} ${scale}`);
        }
  });

  test('marks on an axis say the numbers that they stand for', async () => {
    const points = [0, 1500, 12_345].map((x) => ({ x, y: 1_234_567 }));
    const text = await drawn(chartOf({ series: [{ name: 'one', points }] }));
    assert.match(text, />1,500<\/text>/);
    assert.match(text, />12,345<\/text>/);
  });

  test('lines over words become bars', async () => {
    const series = [
      {
        name: 'one',
        points: [
          { x: 'p50', y: 1 },
          { x: 'p99', y: 2 },
        ],
      },
    ];
    const text = await drawn(chartOf({ series }));
    assert.match(text, />p50<\/text>/);
    assert.match(text, /aria-roledescription="bar"/);
  });

  test('more series than colours and thousands of points are drawn', async () => {
    const points = Array.from({ length: 2000 }, (_, x) => ({ x, y: x % 97, low: x % 90, high: x % 99 }));
    const series = Array.from({ length: 12 }, (_, index) => ({ name: `s${index}`, points }));
    assert.match(await drawn(chartOf({ series })), /var\(--series-7\)/);
  });
});
