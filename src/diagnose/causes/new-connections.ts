/**
 * The talk's fourth case: a new upstream connection on the request's way, by its time (connecting, TLS handshake) and, where that is
 * too short to see, by the share of requests that found one open.
 */
import type { Finding, Remedy } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { CONNECT, HANDSHAKE, POOL } from '../scan/segments.ts';
import type { KeptLine } from '../worst-lines.ts';
import { clusterText, count, lengthOf, percent, plural } from '../words.ts';
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
import { ledgerUs, totalText } from './readings.ts';

/** A ratio of fewer requests says nothing. */
const LEAST_REQUESTS = 20;
const MOST_CLUSTERS = 256;

/** Of a cluster. */
interface Reuse {
  requests: number;
  reused: number;
  readonly created: Tally;
}

export class NewConnections implements Detector {
  readonly #slow = new Tallies();
  readonly #reuse = new Map<number, Reuse>();
  readonly #leastUs: number;
  readonly #leastReuse: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.connectUs;
    this.#leastReuse = thresholds.reuse;
  }

  accept(facts: LineFacts): void {
    const { upstreamWrites, clusterId } = facts;
    if (upstreamWrites.count === 0) return;
    const reuse = this.#of(clusterId);
    reuse.requests += 1;
    const own = upstreamWrites.created === upstreamWrites.connection;
    if (!own) reuse.reused += 1;
    // On another's connection only the ledger knows whether that one was new, and so had to be waited for as its own.
    if (!own && !facts.hasLedger) return;
    const us =
      facts.segment(CONNECT) + facts.segment(HANDSHAKE) + (facts.hasLedger ? 0 : facts.segment(POOL));
    if (own) reuse.created.add(facts, us);
    if (counts(us, this.#leastUs, facts)) this.#slow.of(clusterId).add(facts, us);
  }

  #of(cluster: number): Reuse {
    const known = this.#reuse.get(cluster) ?? { requests: 0, reused: 0, created: new Tally() };
    if (this.#reuse.size < MOST_CLUSTERS) this.#reuse.set(cluster, known);
    return known;
  }

  findings(totals: Totals): Finding[] {
    const findings: Finding[] = [];
    const slow = new Map(this.#slow.entries);
    for (const [id, reuse] of this.#reuse) {
      const cluster = totals.names.clusters.name(id);
      const ratio = reuse.reused / reuse.requests;
      const tally = slow.get(id);
      const churns = reuse.requests >= LEAST_REQUESTS && ratio < this.#leastReuse;
      if (churns) findings.push(churning(cluster, reuse, ratio, totals));
      else if (tally !== undefined && isSignificant(tally, totals))
        findings.push(slowToOpen(cluster, tally, reuse, totals));
    }
    return findings;
  }
}

function reuseText({ requests, reused }: Reuse, cluster: string): string {
  return `reuse of ${clusterText(cluster)}: ${count(reused)} of ${plural(requests, 'request')} (${percent(reused / requests)}) found their connection open`;
}

function churning(cluster: string, reuse: Reuse, ratio: number, totals: Totals): Finding {
  return findingOf('new-connections', reuse.created, totals, {
    subject: cluster,
    what: `Connections to ${clusterText(cluster)} are hardly reused: ${percent(ratio)} of ${plural(reuse.requests, 'request')} found one open, every other request opened its own.`,
    reading,
    remedies: [
      {
        text: 'Let connections live for more than one request.',
        setting: 'common_http_protocol_options.max_requests_per_connection of the cluster',
      },
      {
        text: 'Keep idle ones longer, but shorter than the service does.',
        setting: 'common_http_protocol_options.idle_timeout of the cluster',
      },
      {
        text: 'See whether the service answers "connection: close" or has its keep-alive off.',
        setting: null,
      },
    ],
    details: [reuseText(reuse, cluster)],
  });
}

const OPENING: readonly Remedy[] = [
  {
    text: 'Open connections before they are needed.',
    setting: 'preconnect_policy.per_upstream_preconnect_ratio of the cluster',
  },
  {
    text: 'Keep idle connections longer, but shorter than the service does.',
    setting: 'common_http_protocol_options.idle_timeout of the cluster',
  },
  { text: 'Bound the wait for a connection.', setting: 'connect_timeout of the cluster (5 s unless set)' },
];

function slowToOpen(cluster: string, tally: Tally, reuse: Reuse, totals: Totals): Finding {
  return findingOf('new-connections', tally, totals, {
    subject: cluster,
    what: `${plural(tally.requests, 'request')} had to wait up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} until a new connection to ${clusterText(cluster)} was open.`,
    reading,
    remedies: OPENING,
    details: [reuseText(reuse, cluster)],
  });
}

function reading(record: LogRecord, { score }: KeptLine): string {
  const write = record.upstreamWrites?.find((each) => each.kind === 'write');
  const connection = write === undefined ? '' : openedText(write.connectionId, write.createdConnectionId);
  const tls = write !== undefined && write.secure ? ' (TLS)' : '';
  const [connect, handshake] = [ledgerUs(record, 'connect'), ledgerUs(record, 'handshake')];
  const times =
    record.ledger === null
      ? `pool and connect ${lengthOf(score, 1000)}`
      : `connect ${lengthOf(connect)}${handshake > 0 ? `, handshake ${lengthOf(handshake)}` : ''}`;
  return `${connection}${tls}: ${times} of ${totalText(record)}`;
}

function openedText(used: number, created: number | null): string {
  if (created === null || created === used) return `C${used} was opened for this request`;
  return created === 0
    ? `C${used} was being opened when this request came`
    : `C${used} came up before C${created}, which was opened for this request`;
}
