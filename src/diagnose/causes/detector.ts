/**
 * What all detectors are: they see each request once, as facts, and say at the end what they found.
 *
 * `accept` runs for every line of a large file: it compares a few numbers and returns. Sums are kept per bucket of latency, because
 * from where on a request is slow is known only at the end; lines are kept only while they are among the worst.
 */
import { BucketSums } from '../buckets.ts';
import type { LogRecord } from '../record.ts';
import type { CauseId, Evidence, Finding, Remedy } from '../report.ts';
import { isUnreadable, parseRecord } from '../parse-record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import type { Names } from '../scan/scan-line.ts';
import { LEAST_SHARE, type Thresholds } from '../thresholds.ts';
import { WorstLines, type KeptLine } from '../worst-lines.ts';

/** Known when all lines have been read. */
export interface Totals {
  readonly names: Names;
  readonly requests: number;
  /** First bucket of slow requests, their number, and their time in all. */
  readonly slowBucket: number;
  readonly slowRequests: number;
  readonly slowUs: number;
}

export interface Detector {
  accept(facts: LineFacts): void;
  findings(totals: Totals): Finding[];
}

export interface DetectorOptions {
  readonly thresholds: Thresholds;
  readonly names: Names;
}

const EVIDENCE = 3;
const MOST_SUBJECTS = 64;
/** A cause is reported from this share of all requests on, or when it explains much of the slow ones' time. */
const REQUEST_SHARE = 0.01;
const RARE_REQUEST_SHARE = 0.001;
const RARE_SLOW_SHARE = 0.05;
const FEW_SLOW_SHARE = 0.2;
const FEW_REQUESTS = 3;

/** The requests of one subject: how many, how much of their time the cause took, the worst lines. */
export class Tally {
  requests = 0;
  readonly explained = new BucketSums();
  readonly worst = new WorstLines(EVIDENCE);

  add(facts: LineFacts, us: number): void {
    this.requests += 1;
    this.explained.add(facts.bucket, us);
    this.worst.offer(us, facts);
  }

  /** For detectors that have more to say of a line: `note` is made only where the line is kept. */
  addNoted(facts: LineFacts, us: number, note: () => readonly [string, KeptLine | null]): void {
    this.requests += 1;
    this.explained.add(facts.bucket, us);
    if (!this.worst.wants(us)) return;
    const [text, companion] = note();
    this.worst.offer(us, facts, text, companion);
  }
}

/** By subject (a number of a `NameTable`, a connection, 0), at most `MOST_SUBJECTS`; what comes later is not told apart. */
export class Tallies {
  readonly #bySubject = new Map<number, Tally>();

  of(subject: number): Tally {
    const found = this.#bySubject.get(subject);
    if (found !== undefined) return found;
    const full = this.#bySubject.size >= MOST_SUBJECTS;
    const tally = full ? (this.#bySubject.get(MORE_SUBJECTS) ?? new Tally()) : new Tally();
    this.#bySubject.set(full ? MORE_SUBJECTS : subject, tally);
    return tally;
  }

  get entries(): [number, Tally][] {
    return [...this.#bySubject];
  }
}

export const MORE_SUBJECTS = -1;

/** Whether `us` of this request are worth a cause: long enough, and enough of its time. */
export function counts(us: number, leastUs: number, facts: LineFacts): boolean {
  return us >= leastUs && us >= facts.latencyUs * LEAST_SHARE;
}

/** No cause from noise: see `REQUEST_SHARE`. */
export function isSignificant(tally: Tally, totals: Totals): boolean {
  const { requests } = tally;
  if (requests >= totals.requests * REQUEST_SHARE) return requests > 0;
  if (requests < FEW_REQUESTS) return false;
  const share = shareOf(tally.explained.usFrom(totals.slowBucket), totals);
  const least = requests >= totals.requests * RARE_REQUEST_SHARE ? RARE_SLOW_SHARE : FEW_SLOW_SHARE;
  return share >= least;
}

export function shareOf(us: number, totals: Totals): number {
  return totals.slowUs === 0 ? 0 : Math.min(1, us / totals.slowUs);
}

export interface FindingWords {
  readonly subject: string;
  readonly what: string;
  /** What to look at in a line. */
  readonly reading: (record: LogRecord, kept: KeptLine) => string;
  /** Of the line that belongs to it. */
  readonly companionReading?: (record: LogRecord) => string;
  readonly remedies: readonly Remedy[];
  readonly details?: readonly string[];
}

export function findingOf(cause: CauseId, tally: Tally, totals: Totals, words: FindingWords): Finding {
  const explainedUs = Math.round(tally.explained.usFrom(totals.slowBucket));
  return {
    cause,
    subject: words.subject,
    what: words.what,
    requests: tally.requests,
    slowRequests: tally.explained.countFrom(totals.slowBucket),
    explainedUs,
    share: shareOf(explainedUs, totals),
    evidence: evidenceOf(tally.worst.lines, words),
    remedies: words.remedies,
    details: words.details ?? [],
  };
}

/** Worst first; behind a line the one that belongs to it. */
function evidenceOf(lines: readonly KeptLine[], words: FindingWords): Evidence[] {
  const evidence: Evidence[] = [];
  for (const kept of lines) {
    if (evidence.length === EVIDENCE) break;
    evidence.push(quote(kept, (record) => words.reading(record, kept)));
    const { companion } = kept;
    const reading = words.companionReading;
    if (companion === null || reading === undefined || evidence.length === EVIDENCE) continue;
    const known = evidence.some(
      ({ file, lineNumber }) => file === companion.file && lineNumber === companion.lineNumber,
    );
    if (!known) evidence.push(quote(companion, reading));
  }
  return evidence;
}

export function quote({ file, lineNumber, text }: KeptLine, read: (record: LogRecord) => string): Evidence {
  const record = parseRecord(text, file, lineNumber);
  return { file, lineNumber, line: text, reading: isUnreadable(record) ? '' : read(record) };
}
