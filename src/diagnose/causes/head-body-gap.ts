/** The talk's third case: the head of a message came alone and its body later. Of responses by upstream, and of requests. */
import type { Finding } from '../report.ts';
import { stampDistance } from '../record-times.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { clusterText, lengthOf, plural } from '../words.ts';
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
import { headPauseOf, pausesOf } from './fragmented-request.ts';
import { hostOf, readsText, totalText } from './readings.ts';

/** Between head and body of the response, without what the kernel and flow control had of it. */
export function responseGapOf({ upstreamReads }: LineFacts): number {
  if (!upstreamReads.headAlone || upstreamReads.count < 2) return 0;
  const gap = stampDistance(upstreamReads.firstAt, upstreamReads.secondAt);
  return Math.max(0, gap - upstreamReads.waitedSecond - upstreamReads.offUs);
}

export class HeadBodyGap implements Detector {
  readonly #byCluster = new Tallies();
  readonly #requests = new Tally();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.gapUs;
  }

  accept(facts: LineFacts): void {
    if (facts.upstreamReads.headAlone && facts.upstreamReads.count > 1) {
      const gap = responseGapOf(facts);
      if (counts(gap, this.#leastUs, facts)) this.#byCluster.of(facts.clusterId).add(facts, gap);
    }
    if (facts.downstreamReads.headAlone && facts.downstreamReads.count > 1) {
      const gap = headPauseOf(facts);
      if (counts(gap, this.#leastUs, facts) && gap * 2 > pausesOf(facts)) this.#requests.add(facts, gap);
    }
  }

  findings(totals: Totals): Finding[] {
    const findings: Finding[] = [];
    for (const [cluster, tally] of this.#byCluster.entries)
      if (isSignificant(tally, totals))
        findings.push(this.#ofResponses(totals.names.clusters.name(cluster), tally, totals));
    if (isSignificant(this.#requests, totals)) findings.push(this.#ofRequests(totals));
    return findings;
  }

  #ofResponses(cluster: string, tally: Tally, totals: Totals): Finding {
    const worst = tally.worst.lines[0]?.score ?? 0;
    return findingOf('head-body-gap', tally, totals, {
      subject: cluster,
      what: `${plural(tally.requests, 'response')} of ${clusterText(cluster)} had a gap between head and body, up to ${lengthOf(worst)}: the service sends the head before it has the body.`,
      reading: (record, { score }) =>
        `gap ${lengthOf(score, record.resolutionUs)} at ${hostOf(record)}: response in ${readsText(record.upstreamReads)}; ${totalText(record)} in all`,
      remedies: [
        {
          text: 'In the service, send head and body together: do not flush the head before the body is ready, and switch off Nagle’s algorithm (TCP_NODELAY).',
          setting: null,
        },
        { text: 'Smaller requests leave the service less to read before it can answer.', setting: null },
      ],
    });
  }

  #ofRequests(totals: Totals): Finding {
    return findingOf('head-body-gap', this.#requests, totals, {
      subject: 'request',
      what: `${plural(this.#requests.requests, 'request')} came with the head first and the body after a gap: the client waits, or asks for "100 Continue" first.`,
      reading: (record, { score }) =>
        `gap ${lengthOf(score, record.resolutionUs)} before the body: request in ${readsText(record.downstreamReads)}; ${totalText(record)} in all`,
      remedies: [
        {
          text: 'Have the client send head and body in one write; if it sends "expect: 100-continue", every request waits one round trip for the answer.',
          setting: null,
        },
      ],
    });
  }
}
