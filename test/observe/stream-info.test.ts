import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileTextFormat } from '../../src/observe/format/text-format.ts';
import { NO_NEEDS } from '../../src/observe/format/operator.ts';
import { ALL_NEEDS, StreamFixture } from './support/stream-fixture.ts';
import { lineText } from './support/line-text.ts';

const GROUPS = compileTextFormat(
  '"%DOWNSTREAM_READ_DURATION%" "%UPSTREAM_WRITE_DURATION%" "%UPSTREAM_READ_DURATION%" "%DOWNSTREAM_WRITE_DURATION%"',
);
const READS = compileTextFormat('%DOWNSTREAM_READ_DURATION%');

describe('the record of a stream', () => {
  it('is closed once', () => {
    const { record, now } = new StreamFixture();
    record.close(now + 5);
    assert.equal(record.endAt, now + 5);
    assert.throws(() => record.close(now + 6), /closed once/);
  });

  it('prints flags in the order of Envoy, however they were raised', () => {
    const { record } = new StreamFixture();
    record.setFlag('DR');
    record.setFlag('UF');
    record.setFlag('URX');
    record.setFlag('UF');
    assert.deepEqual(record.flags, ['UF', 'URX', 'DR']);
    assert.equal(record.hasFlag('URX'), true);
    assert.equal(record.hasFlag('UH'), false);
  });

  it('records nothing that no log prints', () => {
    const fixture = new StreamFixture(NO_NEEDS);
    const { record } = fixture;
    record.noteRead('downstreamRead', fixture.read('downstream'), 'H', 96);
    record.writeObserver('upstreamWrite').onWrite(fixture.now, 0, 10, 0, true, 7, false);
    record.noteFilterTime(0, 5);
    assert.equal(record.fragments('downstreamRead'), null);
    assert.equal(record.fragments('upstreamWrite'), null);
    assert.equal(record.filterTimesText(), null);
    assert.equal(record.ledger.enabled, false);
    assert.equal(record.upstream.wireBytesSent, 10, 'byte counts are kept all the same');
  });

  it('merges what one read brought and begins a fragment for the next read', () => {
    const fixture = new StreamFixture();
    const { record, downstream, dispatcher } = fixture;
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'H', 172);
    record.noteRead('downstreamRead', downstream, 'D', 14_000);
    record.noteRead('downstreamRead', downstream, null, 308);
    dispatcher.clock.time += 3.25;
    fixture.read('downstream', 2.9, -1);
    record.noteRead('downstreamRead', downstream, 'D', 247_836);
    record.noteRead('downstreamRead', downstream, 'E', 0);
    assert.equal(
      lineText(READS, fixture.context()),
      `[C${downstream.id}:R:<00:01.000>0,0,14480]H,D-[C${downstream.id}:R:<00:01.003>2,-,247836]D,E`,
    );
  });

  it('shows reads that flow control holds off at each mark, and how often in a row', () => {
    const fixture = new StreamFixture();
    const { record, downstream } = fixture;
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'H', 170);
    downstream.readDisable(true);
    record.noteRead('downstreamRead', downstream, 'D', 10_000);
    downstream.readDisable(true);
    record.noteRead('downstreamRead', downstream, 'E', 0);
    assert.equal(lineText(READS, fixture.context()), `[C${downstream.id}:R:<00:01.000>0,0,10170]H,D!1,E!2`);
  });

  it('marks where bytes of a read had switched reads off, once they go on', () => {
    const fixture = new StreamFixture();
    const { record, downstream, dispatcher } = fixture;
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'H', 170);
    record.noteRead('downstreamRead', downstream, 'D', 10_000);
    downstream.readDisable(true);
    dispatcher.clock.time += 5;
    downstream.readDisable(false);
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'D', 7);
    assert.equal(
      lineText(READS, fixture.context()),
      `[C${downstream.id}:R:<00:01.000>0,0,10170]H,D!1-[C${downstream.id}:R:<00:01.005>0,0,7]D+5<00:01.005>`,
    );
  });

  it('tells of a resumption once, to the stream that comes first, even if it was before its start', () => {
    const fixture = new StreamFixture();
    const { record, downstream, dispatcher } = fixture;
    downstream.pauses.resumedAt = fixture.now - 600.25;
    downstream.pauses.resumedAfter = 5.4;
    dispatcher.clock.time += 10;
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'H', 10);
    record.noteRead('downstreamRead', downstream, 'D', 10);
    assert.equal(
      lineText(READS, fixture.context()),
      `[C${downstream.id}:R:<00:01.010>0,0,20]H+5<00:00.399>,D`,
    );
    assert.equal(downstream.pauses.resumedAt, -1);
  });

  it('marks where the last bytes of a message had switched reads off, ended or not; the next one tells the end', () => {
    const fixture = new StreamFixture();
    const { record, downstream, dispatcher } = fixture;
    fixture.read('downstream');
    for (const mark of ['H', 'D', 'E'] as const) record.noteRead('downstreamRead', downstream, mark, 20_000);
    downstream.readDisable(true);
    dispatcher.clock.time += 5;
    downstream.readDisable(false);
    record.close(fixture.now);
    const text = lineText(READS, fixture.context());
    assert.equal(text, `[C${downstream.id}:R:<00:01.000>0,0,60000]H,D,E!1`);
    assert.equal(downstream.pauses.resumedAfter, 5);
    assert.ok(downstream.pauses.resumedAt >= 0, 'left for the next message');

    const open = new StreamFixture();
    open.read('downstream');
    open.record.noteRead('downstreamRead', open.downstream, 'H', 100);
    open.dispatcher.clock.time += 1;
    open.downstream.readDisable(true);
    open.record.close(open.now);
    assert.match(lineText(READS, open.context()), /\]H!1$/);
  });

  it('does not mark a pause that another message of the connection made', () => {
    const fixture = new StreamFixture();
    const { record, downstream, dispatcher } = fixture;
    fixture.read('downstream');
    record.noteRead('downstreamRead', downstream, 'H', 100);
    dispatcher.clock.time += 1;
    fixture.read('downstream');
    downstream.readDisable(true);
    record.close(fixture.now);
    assert.match(lineText(READS, fixture.context()), /\]H$/);
  });

  it('sums the calls of one flush and keeps waits for the socket apart', () => {
    const fixture = new StreamFixture();
    const { record, now } = fixture;
    record.upstream.createdConnectionId = 114;
    const writes = record.writeObserver('upstreamWrite');
    writes.onWrite(now, 0.4, 1000, 0, false, 44, true);
    writes.onWrite(now + 0.5, 0.7, 500, 0, false, 44, true);
    writes.onWrite(now + 9, 0.1, 300, 1, true, 44, true);
    writes.onWrite(now + 12, 0.1, 200, 0, true, 44, true);
    const text = lineText(compileTextFormat('%UPSTREAM_WRITE_DURATION%'), fixture.context());
    assert.equal(
      text,
      '[C114~C44:S:0,<00:01.000>1,1500]-[C114~C44:S:1,<00:01.009>0,300]d-[C114~C44:S:0,<00:01.012>0,200]d',
    );
    assert.equal(record.upstream.wireBytesSent, 2000);
    assert.equal(record.upstream.requestFirstByteAt, now);
    assert.equal(record.upstream.requestLastByteAt, now + 12);
  });

  it('tells the owner when the response was delivered, and prints its writes without a pool', () => {
    const fixture = new StreamFixture();
    const { record, now } = fixture;
    let delivered = 0;
    record.onDelivered = () => {
      delivered += 1;
    };
    const writes = record.writeObserver('downstreamWrite');
    writes.onWrite(now + 1, 0.2, 120, 0, true, 7, false);
    writes.onFlushed(now + 1.5);
    assert.equal(delivered, 1);
    assert.equal(record.responseFirstByteAt, now + 1);
    assert.equal(record.responseLastByteAt, now + 1.5);
    assert.equal(record.downstreamWireBytesSent, 120);
    assert.equal(lineText(GROUPS, fixture.context()), '"-" "-" "-" "[C7:R:0,<00:01.001>0,120]d"');
  });

  it('shows the last attempt alone, and late writes of an abandoned one touch nothing', () => {
    const fixture = new StreamFixture();
    const { record, now } = fixture;
    const host = { kind: 'ip', ip: '10.0.0.1', port: 1, family: 4 } as const;
    const first = record.writeObserver('upstreamWrite');
    first.onWrite(now, 0, 100, 0, false, 5, false);
    record.upstream.noteAttempt(host, 5);
    record.resetUpstream();
    first.onWrite(now + 1, 0, 50, 0, true, 5, false);
    assert.equal(record.upstream.wireBytesSent, 0);
    assert.equal(record.upstream.requestFirstByteAt, -1);
    assert.equal(record.fragments('upstreamWrite'), null);
    assert.deepEqual(record.upstream.hostsAttempted, [host]);
    record.writeObserver('upstreamWrite').onWrite(now + 2, 0, 70, 0, true, 6, false);
    assert.equal(record.upstream.wireBytesSent, 70);
    assert.equal(
      lineText(compileTextFormat('%UPSTREAM_WRITE_DURATION%'), fixture.context()),
      '[C0~C6:R:0,<00:01.002>0,70]d',
    );
  });

  it('keeps the line of a 100,000-fragment upload under 4 KB and loses no byte of the count', () => {
    const fixture = new StreamFixture(ALL_NEEDS);
    const { record, downstream, dispatcher } = fixture;
    for (let index = 0; index < 100_000; index += 1) {
      dispatcher.clock.time += 0.125;
      fixture.read('downstream');
      record.noteRead('downstreamRead', downstream, index === 0 ? 'H' : 'D', 1448);
      record.writeObserver('upstreamWrite').onWrite(fixture.now, 0.01, 1448, 1, false, 99, false);
      record.writeObserver('downstreamWrite').onWrite(fixture.now, 0.01, 1, 1, false, 99, false);
    }
    const text = lineText(GROUPS, fixture.context());
    assert.ok(text.length < 4096, `${text.length} characters`);
    assert.match(text, /\]D-\(\+99984,144776832\)-\[C/);
    assert.equal(record.fragments('downstreamRead')?.count, 16);
    assert.equal(record.upstream.wireBytesSent, 144_800_000);
  });
});
