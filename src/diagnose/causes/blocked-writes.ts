/**
 * Writes that the kernel took only in part: the peer's window and the socket's buffer were full, so the rest waited for the peer.
 * Towards the client it is the last stretch (`deliver`), what came before it is flow control; towards the upstream the span of the writes.
 */
import type { Finding } from '../report.ts';
import type { LogRecord } from '../record.ts';
import { stampDistance } from '../record-times.ts';
import type { LineFacts, WriteFacts } from '../scan/line-facts.ts';
import { DELIVER, FLOW_DOWNSTREAM, FLOW_UPSTREAM } from '../scan/segments.ts';
import { lengthOf, plural } from '../words.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tally,
  type Detector,
  type DetectorOptions,
  type Totals,
} from './detector.ts';
import { spanUs, totalText } from './readings.ts';

function spanOf({ firstAt, lastAt }: WriteFacts): number {
  return stampDistance(firstAt, lastAt);
}

export class BlockedWrites implements Detector {
  readonly #client = new Tally();
  readonly #upstream = new Tally();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.blockedUs;
  }

  accept(facts: LineFacts): void {
    const { downstreamWrites, upstreamWrites } = facts;
    // Lines without this group (the talk's) only tell that the response was still under way when the upstream had sent it all.
    if (downstreamWrites.blocked > 0 || (downstreamWrites.count === 0 && !facts.hasLedger)) {
      // Time in which the upstream's reads were off is `flow-control`; what is left is the last stretch.
      const span = Math.max(0, spanOf(downstreamWrites) - facts.segment(FLOW_DOWNSTREAM));
      const us = Math.max(facts.segment(DELIVER), facts.hasLedger ? 0 : span);
      if (counts(us, this.#leastUs, facts)) this.#client.add(facts, us);
    }
    if (upstreamWrites.blocked > 0) {
      const us = Math.max(0, spanOf(upstreamWrites) - facts.segment(FLOW_UPSTREAM));
      if (counts(us, this.#leastUs, facts)) this.#upstream.add(facts, us);
    }
  }

  findings(totals: Totals): Finding[] {
    const findings: Finding[] = [];
    if (isSignificant(this.#client, totals)) findings.push(slowClient(this.#client, totals));
    if (isSignificant(this.#upstream, totals)) findings.push(slowUpstream(this.#upstream, totals));
    return findings;
  }
}

function slowClient(tally: Tally, totals: Totals): Finding {
  return findingOf('blocked-writes', tally, totals, {
    subject: 'downstream',
    what: `The last bytes of ${plural(tally.requests, 'response')} waited up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} for the client to take them: slow client or network.`,
    reading: (record, { score }) =>
      `${lengthOf(score, record.resolutionUs)} to deliver${takenText(record)}; ${totalText(record)} in all`,
    remedies: [
      {
        text: 'Nothing in the proxy is slow; look at the client and its network. A larger send buffer hides it.',
        setting: 'net.ipv4.tcp_wmem, or socket_options (SO_SNDBUF) of the listener',
      },
      {
        text: 'Bound how long a response may take to leave.',
        setting: 'stream_idle_timeout of the HttpConnectionManager',
      },
    ],
  });
}

function slowUpstream(tally: Tally, totals: Totals): Finding {
  return findingOf('blocked-writes', tally, totals, {
    subject: 'upstream',
    what: `The bytes of ${plural(tally.requests, 'request')} waited up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} for the service to take them.`,
    reading: (record, { score }) =>
      `${lengthOf(score)} from the first to the last write upstream; the kernel took less than was offered ${blockedText(record.upstreamWrites)}; ${totalText(record)} in all`,
    remedies: [
      { text: 'Look at why the service does not read its requests.', setting: null },
      {
        text: 'A larger send buffer hides short pauses.',
        setting: 'net.ipv4.tcp_wmem, or upstream_bind_config.socket_options (SO_SNDBUF) of the cluster',
      },
    ],
  });
}

function takenText({ downstreamWrites }: LogRecord): string {
  if (downstreamWrites === null) return ' after the last byte of the upstream was read';
  return `; the kernel took less than was offered ${blockedText(downstreamWrites)} within ${lengthOf(spanUs(downstreamWrites))}`;
}

function blockedText(group: readonly { kind: string; blocked?: number }[] | null): string {
  const times = (group ?? []).reduce((sum, each) => sum + (each.blocked ?? 0), 0);
  return times === 1 ? 'once' : `${times} times`;
}
