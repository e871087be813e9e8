/** Lines as waterfalls: where the bars of the talk's samples and of our own lines stand, and that no line leads outside of its axis. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import { waterfallOf } from '../../src/diagnose/waterfall/waterfall.ts';
import type { Bar, LaneId, Waterfall } from '../../src/diagnose/waterfall/waterfall.ts';
import { OWN_LINES, recordOf, TALK_LINES } from './support/page-report.ts';

const MS = 1000;

function drawn(line: string | undefined): Waterfall {
  assert.ok(line !== undefined);
  return waterfallOf(recordOf(line));
}

function ownLine(path: string): string {
  const line = OWN_LINES.find((each) => each.includes(` ${path}`));
  assert.ok(line !== undefined, path);
  return line;
}

function laneOf(waterfall: Waterfall, id: LaneId): readonly Bar[] {
  return waterfall.lanes.find((lane) => lane.id === id)?.bars ?? [];
}

/** `kind from-to` in ms. */
function places(bars: readonly Bar[]): string[] {
  return bars.map(({ kind, fromUs, toUs }) => `${kind} ${fromUs / MS}-${toUs / MS}`);
}

function phases(waterfall: Waterfall): string[] {
  return laneOf(waterfall, 'phases').map(({ label, fromUs, toUs }) => `${label} ${fromUs / MS}-${toUs / MS}`);
}

/** A line of the talk's shape with these groups. */
function lineOf(parts: {
  readonly start?: string;
  readonly six?: string;
  readonly reads?: string;
  readonly writes?: string;
  readonly responseReads?: string;
  readonly responseWrites?: string;
}): string {
  const { start = '2026-11-21T10:00:00.000Z', six = '100, 0, 1, 90, 10, 89' } = parts;
  const base = `[${start}] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 12 100 89 "-" "curl" "id-1" "host" "10.0.0.1:80" service 10.0.0.2:1 10.0.0.3:2 10.0.0.4:3 - default`;
  const groups = [parts.reads, parts.writes, parts.responseReads].map((group) => `"${group ?? '-'}"`);
  const last = parts.responseWrites === undefined ? '' : ` "${parts.responseWrites}"`;
  return `${base} : ${six} : (7) ${groups.join(' ')} 90 10${last}`;
}

describe('the samples of the talk', () => {
  test('the first request on a new TLS connection: 56 ms of filters, 80 ms of pool, 953 ms of upstream', () => {
    const waterfall = drawn(TALK_LINES[0]);
    assert.deepEqual(phases(waterfall), ['filters 0-56', 'pool 56-136', 'upstream 136-1089']);
    assert.deepEqual(places(laneOf(waterfall, 'downstream-reads')), ['read 0-0']);
    assert.deepEqual(places(laneOf(waterfall, 'upstream-writes')), ['write 136-136']);
    assert.deepEqual(places(laneOf(waterfall, 'upstream-reads')), ['read 1089-1089']);
    assert.equal(waterfall.lanes.find(({ id }) => id === 'downstream-writes')?.empty, 'not in this line');
    assert.equal(waterfall.toUs, 1089 * MS);
    assert.equal(
      waterfall.facts
        .find(({ name }) => name === 'upstream')
        ?.value.endsWith('C58, TLS, opened for this request'),
      true,
    );
  });

  test('a message in two reads of the same millisecond: two bars and no gap', () => {
    const waterfall = drawn(TALK_LINES[2]);
    assert.deepEqual(places(laneOf(waterfall, 'downstream-reads')), ['read 0-0', 'read 0-0']);
    assert.deepEqual(
      laneOf(waterfall, 'upstream-reads').map(({ label }) => label),
      ['16384 B H,D', '84758 B D,E'],
    );
  });

  test('head and body of a response 19 ms apart: a gap between two reads', () => {
    const bars = laneOf(drawn(TALK_LINES[4]), 'upstream-reads');
    assert.deepEqual(places(bars), ['read 3-3', 'gap 3-22', 'read 22-22']);
    assert.equal(bars[1]?.label, 'gap 19 ms');
    assert.match(bars[1].reading, /^19 ms in which no bytes of the message came: the upstream/);
  });

  test('a line that switches reads off has a pause with an open end, the next line says 5 ms and when', () => {
    const [closed] = laneOf(drawn(TALK_LINES[7]), 'upstream-pauses');
    assert.deepEqual([closed?.fromUs, closed?.toUs, closed?.open], [82 * MS, 82 * MS, 'end']);
    const [opened, again] = laneOf(drawn(TALK_LINES[8]), 'upstream-pauses');
    assert.deepEqual([opened?.fromUs, opened?.toUs, opened?.label], [41 * MS, 46 * MS, 'off 5 ms']);
    assert.equal(again?.open, 'end');
  });

  test('a connection that came free before the one opened for the request is named', () => {
    const { facts } = drawn(TALK_LINES[8]);
    const upstream = facts.find(({ name }) => name === 'upstream')?.value ?? '';
    assert.match(upstream, /C44, TLS, reused: it came free before C114, opened for this request, was ready$/);
  });

  test('a line cut at both ends: 9003 ms of filters or pool, from the first read on', () => {
    const waterfall = drawn(TALK_LINES[9]);
    assert.deepEqual(phases(waterfall).slice(0, 1), ['filters or pool 0-9003']);
    assert.deepEqual(places(laneOf(waterfall, 'upstream-reads')), ['read 9004-9004']);
    assert.equal(waterfall.startUs, null);
    assert.equal(waterfall.remarks.length, 1);
  });
});

