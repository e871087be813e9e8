/** The part `blind`: the counting rule, and one run from the fault to the verdict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLIND, looksOf, result } from '../../bench/soak/blind.ts';
import type { BlindRun } from '../../bench/soak/blind.ts';
import { FAULT_KINDS } from '../../bench/soak/blind/faults.ts';
import { candidates } from '../../bench/soak/blind/places.ts';
import { Dice } from '../../bench/soak/dice.ts';
import type { LogRecord } from '../../src/diagnose/record.ts';
import { checkOf, smallSoak } from './soak-run.ts';

function run(named: readonly string[], base = 11): BlindRun {
  return {
    kind: 'filter waits',
    text: '',
    truth: ['filter · audit'],
    verdict: { base, segments: 1, named, slow: 5 },
    unservedMs: 0,
  };
}

function plain(duration: number, upstreamServiceTime: number | null, bytes = 100): LogRecord {
  return {
    base: { duration, upstreamServiceTime, bytesReceived: bytes, bytesSent: bytes },
  } as unknown as LogRecord;
}

test('there are ten kinds, each with a plan that differs by the dice', () => {
  assert.equal(FAULT_KINDS.length, 10);
  for (const kind of FAULT_KINDS) {
    const texts = new Set(Array.from({ length: 20 }, (_, seed) => kind.plan(new Dice(seed)).text));
    assert.ok(texts.size > 10, `${kind.name}: ${texts.size} plans`);
  }
});

test('a look counts for each place that is named before the right one, and all of them where it is not named', () => {
  assert.equal(looksOf(run(['filter · audit', 'first byte · stock'])), 1);
  assert.equal(looksOf(run(['first byte · stock', 'filter · audit'])), 2);
  assert.equal(looksOf(run(['first byte · stock'])), 11);
});

test('the bars: one fault in a hundred that is named second is above 1', () => {
  const right = Array.from({ length: 99 }, () => run(['filter · audit']));
  assert.ok(checkOf(result([...right, run(['filter · audit'])]), /enhanced/).passed);
  assert.ok(!checkOf(result([...right, run(['x', 'filter · audit'])]), /enhanced/).passed);
  assert.ok(!checkOf(result([run(['filter · audit'], 9)]), /plain/).passed);
});

test('the plain line’s numbers take places away: by where the time is, by what was sent', () => {
  const [inside, outside, open] = [plain(100, 95), plain(100, 5), plain(100, 50)].map(candidates) as [
    number,
    number,
    number,
  ];
  assert.ok(inside < open && outside < open, `${inside}, ${outside}, ${open}`);
  assert.ok(candidates(plain(100, 5, 1_000_000)) > outside);
  assert.equal(candidates(plain(100, null)), open);
});

test('a fault from the dice to the verdict', async (t) => {
  const { checks, parts } = await BLIND.run(smallSoak(t, 2));
  assert.equal(parts[0]?.kind, 'table');
  assert.ok(Number(checks[0]?.found) > 1, JSON.stringify(checks));
});
