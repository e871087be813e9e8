import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { INSTRUMENTED_FORMAT } from '../../../src/observe/format/instrumented-format.ts';
import { compileTextFormat } from '../../../src/observe/format/text-format.ts';
import { parseReads, parseWrites, printGroup } from '../../../src/observe/grammar/fragments.ts';
import {
  parseInstrumentedLine,
  printInstrumentedLine,
} from '../../../src/observe/grammar/instrumented-line.ts';
import { StreamFixture } from '../support/stream-fixture.ts';
import { lineText } from '../support/line-text.ts';

const READ_TEXTS = [
  '-',
  '[C56:R:<21:36.106>0,0,96]H',
  '[C56:R:<21:36.106>0,96]',
  '[C56:S:<21:36.106>-,-,96]D',
  '[C56:R:<21:36.106123>12,3401,96]H,D,E',
  '[C1:R:<00:00.000>0,0,1]H+5<59:59.999>!2,D!2-[C1:R:<00:00.001>0,0,1]E',
  '[C1:R:<00:00.000>0,0,1]H-(+99984,144776832)-[C1:R:<00:00.001>0,0,1]E',
];
const WRITE_TEXTS = [
  '-',
  '[C0~C677:S:0,<43:09.311>0,2336]d',
  '[C114~C44:S:2,<43:09.311>0,2336]-[C114~C44:S:0,<43:09.312>0,1]d',
  '[C7:R:0,<43:09.311222>15,2336]d',
  '[C7:R:0,<43:09.311>0,1]-(+3,12)-[C7:R:0,<43:09.311>0,1]d',
];
const NO_READS = [
  'x',
  '[C56:R:<21:36.106>0,0,96]HH',
  '[C56:R:<21:36.106>0,0,96]H-',
  '-[C56:R:<21:36.106>0,0,96]H',
  '[C56:X:<21:36.106>0,0,96]H',
  '[C56:R:<21:36.1>0,0,96]H',
  '(+3,12)-[C56:R:<21:36.106>0,0,96]H',
  '[C56:R:<21:36.106>0,0,96]H,',
];

describe('the groups of a line', () => {
  it('print as they were parsed', () => {
    for (const text of READ_TEXTS) assert.equal(printGroup(parseReads(text) ?? []), text);
    for (const text of WRITE_TEXTS) assert.equal(printGroup(parseWrites(text) ?? []), text);
  });

  it('are refused when they are no groups', () => {
    for (const text of NO_READS) assert.equal(parseReads(text), null, text);
    for (const text of READ_TEXTS.slice(1)) assert.equal(parseWrites(text), null, text);
  });

  it('of a line that we wrote are parsed back, whatever was recorded', () => {
    const full = compileTextFormat(INSTRUMENTED_FORMAT);
    const micros = compileTextFormat(
      INSTRUMENTED_FORMAT.replaceAll(/(READ|WRITE)_DURATION%/g, '$1_DURATION(us)%'),
    );
    const event = fc.record({
      mark: fc.constantFrom('H', 'D', 'E', null),
      bytes: fc.nat(1_000_000),
      fresh: fc.boolean(),
      advance: fc.integer({ min: 0, max: 5_000_000 }),
      unknown: fc.boolean(),
      pause: fc.integer({ min: -1, max: 300 }),
      resumed: fc.boolean(),
    });
    const property = fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const fixture = new StreamFixture();
      const { record, dispatcher, upstream } = fixture;
      const writes = record.writeObserver('upstreamWrite');
      fixture.read('upstream');
      for (const { mark, bytes, fresh, advance, unknown, pause, resumed } of events) {
        dispatcher.clock.time += advance / 1000;
        if (fresh) fixture.read('upstream', unknown ? -1 : advance / 900, unknown ? -1 : 0.5);
        upstream.pauses.since = pause > 0 ? fixture.now : -1;
        upstream.pauses.consecutive = Math.max(0, pause);
        if (resumed) upstream.pauses.resumedAt = fixture.now;
        upstream.pauses.resumedAfter = advance / 1000;
        record.noteRead('upstreamRead', upstream, mark, bytes);
        writes.onWrite(fixture.now, 0.1, bytes, fresh ? 1 : 0, resumed, upstream.id, false);
      }
      record.close(fixture.now);
      for (const format of [full, micros]) {
        const text = lineText(format, fixture.context()).trimEnd();
        const line = parseInstrumentedLine(text);
        assert.ok(line !== null && line.base !== null && line.six !== null && line.tail !== null, text);
        assert.equal(printInstrumentedLine(line), text);
      }
    });
    fc.assert(property, { numRuns: 200 });
  });
});
