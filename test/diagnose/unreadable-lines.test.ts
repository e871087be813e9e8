/** Broken input is counted, shown and never fatal; files of any kind and size of chunk give the same report. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { diagnose, Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { LogReadError } from '../../src/diagnose/read-logs.ts';
import { reportText } from '../../src/diagnose/report-text.ts';
import { MAX_LINE_BYTES } from '../../src/diagnose/scan/line-reader.ts';
import { diagnosed } from './support/diagnosed.ts';
import { jsonOf, lineOf, randomOf, Traffic } from './support/traffic.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const traffic = new Traffic(7);
const GOOD = Array.from({ length: 50 }, (_, index) =>
  index % 5 === 0 ? jsonOf(traffic.healthy()) : lineOf(traffic.healthy()),
);

test('lines of other formats, cut ones and bytes are told apart, counted and shown', () => {
  const cut = lineOf(traffic.healthy());
  const report = diagnosed([
    ...GOOD,
    '10.0.0.1 - - [28/Nov/2023:02:21:36 +0000] "GET / HTTP/1.1" 200 12',
    '[2026-11-21 09:49:06.960][6517][info][main] all workers accept',
    cut.slice(0, 120),
    '{"time":"2026-11-21T06:00:00Z","status":',
    '{"level":30,"pid":1}',
    '\u0000\u0001\u0002\u0003',
    '\ufffd\ufffd',
    '',
    '   ',
  ]);
  assert.equal(report.requests, 50);
  assert.equal(report.lines, 59);
  assert.deepEqual(Object.fromEntries(report.unreadable.map(({ reason, count }) => [reason, count])), {
    'not an access-log line': 2,
    'cut access-log line': 1,
    'broken JSON': 1,
    'JSON without fields of an access log': 1,
    'binary bytes': 2,
  });
  const [other] = report.unreadable;
  assert.deepEqual(
    other?.examples.map(({ lineNumber }) => lineNumber),
    [51, 52],
  );
  const text = reportText(report, { top: 5 });
  assert.match(text, /7 lines could not be read/);
  assert.match(text, /access\.log:51 {2}10\.0\.0\.1 - -/);
  assert.match(text, /2 empty lines passed over/);
  assert.ok(!text.includes('\u0000'));
});

test('of many broken lines three are kept as examples', () => {
  const report = diagnosed(Array.from({ length: 10_000 }, (_, index) => `noise ${index}`));
  assert.equal(report.unreadable[0]?.count, 10_000);
  assert.equal(report.unreadable[0]?.examples.length, 3);
  assert.match(reportText(report, { top: 5 }), /Nothing to diagnose: none of 10,000 lines/);
});

test('a line without an end is too long, and the next one is read', () => {
  const diagnosis = new Diagnosis();
  diagnosis.reader.startFile('log');
  for (let sent = 0; sent <= MAX_LINE_BYTES * 2; sent += 50_000)
    diagnosis.reader.chunk(Buffer.alloc(50_000, 'x'));
  diagnosis.reader.chunk(Buffer.from(`\n${GOOD[1]}\n`));
  diagnosis.reader.chunk(Buffer.from(`${'y'.repeat(MAX_LINE_BYTES + 1)}\n${GOOD[2]}`));
  diagnosis.reader.endFile();
  const report = diagnosis.report(['log']);
  assert.equal(report.requests, 2);
  assert.equal(report.unreadable[0]?.reason, 'line too long');
  assert.equal(report.unreadable[0]?.count, 2);
  assert.ok((report.unreadable[0]?.examples[0]?.text.length ?? 0) <= 300);
});

test('wherever chunks are cut, the report is the same', () => {
  const lines = GOOD.concat('broken', lineOf(traffic.ill('closed')));
  const expected = diagnosed(lines);
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const random = randomOf(9);
  for (let round = 0; round < 20; round += 1) {
    const diagnosis = new Diagnosis();
    diagnosis.reader.startFile('access.log');
    for (let at = 0; at < bytes.length;) {
      const size = 1 + Math.floor(random() * (round < 5 ? 3 : 3000));
      // The reader may keep nothing of a chunk.
      const chunk = Buffer.from(bytes.subarray(at, at + size));
      diagnosis.reader.chunk(chunk);
      chunk.fill(0xff);
      at += size;
    }
    diagnosis.reader.endFile();
    assert.deepEqual(diagnosis.report(['access.log']), expected);
  }
});

test('plain and gzip files and standard input give the same report; several gzip members too', async () => {
  const text = GOOD.map((line) => `${line}\n`).join('');
  const half = text.indexOf('\n', text.length / 2) + 1;
  const plain = join(folder, 'a.log');
  const packed = join(folder, 'b.log');
  writeFileSync(plain, text);
  writeFileSync(packed, Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]));
  const expected = await diagnose([plain]);
  assert.equal(expected.requests, 50);
  assert.equal((await diagnose([packed])).requests, 50);
  for (const bytes of [Buffer.from(text), gzipSync(text)]) {
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 700), bytes.subarray(700)];
    const report = await diagnose(['-'], { stdin: Readable.from(pieces) });
    assert.deepEqual(report.latency, expected.latency);
    assert.equal(report.requests, 50);
  }
  assert.equal((await diagnose([plain, packed])).requests, 100);
});

test('a gzip file that was cut gives what it has, and says so', async () => {
  const file = join(folder, 'cut.gz');
  const text = Array.from({ length: 2000 }, () => lineOf(traffic.healthy())).join('\n');
  const packed = gzipSync(text);
  writeFileSync(file, packed.subarray(0, packed.length - 2000));
  const report = await diagnose([file]);
  assert.ok(report.requests > 1000 && report.requests < 2000, String(report.requests));
  assert.match(report.remarks.join('\n'), /ends too early or is damaged/);
});

test('a file that is missing or is a folder is an error with its name', async () => {
  await assert.rejects(diagnose([join(folder, 'none')]), LogReadError);
  await assert.rejects(diagnose([folder]), /is a folder/);
});

test('an empty input says so', async () => {
  const file = join(folder, 'empty');
  writeFileSync(file, '');
  assert.match(reportText(await diagnose([file]), { top: 5 }), /the input is empty/);
});
