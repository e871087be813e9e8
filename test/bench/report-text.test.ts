/** A report in the terminal. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reportText, tableLines } from '../../bench/report/text.ts';
import { commandText } from '../../bench/report/set-up-text.ts';
import type { Section, Table } from '../../bench/report/report.ts';
import { around, COST_TABLE, sampleReport, SET_UP } from './support/sample-report.ts';

describe('a report as text', () => {
  test('the set-up stands above everything', () => {
    const report = sampleReport({ setUp: { ...SET_UP, dirty: true }, notes: ['nginx is not installed'] });
    const text = reportText(report);
    const head = text.slice(0, text.indexOf('HTTP/1.1\n'));
    for (const fact of [
      'Example Processor 9000',
      '2 cores',
      '8.00 GiB',
      'Linux 6.1.0-example',
      'node 26.10.0',
      'nginx 1.22.1',
      'proxies: core 0',
      'rounds 5',
      '0123456789ab with changes that are not committed',
      'nginx is not installed',
      '1 min 35 s',
    ])
      assert.ok(head.includes(fact), fact);
  });

  test('medians and ranges stand below each other, units in the heading', () => {
    const lines = tableLines(COST_TABLE);
    const text = lines.join('\n');
    const [first = '', second = ''] = lines.filter((line) => line.startsWith('nodeproxy'));
    assert.equal(first.indexOf('(17.1'), second.indexOf('(10.9'));
    assert.equal(first.indexOf('17.8'), second.indexOf('11.2'));
    for (const part of ['µs/request', 'lower is better', 'higher is better', '56,800 (55,700-57,900)'])
      assert.ok(text.includes(part), part);
    assert.match(text, /\* Median of 5 rounds/);
  });

  test('a cell that was not measured is a dash, also where the row ends early', () => {
    const table: Table = {
      kind: 'table',
      title: 'T',
      rows: 'r',
      columns: [{ name: 'a' }, { name: 'b' }],
      body: [{ name: 'x', cells: [null] }],
    };
    assert.deepEqual(tableLines(table), ['T', 'r  a  b', '-------', 'x  –  –']);
  });

  test('a long heading is broken above its figures', () => {
    const columns = [{ name: 'all the services used', unit: 'MiB' }, { name: 'b' }];
    const body = [{ name: 'x', cells: [1, 2] }];
    assert.deepEqual(tableLines({ kind: 'table', title: 'T', rows: 'rows', columns, body }), [
      'T',
      '      all the services',
      'rows              used  b',
      '                   MiB',
      '-------------------------',
      'x                    1  2',
    ]);
  });

  test('set figures stay exact', () => {
    const table: Table = {
      ...COST_TABLE,
      columns: [{ name: 'size', unit: 'bytes' }],
      body: [{ name: 'x', cells: [10_241] }],
    };
    assert.match(tableLines(table).join('\n'), /10,241/);
  });

  test('notes, listings and the place of charts are in it', () => {
    const text = reportText(sampleReport());
    for (const part of [
      '* HAProxy writes its log through a pipe.',
      'loop=949',
      'Chart "Throughput by connections": in the page.',
      '* 100 processes were measured on 10 and multiplied.',
    ])
      assert.ok(text.includes(part), part);
  });

  test('wide characters keep the columns straight', () => {
    const body = [
      { name: '核心实践', cells: [around(1, 0.1)] },
      { name: 'abcdefgh', cells: [around(1, 0.1)] },
    ];
    const [wide = '', narrow = ''] = tableLines({ ...COST_TABLE, columns: [{ name: 'x' }], body }).slice(3);
    assert.equal(wide.slice(4), narrow.slice(8));
  });

  test('nothing in it steers the terminal', () => {
    const evil = 'a\u001b[2J\u0007b\u202e\r\nc';
    const sections: Section[] = [
      {
        title: evil,
        text: [evil],
        parts: [
          {
            ...COST_TABLE,
            title: evil,
            rows: evil,
            columns: [{ name: evil, unit: evil }],
            body: [{ name: evil, cells: [evil] }],
            notes: [evil],
          },
          { kind: 'listing', title: evil, lines: [evil] },
          {
            kind: 'chart',
            form: 'bars',
            title: evil,
            x: { label: evil },
            y: { label: evil },
            series: [],
            notes: [evil],
          },
        ],
      },
    ];
    const setUp = { ...SET_UP, commit: evil, versions: { [evil]: evil }, options: { [evil]: evil } };
    const text = reportText(sampleReport({ title: evil, scenario: evil, setUp, sections, notes: [evil] }));
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    assert.match(text, /\\u001b\[2J/);
  });

  test('empty reports, sections and tables say that they are', () => {
    assert.match(reportText(sampleReport({ sections: [] })), /nothing was measured/);
    assert.match(
      reportText(sampleReport({ sections: [{ title: 'S', text: [], parts: [] }] })),
      /Nothing was measured here/,
    );
    assert.match(tableLines({ ...COST_TABLE, body: [] }).join('\n'), /\(no rows\)/);
  });

  test('a run that was not started by this command names its own call', () => {
    assert.equal(commandText(sampleReport({ command: 'docker compose up' })), 'docker compose up');
  });

  test('the call that gives the run again is ready for a shell', () => {
    const options = { quick: '', url: "http://a/?b=c&d='e'", rounds: '5' };
    assert.equal(
      commandText(sampleReport({ setUp: { ...SET_UP, options } })),
      String.raw`npm run bench -- sample --quick --url 'http://a/?b=c&d='\''e'\''' --rounds 5`,
    );
  });
});
