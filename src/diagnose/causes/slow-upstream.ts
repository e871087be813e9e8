/** The upstream took its time: to its first byte (it worked), or in the body (it produced slowly). By cluster. */
import type { CauseId, Finding } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { BODY, UPSTREAM } from '../scan/segments.ts';
import { clusterText, lengthOf, plural } from '../words.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tallies,
  type Detector,
  type DetectorOptions,
  type Tally,
  type Totals,
} from './detector.ts';
import { responseGapOf } from './head-body-gap.ts';
import { hostOf, readsText, requestText, totalText } from './readings.ts';

export class SlowUpstream implements Detector {
  readonly #firstByte = new Tallies();
  readonly #body = new Tallies();
  readonly #options: DetectorOptions;

  constructor(options: DetectorOptions) {
    this.#options = options;
  }

  accept(facts: LineFacts): void {
    const { upstreamUs, bodyUs } = this.#options.thresholds;
    const firstByte = facts.segment(UPSTREAM);
    if (counts(firstByte, upstreamUs, facts)) this.#firstByte.of(facts.clusterId).add(facts, firstByte);
    const body = facts.segment(BODY);
    if (body < bodyUs) return;
    // A gap between head and body is a cause of its own.
    const rest = body - responseGapOf(facts);
    if (counts(rest, bodyUs, facts)) this.#body.of(facts.clusterId).add(facts, rest);
  }

  findings(totals: Totals): Finding[] {
    const of = (tallies: Tallies, make: typeof slowFirstByte): Finding[] =>
      tallies.entries
        .filter(([, tally]) => isSignificant(tally, totals))
        .map(([cluster, tally]) => make(totals.names.clusters.name(cluster), tally, totals));
    return [...of(this.#firstByte, slowFirstByte), ...of(this.#body, slowBody)];
  }
}

const FIRST_BYTE: CauseId = 'slow-upstream-first-byte';

function slowFirstByte(cluster: string, tally: Tally, totals: Totals): Finding {
  return findingOf(FIRST_BYTE, tally, totals, {
    subject: cluster,
    what: `${clusterText(cluster)} took up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} from the whole request to the first byte of its answer, in ${plural(tally.requests, 'request')}: the service worked; the proxy had sent everything.`,
    reading: (record, { score }) =>
      `${hostOf(record)} answered ${requestText(record)} after ${lengthOf(score, record.resolutionUs)} of ${totalText(record)}`,
    remedies: [
      { text: 'Look at the service; the paths of the worst lines come first.', setting: null },
      {
        text: 'Bound the wait, and try another host where the request is safe to repeat.',
        setting: 'timeout and retry_policy.per_try_timeout of the route (15 s unless set)',
      },
      { text: 'Take slow hosts out.', setting: 'outlier_detection of the cluster' },
    ],
  });
}

function slowBody(cluster: string, tally: Tally, totals: Totals): Finding {
  return findingOf('slow-upstream-body', tally, totals, {
    subject: cluster,
    what: `${clusterText(cluster)} sent the bodies of ${plural(tally.requests, 'response')} slowly: up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} from the first byte to the last.`,
    reading: (record, { score }) =>
      `${lengthOf(score, record.resolutionUs)} waiting for more of the response, in ${readsText(record.upstreamReads)}; ${totalText(record)} in all`,
    remedies: [
      {
        text: 'Look at how the service produces its body (a query row by row, a slow disk), and at the network to it.',
        setting: null,
      },
      {
        text: 'Bound the wait between two pieces.',
        setting:
          'idle_timeout of the route, or stream_idle_timeout of the HttpConnectionManager (5 min unless set)',
      },
    ],
  });
}