describe('our own lines', () => {
  test('an upload in pieces: gaps, waits in the kernel, and the fragments that the line leaves out', () => {
    const bars = laneOf(drawn(ownLine('/upload')), 'downstream-reads');
    assert.equal(bars.filter(({ kind }) => kind === 'read').length, 16);
    const skipped = bars.filter(({ kind }) => kind === 'skipped');
    assert.deepEqual(places(skipped), ['skipped 157-230']);
    assert.match(skipped[0]?.reading ?? '', /^5 reads more, 2500 bytes/);
    assert.deepEqual(
      bars.filter(({ kind }) => kind === 'waited').map(({ label }) => label),
      ['in the kernel 17 ms'],
    );
  });

  test('bytes that waited for the first read make the axis begin before the request', () => {
    const waterfall = drawn(ownLine('/neighbour?n=3'));
    assert.equal(waterfall.fromUs, -141 * MS);
    assert.deepEqual(places(laneOf(waterfall, 'downstream-reads')), ['waited -141-0', 'read 0-0']);
  });

  test('a request without a response has an upstream phase to its end', () => {
    assert.deepEqual(phases(drawn(ownLine('/kill'))), ['upstream 0-8']);
  });

  test('the ledger is taken as it stands, to the microsecond', () => {
    const { ledger, totalUs } = drawn(ownLine('/busy'));
    assert.deepEqual(ledger?.[1], { segment: 'filter.delay', us: 169_472 });
    assert.equal(
      ledger?.reduce((sum, { us }) => sum + us, 0),
      totalUs,
    );
  });

  test('every token of the groups is explained once', () => {
    const { tokens } = drawn(ownLine('/big'));
    const parts = Map.groupBy(tokens, ({ part }) => part);
    assert.equal(parts.get('upstream read')?.length, 17);
    assert.equal(parts.get('downstream write')?.length, 17);
    assert.equal(parts.get('six numbers')?.length, 6);
    assert.equal(parts.get('ledger')?.length, 7);
    assert.match(parts.get('loop turns')?.[0]?.words ?? '', /^spread over 108 turns/);
  });
});

