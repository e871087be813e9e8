/**
 * The proxy was late: bytes had arrived, and lay in the kernel because the worker's loop was busy (`access-log.md`, `waited` and `loop`).
 *
 * Two causes come of it: `loop-busy` where another request's filter is known to have held the worker, by that filter; and `read-late`
 * where nobody in the log did: the worker had too much to do, or got no processor.
 */
import { BucketSums } from '../buckets.ts';
import type { Finding } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { LOOP } from '../scan/segments.ts';
import type { KeptLine } from '../worst-lines.ts';
import { lengthOf, plural } from '../words.ts';
import { BusyHolders, type Holder, type Late } from './busy-holders.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tallies,
  Tally,
  type Detector,
  type DetectorOptions,
  type Totals,
} from './detector.ts';
import { ledgerUs, longestWait, readsText, requestText, totalText } from './readings.ts';

const MOST_THREADS = 512;
const FILTER_PREFIX = 'filter.';

export class WorkerLate implements Detector {
  readonly #byHolder = new Tallies();
  readonly #nobody = new Tally();
  /** Waits that nobody is known for, by thread: `thread-imbalance` may be their reason. */
  readonly byThread = new Map<number, BucketSums>();
  readonly #holders = new BusyHolders((late, holder) => this.#settle(late, holder));
  readonly #leastUs: number;
  readonly #options: DetectorOptions;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#leastUs = options.thresholds.lateUs;
  }

  accept(facts: LineFacts): void {
    const late = facts.segment(LOOP);
    if (late >= this.#leastUs && counts(late, this.#leastUs, facts)) this.#holders.waited(facts, late);
    for (let index = 0; index < facts.filters; index += 1) {
      const us = facts.filterUs[index] ?? 0;
      if (us < this.#leastUs) continue;
      const filter = facts.filterIds[index] ?? 0;
      if (this.#options.names.filters.name(filter).startsWith(FILTER_PREFIX))
        this.#holders.held(facts, filter, us);
    }
  }

  #settle(late: Late, holder: Holder | null): void {
    if (holder === null) {
      put(this.#nobody, late, null);
      const sums = this.byThread.get(late.threadId) ?? new BucketSums();
      if (this.byThread.size < MOST_THREADS) this.byThread.set(late.threadId, sums);
      sums.add(late.bucket, late.us);
    } else put(this.#byHolder.of(holder.filter), late, holder.line);
  }

  findings(totals: Totals): Finding[] {
    this.#holders.end();
    const findings: Finding[] = [];
    for (const [filter, tally] of this.#byHolder.entries)
      if (isSignificant(tally, totals))
        findings.push(loopBusy(totals.names.filters.name(filter), tally, totals));
    if (isSignificant(this.#nobody, totals)) findings.push(readLate(this.#nobody, totals));
    return findings;
  }
}

function put(tally: Tally, late: Late, companion: KeptLine | null): void {
  tally.requests += 1;
  tally.explained.add(late.bucket, late.us);
  if (late.line !== null) tally.worst.put({ ...late.line, companion });
}

function loopBusy(segment: string, tally: Tally, totals: Totals): Finding {
  const name = segment.slice(FILTER_PREFIX.length);
  return findingOf('loop-busy', tally, totals, {
    subject: name,
    what: `${plural(tally.requests, 'request')} had bytes waiting in the kernel while the HTTP filter ${name} of another request held their worker, for up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)}.`,
    reading: (record, { score, companion }) =>
      `${waitText(record, score)}${companion === null ? '' : `; held by the request of ${companion.file}:${companion.lineNumber}`}`,
    companionReading: (record) =>
      `the request that held the worker: ${requestText(record)}, ${segment} ${lengthOf(ledgerUs(record, segment))}${turnsText(record)}`,
    remedies: [
      {
        text: `Move the work of ${name} off the worker’s thread, or cut it into pieces.`,
        setting: `http_filters of the HttpConnectionManager, the entry ${name}`,
      },
      { text: 'More workers make fewer neighbours, not shorter waits.', setting: '--concurrency' },
    ],
  });
}

function readLate(tally: Tally, totals: Totals): Finding {
  return findingOf('read-late', tally, totals, {
    subject: '',
    what: `${plural(tally.requests, 'request')} had bytes that had arrived and were read late, by up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)}; no filter in this log held the worker: it had too much to do, or got no processor.`,
    reading: (record, { score }) => waitText(record, score),
    remedies: [
      {
        text: 'Give the proxy its processor: look at the CPU limit of its container (nr_throttled in cpu.stat) and at who shares its cores.',
        setting: null,
      },
      { text: 'Spread the work over more workers, if cores are free.', setting: '--concurrency' },
      {
        text: 'Take fewer new connections at once.',
        setting: 'max_connections_to_accept_per_socket_event of the listener',
      },
    ],
  });
}

function waitText(record: LogRecord, us: number): string {
  const down = longestWait(record.downstreamReads);
  const up = longestWait(record.upstreamReads);
  const request = (down?.us ?? 0) >= (up?.us ?? 0);
  const wait = request ? down : up;
  if (wait === null) return `${lengthOf(us)} in loop of ${totalText(record)}${turnsText(record)}`;
  const group = request ? record.downstreamReads : record.upstreamReads;
  const total =
    wait.first && request ? `the request itself took ${totalText(record)}` : `${totalText(record)} in all`;
  return `bytes of the ${request ? 'request' : 'response'} lay in the kernel for ${wait.text} (${readsText(group)}); ${total}${turnsText(record)}`;
}

function turnsText({ loopTurns, threadId }: LogRecord): string {
  return loopTurns === null
    ? ''
    : `, thread ${threadId ?? '?'}, loop turns ${loopTurns.start}-${loopTurns.end}`;
}
