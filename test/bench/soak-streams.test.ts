/** The part `streams`: what it says of a proxy that leaks nothing, and of one that would. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { result, slopeOf, STREAMS } from '../../bench/soak/streams.ts';
import type { Sample } from '../../bench/soak/streams.ts';
import { checkOf, notMet, smallSoak } from './soak-run.ts';

const BUILT = existsSync(new URL('../../dist/http/active-stream.js', import.meta.url));
const FULL = 1_000_000;

function samples(bytesPerRequest: number, last: Partial<Sample> = {}): Sample[] {
  const heap = (index: number): number =>
    20_000_000 + index * 100_000 * bytesPerRequest + (index % 2) * 50_000;
  const all = Array.from({ length: 11 }, (_, index) => ({
    requests: index * 100_000,
    heapBytes: heap(index),
    residentBytes: 150_000_000,
    objects: { ActiveStream: 0, UpstreamRequest: 0 },
    gauges: 0,
  }));
  return all.map((sample, index) => (index === 10 ? { ...sample, ...last } : sample));
}

const CONTROL = { ActiveStream: 1, UpstreamRequest: 1 };

test(
  'no stream is left of a few thousand requests, and the probe sees one that is under way',
  { skip: BUILT ? false : 'dist/ is not built' },
  async (t) => {
    const done = await STREAMS.run(smallSoak(t, 2000));
    assert.deepEqual(notMet(done), []);
    assert.equal(checkOf(done, /ActiveStream objects while a request is under way/).found, '1');
  },
);

test('a flat heap with noise passes', () => {
  assert.deepEqual(notMet(result(FULL, samples(0), CONTROL)), []);
});

test('ten bytes a request do not pass', () => {
  assert.match(
    notMet(result(FULL, samples(10), CONTROL)).join(),
    /^slope of the heap: 9\.\d\d bytes per request$/,
  );
});

test('one object that stays does not pass, nor a gauge above 0, nor a probe that sees nothing', () => {
  const left = samples(0, { objects: { ActiveStream: 1, UpstreamRequest: 0 } });
  assert.deepEqual(notMet(result(FULL, left, CONTROL)), ['ActiveStream objects in the heap afterwards: 1']);
  assert.match(notMet(result(FULL, samples(0, { gauges: 2 }), CONTROL)).join(), /^gauges/);
  assert.match(notMet(result(FULL, samples(0), { ActiveStream: 0 })).join(), /control/);
});

test('a slope is that of the line', () => {
  assert.equal(
    slopeOf([
      [0, 5],
      [1, 7],
      [2, 9],
    ]),
    2,
  );
});
