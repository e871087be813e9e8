/**
 * A report for tests of the page: real lines (the talk's, and `own-lines.txt` of a nodeproxy under a delay filter, a slow client and an
 * upload in pieces), summed up here in the simplest way, so that the page is tested apart from the engine.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isUnreadable, parseRecord } from '../../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../../src/diagnose/record.ts';
import type { Evidence, Finding, Report, SegmentTotal, TimeSlice } from '../../../src/diagnose/report.ts';

export function linesOf(name: string): string[] {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
}

export const OWN_LINES = linesOf('own-lines.txt');
export const TALK_LINES = linesOf('../../observe/samples.txt');

export function recordOf(line: string, file = 'access.log', lineNumber = 1): LogRecord {
  const record = parseRecord(line, file, lineNumber);
  assert.ok(!isUnreadable(record), `not readable: ${line}`);
  return record;
}

export function recordsOf(lines: readonly string[], file: string): LogRecord[] {
  return lines.map((line, index) => recordOf(line, file, index + 1));
}

function evidenceOf({ file, lineNumber, text }: LogRecord, reading: string): Evidence {
  return { file, lineNumber, line: text, reading };
}

function segmentsOf(records: readonly LogRecord[]): SegmentTotal[] {
  const sums = new Map<string, number>();
  for (const { ledger } of records)
    for (const { segment, us } of ledger ?? []) sums.set(segment, (sums.get(segment) ?? 0) + us);
  const total = [...sums.values()].reduce((sum, us) => sum + us, 0);
  return Array.from(sums, ([segment, us]) => ({ segment, us, share: us / total }));
}

function slicesOf(records: readonly LogRecord[], many: number): TimeSlice[] {
  const starts = records.map(({ startUs }) => startUs ?? 0);
  const first = Math.min(...starts);
  const step = Math.ceil((Math.max(...starts) - first + 1) / many);
  return Array.from({ length: many }, (_, index): TimeSlice => {
    const startUs = first + index * step;
    const inside = records.filter(
      (record) => (record.startUs ?? 0) >= startUs && (record.startUs ?? 0) < startUs + step,
    );
    const totals = inside.map(({ totalUs }) => totalUs ?? 0).sort((a, b) => a - b);
    return {
      startUs,
      requests: inside.length,
      failures: inside.filter(({ flags }) => flags.length > 0).length,
      p50: totals[totals.length >> 1] ?? 0,
      p99: totals.at(-1) ?? 0,
      segments: segmentsOf(inside),
    };
  });
}

/** `extra` are lines that become notable whatever they are. */
export function pageReport(extra: readonly string[] = []): Report {
  const own = recordsOf(OWN_LINES, 'access.log');
  const talk = recordsOf(TALK_LINES, 'talk.log');
  const more = recordsOf(extra, 'extra.log');
  const totals = own.map(({ totalUs }) => totalUs ?? 0).sort((a, b) => a - b);
  const at = (share: number): number =>
    totals[Math.min(totals.length - 1, Math.floor(share * totals.length))] ?? 0;
  const slowest = [...own].sort((a, b) => (b.totalUs ?? 0) - (a.totalUs ?? 0)).slice(0, 12);
  const threads = [...new Set(own.map(({ threadId }) => threadId ?? 0))];
  return {
    files: ['access.log', 'talk.log'],
    lines: own.length + talk.length + more.length + 2,
    requests: own.length + talk.length + more.length,
    firstUs: own[0]?.startUs ?? null,
    lastUs: own.at(-1)?.startUs ?? null,
    latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: totals.at(-1) ?? 0 },
    slowFromUs: 50_000,
    slowRequests: totals.filter((us) => us >= 50_000).length,
    segments: segmentsOf(own),
    findings: findingsOf(own, talk),
    balance: {
      threads: threads.map((threadId) => ({
        process: 1,
        threadId,
        requests: own.filter((record) => record.threadId === threadId).length,
        connections: 8,
      })),
      maxToMin: 2.3,
      chiSquare: 8.6,
      probability: 0.0034,
    },
    unreadable: [
      {
        reason: 'not an access-log line',
        count: 2,
        examples: [{ file: 'access.log', lineNumber: 57, text: 'panic: \u001b[31m<b>oops</b>\u202e' }],
      },
    ],
    histogram: histogramOf(totals),
    slices: slicesOf(own, 30),
    notable: [...more, ...slowest, ...talk].map((record) => evidenceOf(record, 'one of the slowest')),
    remarks: ['9 lines have no ledger: their time is derived from the six numbers.'],
  };
}

function histogramOf(totals: readonly number[]): { upToUs: number; count: number }[] {
  const ratio = 10 ** 0.1;
  return Array.from({ length: 60 }, (_, index) => {
    const upToUs = 100 * ratio ** (index + 1);
    return { upToUs, count: totals.filter((us) => us <= upToUs && us > upToUs / ratio).length };
  });
}

function findingsOf(own: readonly LogRecord[], talk: readonly LogRecord[]): Finding[] {
  const line = (path: string): LogRecord => {
    const found = own.find(({ base }) => base?.path?.startsWith(path));
    assert.ok(found);
    return found;
  };
  const closed = talk[8];
  assert.ok(closed);
  return [
    {
      cause: 'failures',
      subject: 'UC',
      what: 'The upstream closed the connection before it had answered, and the client was sent 503.',
      requests: 1,
      slowRequests: 0,
      explainedUs: 0,
      share: 0,
      evidence: [evidenceOf(line('/kill'), 'C12, reused, was closed by the upstream 8 ms after the request')],
      remedies: [
        { text: 'Retry what is safe to retry:', setting: 'route.retry_policy.retry_on: reset' },
        { text: 'Close idle connections before the upstream does:', setting: 'idle_timeout of the cluster' },
      ],
      details: ['idle before the failure: 1.3 s'],
    },
    {
      cause: 'flow-control',
      subject: 'downstream',
      what: 'A slow client kept the reads from the upstream off.',
      requests: 2,
      slowRequests: 1,
      explainedUs: 246_988,
      share: 0.24,
      evidence: [
        evidenceOf(line('/big'), 'flow.downstream took 247 ms of 376 ms'),
        evidenceOf(closed, 'C44 closed 18:00.674, open 18:00.679, 5 ms'),
      ],
      remedies: [
        { text: 'Give the connection a larger buffer:', setting: 'per_connection_buffer_limit_bytes' },
      ],
      details: [],
    },
    {
      cause: 'slow-filter',
      subject: 'delay',
      what: 'The HTTP filter delay held the worker.',
      requests: 9,
      slowRequests: 7,
      explainedUs: 419_472,
      share: 0.41,
      evidence: [evidenceOf(line('/busy'), 'filter.delay took 169 ms on the processor')],
      remedies: [
        { text: 'Move its work off the worker, or make it wait instead of compute.', setting: null },
      ],
      details: ['delay: 169 ms once', 'paused.delay: 12 times'],
    },
  ];
}
