import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Segment } from '../../src/api/observe.ts';
import { offsetUs } from '../../src/observe/instant.ts';
import { StreamLedger } from '../../src/observe/ledger.ts';

const SEGMENTS: readonly Segment[] = [
  'client', 'loop', 'filter', 'paused', 'pool', 'connect', 'handshake', 'upstream', 'body', 'flow.downstream',
  'flow.upstream', 'deliver', 'retry', 'proxy',
]; // prettier-ignore
const FILTERS = ['lua', 'router', 'fault'];

function sumOf(text: string | null): number {
  if (text === null) return 0;
  return text.split(',').reduce((sum, part) => sum + Number(part.slice(part.indexOf('=') + 1)), 0);
}

describe('the ledger', () => {
  it('adds up to the total exactly, whatever happens in whatever order', () => {
    const step = fc.record({
      segment: fc.constantFrom(...SEGMENTS),
      filter: fc.integer({ min: -1, max: 4 }),
      advance: fc.double({ min: -3, max: 50, noNaN: true }),
      late: fc.option(fc.double({ min: -1, max: 80, noNaN: true }), { nil: null }),
      leaves: fc.option(fc.double({ min: -1, max: 5, noNaN: true }), { nil: null }),
    });
    const property = fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      fc.double({ min: 0, max: 5, noNaN: true }),
      (steps, startAt, rest) => {
        const ledger = new StreamLedger(startAt, FILTERS);
        let at = startAt;
        let latest = startAt;
        for (const { segment, filter, advance, late, leaves } of steps) {
          at += advance;
          latest = Math.max(latest, at);
          if (late !== null) ledger.late(late);
          ledger.enter(segment, at, filter);
          if (leaves === null) continue;
          ledger.leaves(at + leaves);
          if (segment === 'upstream') latest = Math.max(latest, at + leaves);
        }
        const end = Math.max(latest, at + rest);
        ledger.close(end);
        assert.equal(sumOf(ledger.text()), offsetUs(startAt, end));
        assert.equal(ledger.totalUs, offsetUs(startAt, end));
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it('prints segments in the fixed order, without those that took no time', () => {
    const ledger = new StreamLedger(0, ['lua']);
    ledger.enter('proxy', 0.1);
    ledger.enter('filter', 0.12, 0);
    ledger.enter('paused', 0.62, 0);
    ledger.enter('upstream', 9003.62);
    ledger.enter('deliver', 9004);
    ledger.close(9004.001);
    assert.equal(
      ledger.text(),
      'client=100,filter.lua=500,paused.lua=9003000,upstream=380,deliver=1,proxy=20',
    );
    assert.equal(ledger.verdict(), 'paused.lua 9003.0ms 99%');
  });

  it('moves time that bytes lay in the kernel from the segment that ends, and never more than it had', () => {
    const ledger = new StreamLedger(0, []);
    ledger.late(3);
    ledger.enter('upstream', 2);
    ledger.late(0.5);
    ledger.enter('proxy', 12);
    ledger.close(12);
    assert.equal(ledger.text(), 'loop=2500,upstream=9500');
  });

  it('counts the wait of a queued request for the end of its turn as the proxy’s, not the upstream’s', () => {
    const ledger = new StreamLedger(0, []);
    ledger.enter('upstream', 1);
    ledger.leaves(31);
    ledger.enter('deliver', 36);
    ledger.leaves(37);
    ledger.close(38);
    assert.equal(ledger.text(), 'client=1000,upstream=5000,deliver=2000,proxy=30000');
  });

  it('takes an instant before the latest one for the latest one', () => {
    const ledger = new StreamLedger(100, []);
    ledger.enter('pool', 110);
    ledger.enter('connect', 104);
    ledger.enter('upstream', 112);
    ledger.close(90);
    assert.equal(ledger.text(), 'client=10000,connect=2000');
    assert.equal(ledger.totalUs, 12_000);
  });

  it('names the largest segment with its share', () => {
    const ledger = new StreamLedger(0, []);
    ledger.enter('body', 3.3);
    ledger.close(22.3);
    assert.equal(ledger.verdict(), 'body 19.0ms 85%');
  });

  it('is closed once and says nothing of a stream without time', () => {
    const ledger = new StreamLedger(5, []);
    ledger.close(5);
    assert.equal(ledger.text(), null);
    assert.equal(ledger.verdict(), null);
    assert.throws(() => ledger.close(6), /closed once/);
  });
});
