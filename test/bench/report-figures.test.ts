/** Figures as they are read: three digits, units apart, no figure where there is none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { bytesText, durationText, figureText, measuredText, roundsText } from '../../bench/report/figures.ts';
import { around, COST_TABLE } from './support/sample-report.ts';

describe('figures', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [12.345, '12.3'],
    [9.996, '10.0'],
    [0.9996, '1.00'],
    [999.6, '1,000'],
    [1, '1.00'],
    [0.0456, '0.0456'],
    [56_789, '56,800'],
    [-1234.5, '-1,230'],
    [1.23e-7, '1.23e-7'],
    [2.5e17, '2.50e+17'],
    [NaN, '–'],
    [Infinity, '–'],
  ];
  for (const [value, text] of cases)
    test(`${value} reads ${text}`, () => assert.equal(figureText(value), text));

  test('any figure reads back within its three digits', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e14, max: 1e14, noNaN: true }), (value) => {
        const read = Number(figureText(value).replaceAll(',', ''));
        assert.ok(Math.abs(read - value) <= Math.abs(value) * 0.005 + Number.MIN_VALUE, figureText(value));
      }),
    );
  });

  test('the range stands beside the median, and a single round has none', () => {
    assert.equal(measuredText({ median: 12, low: 11.94, high: 12.81, rounds: 3 }), '12.0 (11.9-12.8)');
    assert.equal(measuredText({ median: 12, low: 12, high: 12, rounds: 1 }), '12.0');
    assert.equal(measuredText({ median: -1, low: -3, high: 2, rounds: 3 }), '-1.00 (-3.00 to 2.00)');
    assert.equal(measuredText({ median: NaN, low: NaN, high: NaN, rounds: 3 }), '–');
  });

  test('a table says of how many rounds its figures are', () => {
    assert.equal(roundsText(COST_TABLE), 'Median of 5 rounds (lowest-highest).');
    const [first, ...body] = COST_TABLE.body;
    const one = { name: 'one', cells: [{ ...around(1, 0), rounds: 1 }] };
    assert.equal(roundsText({ ...COST_TABLE, body: [one] }), 'One round: no range.');
    assert.match(
      roundsText({ ...COST_TABLE, body: [one, ...body, first ?? one] }) ?? '',
      /^Median of 1 to 5 rounds/,
    );
    assert.equal(roundsText({ ...COST_TABLE, body: [{ name: 'set', cells: [1, 'x', null] }] }), undefined);
  });

  test('lengths and sizes have a unit', () => {
    assert.deepEqual([0.5, 42, 59.7, 95.4].map(durationText), ['0.500 s', '42 s', '1 min 0 s', '1 min 35 s']);
    assert.deepEqual([2 ** 20 * 7.5, 2 ** 33].map(bytesText), ['7.50 MiB', '8.00 GiB']);
  });
});
