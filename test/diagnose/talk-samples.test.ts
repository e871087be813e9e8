/** The sample lines of the talk are diagnosed as the talk diagnoses them (its results 1 to 6). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addedBytes } from '../../src/diagnose/causes/large-head.ts';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import { phasesOf } from '../../src/diagnose/phases.ts';
import type { LogRecord } from '../../src/diagnose/record.ts';
import { causesOf, diagnosed, findingOf } from './support/diagnosed.ts';

const SAMPLES = readFileSync(fileURLToPath(new URL('../observe/samples.txt', import.meta.url)), 'utf8')
  .split('\n')
  .filter((line) => line !== '');
/** As `requirements.md`, 4.1 names them. */
const [S1 = '', S1b = '', S2 = '', S3 = '', S4 = '', S5 = '', S6 = '', S7 = '', S8 = '', S9 = ''] = SAMPLES;

function record(line: string): LogRecord {
  const parsed = parseRecord(line, 'talk', 1);
  assert.ok(!isUnreadable(parsed));
  return parsed;
}

test('every sample is read, also the one that is cut and the one with a number missing', () => {
  const report = diagnosed(SAMPLES);
  assert.equal(report.requests, 10);
  assert.deepEqual(report.unreadable, []);
  assert.equal(report.latency.max, 9_004_000);
});

test('result 1: the proxy added 1175 bytes to the head; 1169 for curl; 1193 with the header of the plug-in', () => {
  assert.deepEqual(
    [S1, S1b, S2, S3, S7, S8].map((line) => addedBytes(record(line))),
    [1175, 1175, 1175, 1175, 1175, 1175],
  );
  assert.deepEqual(
    [S4, S5, S6].map((line) => addedBytes(record(line))),
    [1169, 1169, 1169],
  );
  assert.equal(addedBytes(record(S9)), 1193);
});

test('result 1: phases of a request from its six numbers', () => {
  const phases = (line: string): number[] => {
    const { six } = record(line);
    assert.ok(six !== null);
    const { receive, filters, pool, server, response } = phasesOf(six);
    return [receive, filters, pool, server, response];
  };
  assert.deepEqual(phases(S1), [0, 56, 80, 953, 0]);
  assert.deepEqual(phases(S8), [37, 0, 10, 62, 0]);
  assert.deepEqual(phases(S7), [0, 1, 40, 41, 0]);
  assert.deepEqual(phases(S4), [0, 0, 1, 1, 19]);
});

test('result 3: a large message came in pieces, without pauses: ten segments first, then the rest', () => {
  const report = diagnosed([S2, S3]);
  const finding = findingOf(report, 'fragmented-request');
  assert.equal(finding.requests, 2);
  assert.equal(finding.explainedUs, 0);
  assert.match(finding.evidence[0]?.reading ?? '', /2 reads: 14\.1 KiB, 242 KiB <1 ms later/);
  assert.match(finding.details.join('\n'), /10 TCP segments of 1448/);
});

test('result 3: head and body of the response are 19 ms apart', () => {
  const report = diagnosed([S4]);
  assert.equal(report.findings[0]?.cause, 'head-body-gap');
  assert.match(report.findings[0]?.evidence[0]?.reading ?? '', /gap 19 ms at 10\.244\.1\.19:9000/);
  assert.match(report.findings[0]?.remedies[0]?.text ?? '', /head and body together/);
});

test('result 4: TLS upstream; a new connection, then the same one reused', () => {
  const options = { expectTls: 'upstream' } as const;
  assert.ok(!causesOf(diagnosed([S5, S6], options)).includes('plain-text'));
  const both = diagnosed([S5, S6], { expectTls: 'both' });
  assert.match(
    findingOf(both, 'plain-text').what,
    /2 requests came in at 10\.96\.45\.119:9000 in plain text/,
  );
  const raw = diagnosed([S5.replace(':S:0,', ':R:0,'), S6], options);
  assert.match(findingOf(raw, 'plain-text').what, /Mixed: 50 % of its 2 requests/);
});

test('result 4: a connection opened for a request that another one carried', () => {
  const finding = findingOf(diagnosed([S7, S8]), 'unused-connections');
  assert.equal(finding.requests, 1);
  assert.match(finding.evidence[0]?.reading ?? '', /C114 was opened, C44 carried the request/);
});

test('result 5: reads of C44 were off for 5 ms, since the earlier line, because the client wrote slowly', () => {
  const finding = findingOf(diagnosed([S7, S8]), 'flow-control');
  assert.equal(finding.subject, 'downstream');
  assert.match(finding.what, /cause: downstream write slow/);
  const [worst, culprit] = finding.evidence;
  assert.match(worst?.reading ?? '', /^C44 closed 18:00\.674 -> open 18:00\.679, 5 ms/);
  assert.equal(worst?.line, S8);
  assert.equal(culprit?.line, S7);
  assert.match(finding.remedies.map(({ setting }) => setting).join(), /per_connection_buffer_limit_bytes/);
});

test('result 5 with the earlier line of another worker, which has a C44 of its own: nobody is named', () => {
  const elsewhere = S7.replace(/ : \((\d+)\) /, (_, thread) => ` : (${Number(thread) + 100}) `);
  assert.notEqual(elsewhere, S7);
  const finding = findingOf(diagnosed([elsewhere, S8]), 'flow-control');
  assert.deepEqual(
    finding.evidence.map(({ line }) => line),
    [S8],
  );
});

test('result 6: nine seconds between the request read and the request sent are a filter’s', () => {
  const report = diagnosed([S9]);
  const [finding] = report.findings;
  assert.equal(finding?.cause, 'slow-filter');
  assert.match(
    finding?.evidence[0]?.reading ?? '',
    /filters 9003 ms: request read at 53:08\.802, written upstream at 53:17\.805/,
  );
});

test('a response that the upstream had sent whole long before its end is a slow client’s, though the talk’s line has no writes to it', () => {
  const line = S4.replace('1001 22 2', '1001 900 2').replace(
    ': 22, 0, 1, 2, 19, 2 :',
    ': 900, 0, 1, 2, 898, 2 :',
  );
  const [first] = diagnosed([line]).findings;
  assert.equal(`${first?.cause} ${first?.subject}`, 'blocked-writes downstream');
  assert.match(
    first?.evidence[0]?.reading ?? '',
    /878 ms to deliver after the last byte of the upstream was read/,
  );
});
