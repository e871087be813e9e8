/**
 * What the detectors want to know of a line, as plain numbers: one object for all lines, filled by the byte scanner (`scan-line.ts`)
 * or from a parsed record (`facts-of-record.ts`).
 *
 * Lengths are microseconds, stamps microseconds within their hour. Valid until the next line: who keeps something copies it.
 */
import type { LogRecord } from '../record.ts';
import { SEGMENT_NAMES } from './segments.ts';

/** Columns of Istio's line, in its order. */
export const COLUMNS = [
  'startTime',
  'method',
  'path',
  'protocol',
  'responseCode',
  'responseFlags',
  'responseCodeDetails',
  'connectionTerminationDetails',
  'upstreamTransportFailureReason',
  'bytesReceived',
  'bytesSent',
  'duration',
  'upstreamServiceTime',
  'forwardedFor',
  'userAgent',
  'requestId',
  'authority',
  'upstreamHost',
  'upstreamCluster',
  'upstreamLocalAddress',
  'downstreamLocalAddress',
  'downstreamRemoteAddress',
  'requestedServerName',
  'routeName',
] as const;
export type Column = (typeof COLUMNS)[number];
const COLUMN_INDEX = Object.fromEntries(COLUMNS.map((name, index) => [name, index])) as Record<
  Column,
  number
>;

/** Filters of one line; those of a longer chain count as `filter`. */
export const MAX_FILTERS = 32;

export class ReadFacts {
  connection = 0;
  secure = false;
  /** Fragments, those left out included; 0: the group is empty or not in the line. */
  count = 0;
  bytes = 0;
  firstBytes = 0;
  firstAt = 0;
  secondAt = 0;
  lastAt = 0;
  waitedFirst = 0;
  waitedSecond = 0;
  /** Of all but the first. */
  waitedRest = 0;
  longestTook = 0;
  /** The first read brought the head and nothing else, and there was a second. */
  headAlone = false;
  /** Reads were off in all; the longest of them, and when it ended. */
  offUs = 0;
  longestOffUs = 0;
  longestOffEnd = 0;
  /** Newest `!n`: 0 = none; the stamp of its read. */
  paused = 0;
  pausedAt = 0;

  reset(): void {
    this.connection = 0;
    this.secure = false;
    this.count = 0;
    this.bytes = 0;
    this.firstBytes = 0;
    this.firstAt = 0;
    this.secondAt = 0;
    this.lastAt = 0;
    this.waitedFirst = 0;
    this.waitedSecond = 0;
    this.waitedRest = 0;
    this.longestTook = 0;
    this.headAlone = false;
    this.offUs = 0;
    this.longestOffUs = 0;
    this.longestOffEnd = 0;
    this.paused = 0;
    this.pausedAt = 0;
  }
}

export class WriteFacts {
  connection = 0;
  created = 0;
  secure = false;
  count = 0;
  bytes = 0;
  firstAt = 0;
  lastAt = 0;
  longestTook = 0;
  blocked = 0;

  reset(): void {
    this.connection = 0;
    this.created = 0;
    this.secure = false;
    this.count = 0;
    this.bytes = 0;
    this.firstAt = 0;
    this.lastAt = 0;
    this.longestTook = 0;
    this.blocked = 0;
  }
}

export class LineFacts {
  file = '';
  lineNumber = 0;
  /** The line's bytes; `record` stands instead of them where the scanner gave up. */
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;
  readonly columns = new Int32Array(COLUMNS.length * 2);
  record: LogRecord | null = null;

  /** Epoch microseconds; -1: not known. */
  startUs = -1;
  totalUs = 0;
  /** The total and what the request had waited in the kernel before its first read, which no total can contain. */
  latencyUs = 0;
  /** Of `latencyUs`: `buckets.ts`. */
  bucket = 0;
  code = 0;
  received = 0;
  sent = 0;
  flagsId = 0;
  clusterId = 0;
  /** -1: not in the line. */
  threadId = -1;
  hasSix = false;
  /** Milliseconds, -1 = `-`. */
  requestDuration = -1;
  requestTx = -1;
  responseDuration = -1;
  responseTx = -1;
  serviceTime = -1;
  readonly downstreamReads = new ReadFacts();
  readonly upstreamWrites = new WriteFacts();
  readonly upstreamReads = new ReadFacts();
  readonly downstreamWrites = new WriteFacts();
  hasLedger = false;
  readonly us = new Float64Array(SEGMENT_NAMES.length);
  filters = 0;
  readonly filterIds = new Int32Array(MAX_FILTERS);
  readonly filterUs = new Float64Array(MAX_FILTERS);
  /** -1: not in the line. */
  turnStart = -1;
  turnEnd = -1;

  reset(): void {
    this.record = null;
    this.startUs = -1;
    this.totalUs = 0;
    this.code = 0;
    this.received = 0;
    this.sent = 0;
    this.flagsId = 0;
    this.clusterId = 0;
    this.threadId = -1;
    this.hasSix = false;
    this.requestDuration = -1;
    this.requestTx = -1;
    this.responseDuration = -1;
    this.responseTx = -1;
    this.serviceTime = -1;
    this.downstreamReads.reset();
    this.upstreamWrites.reset();
    this.upstreamReads.reset();
    this.downstreamWrites.reset();
    this.hasLedger = false;
    this.us.fill(0);
    this.filters = 0;
    this.turnStart = -1;
    this.turnEnd = -1;
  }

  segment(index: number): number {
    return this.us[index] ?? 0;
  }

  addFilter(id: number, us: number, other: number): void {
    if (this.filters < MAX_FILTERS) {
      this.filterIds[this.filters] = id;
      this.filterUs[this.filters] = us;
      this.filters += 1;
    } else this.us[other] = (this.us[other] ?? 0) + us;
  }

  /** Made anew at each call. */
  lineText(): string {
    return this.record === null ? this.bytes.toString('utf8', this.from, this.to) : this.record.text;
  }

  column(name: Column): string | null {
    if (this.record !== null) {
      const value = this.record.base?.[name] ?? null;
      return value === null ? null : String(value);
    }
    const index = COLUMN_INDEX[name] * 2;
    const text = this.bytes.toString('latin1', this.columns[index], this.columns[index + 1]);
    return text === '-' ? null : text;
  }
}
