/**
 * The talk's fifth case: reads were switched off because a buffer on the other side was full, and later on again.
 *
 *   earlier line   [C44:S:<18:00.674>0,0,11137]H,D,E!1                 reads of C44 go off with this request
 *   later line     [C44:S:<18:00.743>0,0,11133]H+5<18:00.679>,D,E!1    and on again, 5 ms later, at the cost of that one
 *
 * Reads of an upstream are off because a client takes its response slowly; reads of a client, because an upstream takes the request
 * slowly. The last line that switched a connection off is remembered for each of the newest `MOST_CONNECTIONS`.
 */
import type { Finding } from '../report.ts';
import { HOUR_US, stampDistance } from '../record-times.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts, ReadFacts } from '../scan/line-facts.ts';
import { FLOW_DOWNSTREAM, FLOW_UPSTREAM } from '../scan/segments.ts';
import type { KeptLine } from '../worst-lines.ts';
import { lengthOf, plural, stampText } from '../words.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tally,
  type Detector,
  type DetectorOptions,
  type Totals,
} from './detector.ts';
import { ledgerUs, requestText, totalText } from './readings.ts';

const MOST_CONNECTIONS = 1024;
/** Stamps are truncated to the millisecond, twice. */
const TOLERANCE_US = 2_000;

interface Pause {
  readonly at: number;
  readonly line: KeptLine;
}

export class FlowControl implements Detector {
  /** The client was slow; the upstream was slow. */
  readonly #downstream = new Tally();
  readonly #upstream = new Tally();
  /** By thread and connection: connections of another process have the same ids. */
  readonly #pauses = new Map<string, Pause>();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.flowUs;
  }

  accept(facts: LineFacts): void {
    const slowClient = facts.segment(FLOW_DOWNSTREAM);
    const slowUpstream = facts.segment(FLOW_UPSTREAM);
    if (slowClient > 0) this.#add(this.#downstream, facts, slowClient, facts.upstreamReads);
    if (slowUpstream > 0) this.#add(this.#upstream, facts, slowUpstream, facts.downstreamReads);
    if (facts.upstreamReads.paused > 0) this.#remember(facts, facts.upstreamReads);
    if (facts.downstreamReads.paused > 0) this.#remember(facts, facts.downstreamReads);
  }

  /** A pause of a few milliseconds counts in a long request too: it is the proxy's own doing, never the peers' habit. */
  #add(tally: Tally, facts: LineFacts, us: number, reads: ReadFacts): void {
    if (us < this.#leastUs || (!counts(us, this.#leastUs, facts) && reads.longestOffUs < this.#leastUs))
      return;
    tally.addNoted(facts, us, () => this.#reading(facts, reads, us));
  }

  #reading(facts: LineFacts, reads: ReadFacts, us: number): readonly [string, KeptLine | null] {
    // Of many pauses only those of the fragments that the line kept are known, and none is the one.
    if (reads.longestOffUs * 2 < us) return ['', null];
    const closedAt = (reads.longestOffEnd - reads.longestOffUs + HOUR_US) % HOUR_US;
    const pause = this.#pauses.get(keyOf(facts, reads));
    const isCulprit = pause !== undefined && Math.abs(stampDistance(pause.at, closedAt)) <= TOLERANCE_US;
    const closed = stampText(isCulprit ? pause.at : closedAt);
    const note = `C${reads.connection} closed ${closed} -> open ${stampText(reads.longestOffEnd)}, ${lengthOf(reads.longestOffUs)}`;
    return [note, isCulprit ? pause.line : null];
  }

  #remember(facts: LineFacts, reads: ReadFacts): void {
    const { file, lineNumber } = facts;
    const line: KeptLine = { score: 0, file, lineNumber, text: facts.lineText(), note: '', companion: null };
    // Newest at the end: the oldest is the first to go.
    const key = keyOf(facts, reads);
    this.#pauses.delete(key);
    this.#pauses.set(key, { at: reads.pausedAt, line });
    if (this.#pauses.size <= MOST_CONNECTIONS) return;
    const [oldest] = this.#pauses.keys();
    if (oldest !== undefined) this.#pauses.delete(oldest);
  }

  findings(totals: Totals): Finding[] {
    const findings: Finding[] = [];
    if (isSignificant(this.#downstream, totals)) findings.push(this.#slowClient(totals));
    if (isSignificant(this.#upstream, totals)) findings.push(this.#slowUpstream(totals));
    return findings;
  }

  #slowClient(totals: Totals): Finding {
    return findingOf('flow-control', this.#downstream, totals, {
      subject: 'downstream',
      what: `Reads of the upstream were off in ${plural(this.#downstream.requests, 'request')} because the write buffer towards the client was full; cause: downstream write slow (the client, or its network, takes the response slowly).`,
      reading: readingOf('flow.downstream'),
      companionReading: (record) => culpritText(record, 'upstream'),
      remedies: [
        { text: 'Find out why clients read slowly; the upstream only waits for them.', setting: null },
        {
          text: 'A larger buffer lets the upstream finish earlier, at the price of memory for each connection.',
          setting: 'per_connection_buffer_limit_bytes of the listener (1 MiB unless set)',
        },
        {
          text: 'Close connections that stay full.',
          setting: 'per_connection_buffer_high_watermark_timeout of the listener',
        },
      ],
    });
  }

  #slowUpstream(totals: Totals): Finding {
    return findingOf('flow-control', this.#upstream, totals, {
      subject: 'upstream',
      what: `Reads of the client were off in ${plural(this.#upstream.requests, 'request')} because the write buffer towards the upstream was full; cause: upstream write slow (the service takes the request slowly).`,
      reading: readingOf('flow.upstream'),
      companionReading: (record) => culpritText(record, 'downstream'),
      remedies: [
        { text: 'Find out why the service reads its requests slowly.', setting: null },
        {
          text: 'A larger buffer lets clients finish earlier, at the price of memory for each connection.',
          setting: 'per_connection_buffer_limit_bytes of the cluster (1 MiB unless set)',
        },
      ],
    });
  }
}

function keyOf({ threadId }: LineFacts, { connection }: ReadFacts): string {
  return `${threadId}/${connection}`;
}

function readingOf(segment: string) {
  return (record: LogRecord, { note, companion, score }: KeptLine): string => {
    const us = ledgerUs(record, segment) || score;
    const pause =
      note === ''
        ? `reads were off for ${lengthOf(us)} of ${totalText(record)}, in several pauses (${segment})`
        : note;
    const total = ledgerUs(record, segment) > 0 && note !== '' ? `; ${lengthOf(us)} in ${segment}` : '';
    const culprit =
      companion === null ? '' : `; closed during the request of ${companion.file}:${companion.lineNumber}`;
    return `${pause}${total}${culprit}`;
  };
}

function culpritText(record: LogRecord, side: 'upstream' | 'downstream'): string {
  const group = side === 'upstream' ? record.upstreamReads : record.downstreamReads;
  const paused = (group ?? []).findLast(
    (read) =>
      read.kind === 'read' && read.marks.some(({ flows }) => flows.some(({ kind }) => kind === 'paused')),
  );
  if (paused === undefined || paused.kind === 'skipped') return 'the earlier request';
  return `the earlier request, ${requestText(record)}: its read at ${stampText(paused.stampUs)} (${paused.bytes} bytes) was the last before C${paused.connectionId} was closed`;
}