describe('places', () => {
  test('a request over the full hour', () => {
    const waterfall = drawn(
      lineOf({
        start: '2026-11-21T10:59:59.950Z',
        reads: '[C1:R:<59:59.950>0,0,10]H',
        writes: '[C2~C2:R:0,<00:00.010>0,10]d',
        responseReads: '[C2:R:<00:00.020>0,0,5]H-[C2:R:<00:00.050>0,0,5]D,E',
      }),
    );
    assert.deepEqual(places(laneOf(waterfall, 'upstream-writes')), ['write 60-60']);
    assert.deepEqual(places(laneOf(waterfall, 'upstream-reads')), [
      'read 70-70',
      'gap 70-100',
      'read 100-100',
    ]);
  });

  test('a pause that began with an earlier request is cut to the axis, one that ended before it is left out', () => {
    const line = (stamp: string): string =>
      lineOf({
        reads: '[C1:R:<00:00.000>0,0,10]H',
        responseReads: `[C2:R:<00:00.090>0,0,5]H+80<${stamp}>`,
      });
    const [bar] = laneOf(drawn(line('00:00.030')), 'upstream-pauses');
    assert.deepEqual([bar?.fromUs, bar?.toUs, bar?.open], [0, 30 * MS, 'start']);
    const before = drawn(line('59:59.900')).lanes.find(({ id }) => id === 'upstream-pauses');
    assert.deepEqual([before?.bars.length, before?.empty], [0, 'only before this request began']);
  });

  test('a pause and its end in one group are one interval; reads while it lasted are no gap of the peer', () => {
    const waterfall = drawn(
      lineOf({ responseReads: '[C2:R:<00:00.010>0,0,5]H!1-[C2:R:<00:00.090>0,0,5]D+75<00:00.085>,E' }),
    );
    assert.deepEqual(places(laneOf(waterfall, 'upstream-pauses')), ['paused 10-85']);
    const [, gap] = laneOf(waterfall, 'upstream-reads');
    assert.match(gap?.reading ?? '', /reads were off for 75 ms of it/);
  });

  test('a write that had to wait for the socket is a blocked stretch, one that had nothing to write is a gap', () => {
    const waterfall = drawn(
      lineOf({
        responseWrites: '[C1:R:0,<00:00.010>1,500]-[C1:R:2,<00:00.040>0,500]d-[C1:R:0,<00:00.060>0,9]d',
      }),
    );
    const bars = laneOf(waterfall, 'downstream-writes');
    assert.deepEqual(places(bars), [
      'write 10-11',
      'blocked 11-40',
      'write 40-40',
      'gap 40-60',
      'write 60-60',
    ]);
    assert.match(bars[1]?.reading ?? '', /\(2 times\): the client reads slowly/);
  });

  test('microseconds are placed to the microsecond', () => {
    const waterfall = drawn(
      lineOf({ reads: '[C1:R:<00:00.000000>12,0,10]H-[C1:R:<00:00.000912>3,400,10]D,E' }),
    );
    assert.deepEqual(places(laneOf(waterfall, 'downstream-reads')), [
      'read 0-0.012',
      'gap 0.012-0.512',
      'waited 0.512-0.912',
      'read 0.912-0.915',
    ]);
  });

  test('a line without groups has its phases and says what is missing', () => {
    const line = OWN_LINES[0]?.split(' : ')[0];
    const waterfall = drawn(line);
    assert.deepEqual(
      waterfall.lanes.slice(1).map(({ empty }) => empty),
      Array.from({ length: 4 }, () => 'not in this line'),
    );
  });
});

test('whatever is left of a cut line is drawn inside its axis, in finite numbers', () => {
  let count = 0;
  for (const line of [...OWN_LINES.slice(-12), ...TALK_LINES]) {
    for (let cut = 0; cut < line.length; cut += 13) {
      for (const text of [line.slice(cut), line.slice(0, line.length - cut)]) {
        const record = parseRecord(text, 'f', 1);
        if (isUnreadable(record)) continue;
        const waterfall = waterfallOf(record);
        count += 1;
        assert.ok(Number.isFinite(waterfall.fromUs) && waterfall.toUs > waterfall.fromUs, text);
        for (const bar of waterfall.lanes.flatMap((lane) => lane.bars)) {
          const inside =
            waterfall.fromUs <= bar.fromUs && bar.fromUs <= bar.toUs && bar.toUs <= waterfall.toUs;
          assert.ok(inside, `${bar.kind} ${bar.fromUs}-${bar.toUs} of ${text}`);
        }
      }
    }
  }
  assert.ok(count > 200, `${count} drawn`);
});
