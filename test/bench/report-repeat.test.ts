/** What chance may do to two medians. Dice with a seed stand for the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measured } from '../../bench/harness/statistics.ts';
import { isRepeat, repeatText, scatterOf } from '../../bench/report/repeat.ts';
import type { Measured } from '../../bench/report/report.ts';
import { Dice } from '../../bench/soak/dice.ts';

const ROWS = 6;

/** Normal, by the sum of twelve. */
function normal(dice: Dice): number {
  return Array.from({ length: 12 }, () => dice.between(0, 1_000_000) / 1_000_000).reduce((a, b) => a + b, -6);
}

/** A column of figures of different size whose rounds scatter alike. */
function column(dice: Dice, rounds: number, factor = 1): Measured[] {
  return Array.from({ length: ROWS }, (_, row) =>
    measured(Array.from({ length: rounds }, () => factor * 10 ** row * Math.exp(normal(dice) * 0.1))),
  );
}

function shareCalledSame(rounds: number, factor: number): number {
  const dice = new Dice(rounds);
  let same = 0;
  const runs = 300;
  for (let run = 0; run < runs; run += 1) {
    const [one, other] = [column(dice, rounds), column(dice, rounds, factor)];
    const scatter = scatterOf([...one, ...other]);
    assert.ok(scatter?.relative === true);
    one.forEach((figure, row) => {
      const partner = other[row];
      if (partner !== undefined && isRepeat(figure, partner, scatter)) same += 1;
    });
  }
  return same / runs / ROWS;
}

test('a repeat is called one in about 99 cases of 100, however few the rounds', () => {
  for (const rounds of [2, 3, 5, 9]) assert.ok(shareCalledSame(rounds, 1) > 0.98, String(rounds));
});

test('what differs by more than its scatter is told apart', () => {
  assert.ok(shareCalledSame(5, 1.5) < 0.05);
});

test('figures about zero scatter in their own unit', () => {
  const at = (median: number): Measured => ({ median, low: median - 1, high: median + 1, rounds: 5 });
  const scatter = scatterOf([at(0), at(-3), null, 'text', 7, { median: 1, low: 1, high: 1, rounds: 1 }]);
  assert.ok(scatter !== null && !scatter.relative);
  assert.ok(isRepeat(at(0), at(1), scatter));
  assert.ok(!isRepeat(at(0), at(-3), scatter));
});

test('a table says how near a repeat will be', () => {
  const at = (median: number, rounds = 5): Measured => ({
    median,
    low: median * 0.9,
    high: median * 1.1,
    rounds,
  });
  const columns = [{ name: 'CPU', unit: 'µs' }, { name: 'lost', unit: '%' }, { name: 'set' }];
  const rows = [1, 2, 3].map((size) => ({
    name: String(size),
    cells: [at(10 * size), { median: 0, low: -1, high: 1, rounds: 5 }, 7],
  }));
  const table = { kind: 'table', title: '', rows: '', columns, body: rows } as const;
  assert.equal(
    repeatText(table),
    'Medians of a repeat, as the rounds scatter (99 %): CPU ±24.2 %, lost ±2.16 %.',
  );
  const wide = [{ name: '', cells: [{ median: 10, low: 5, high: 20, rounds: 7 }] }];
  assert.match(repeatText({ ...table, body: wide }) ?? '', /CPU ×÷ [\d.]+\.$/);
  const wild = [{ name: '', cells: [{ median: 10, low: 1, high: 100, rounds: 2 }] }];
  assert.match(repeatText({ ...table, body: wild }) ?? '', /CPU not known\.$/);
  assert.equal(repeatText({ ...table, body: [{ name: '', cells: [1, 'x', null] }] }), undefined);
});

test('without two rounds there is no scatter, and equal figures without any are the same', () => {
  assert.equal(scatterOf([1, null, { median: 1, low: 1, high: 1, rounds: 1 }]), null);
  const still: Measured = { median: 2, low: 2, high: 2, rounds: 3 };
  const scatter = scatterOf([still, still]);
  assert.ok(scatter !== null && isRepeat(still, still, scatter));
  assert.ok(!isRepeat(still, { ...still, median: 2.1 }, scatter));
});
