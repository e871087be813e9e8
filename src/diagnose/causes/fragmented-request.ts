/**
 * The talk's first case: a request came in several pieces with pauses between them, which are the client's or its network's.
 *
 * Pauses are what lies between the reads without what the bytes had waited in the kernel (`read-late.ts`) and without reads that were
 * switched off (`flow-control.ts`). Long requests that came in pieces without pauses are told apart: pieces do not explain their time.
 */
import type { Finding } from '../report.ts';
import { stampDistance } from '../record-times.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { CLIENT } from '../scan/segments.ts';
import { lengthOf, plural, sizeText } from '../words.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tally,
  type Detector,
  type DetectorOptions,
  type Totals,
} from './detector.ts';
import { readsText, totalText } from './readings.ts';

/** A request in pieces is worth a word from this latency on, though there are no pauses. */
const LONG_US = 100_000;
/** Ten segments of 1448 bytes: what TCP sends before it waits for the first answer. */
const INITIAL_WINDOW_BYTES = 14_480;

/** Pauses of the client between its reads; also used by `head-body-gap.ts`. */
export function pausesOf({ downstreamReads, hasLedger, us }: LineFacts): number {
  const span = stampDistance(downstreamReads.firstAt, downstreamReads.lastAt);
  const pauses = Math.max(0, span - downstreamReads.waitedRest - downstreamReads.offUs);
  return hasLedger ? Math.min(pauses, us[CLIENT] ?? 0) : pauses;
}

/** Pause between the head of a request and its body, where the head came alone; else 0. */
export function headPauseOf({ downstreamReads }: LineFacts): number {
  if (!downstreamReads.headAlone || downstreamReads.count < 2) return 0;
  const gap = stampDistance(downstreamReads.firstAt, downstreamReads.secondAt);
  return Math.max(0, gap - downstreamReads.waitedSecond - downstreamReads.offUs);
}

export class FragmentedRequest implements Detector {
  readonly #paused = new Tally();
  readonly #pieces = new Tally();
  readonly #leastUs: number;
  #initialWindow = 0;
  #fragments = 0;
  #bytes = 0;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.fragmentUs;
  }

  accept(facts: LineFacts): void {
    const reads = facts.downstreamReads;
    if (reads.count < 2) return;
    const pauses = pausesOf(facts);
    // A head alone and then its body at once is `head-body-gap`, if most of the pause lies there.
    const own = pauses - headPauseOf(facts);
    if (counts(own, this.#leastUs, facts) && own * 2 >= pauses) {
      this.#paused.add(facts, pauses);
      this.#count(facts);
    } else if (facts.latencyUs >= LONG_US && pauses + reads.waitedRest + reads.offUs < this.#leastUs) {
      this.#pieces.add(facts, 0);
      this.#count(facts);
    }
  }

  #count({ downstreamReads }: LineFacts): void {
    this.#fragments += downstreamReads.count;
    this.#bytes += downstreamReads.bytes;
    if (downstreamReads.firstBytes === INITIAL_WINDOW_BYTES) this.#initialWindow += 1;
  }

  findings(totals: Totals): Finding[] {
    const findings: Finding[] = [];
    if (isSignificant(this.#paused, totals)) findings.push(this.#slowClient(totals));
    else if (isSignificant(this.#pieces, totals)) findings.push(this.#onlyPieces(totals));
    return findings;
  }

  #details(requests: number): string[] {
    const all = this.#paused.requests + this.#pieces.requests;
    const mean = `mean of ${(this.#fragments / all).toFixed(1)} reads and ${sizeText(Math.round(this.#bytes / all))} a request`;
    const window = `${plural(this.#initialWindow, 'first read')} of exactly 14480 bytes = 10 TCP segments of 1448, the initial window of a fresh connection`;
    return requests > 0 && this.#initialWindow > 0 ? [mean, window] : [mean];
  }

  #slowClient(totals: Totals): Finding {
    const { requests } = this.#paused;
    return findingOf('fragmented-request', this.#paused, totals, {
      subject: '',
      what: `${plural(requests, 'request')} came in several pieces with pauses between them: the client, or the network before it, was slow; the proxy had to wait.`,
      reading: (record) =>
        `${readsText(record.downstreamReads)}; the whole request took ${totalText(record)}`,
      remedies: [
        {
          text: 'Look at the client and its network (packet loss, small windows, an application that writes in pieces); send smaller requests, or in fewer writes.',
          setting: null,
        },
        {
          text: 'Bound how long a request may take to arrive.',
          setting: 'request_timeout of the HttpConnectionManager (request_headers_timeout for the head)',
        },
        {
          text: 'If the upstream must not be held meanwhile, collect the request first.',
          setting: 'envoy.filters.http.buffer, max_request_bytes',
        },
      ],
      details: this.#details(requests),
    });
  }

  #onlyPieces(totals: Totals): Finding {
    const { requests } = this.#pieces;
    return findingOf('fragmented-request', this.#pieces, totals, {
      subject: 'without pauses',
      what: `${plural(requests, 'request')} of ${lengthOf(LONG_US)} and more came in several pieces, but without pauses: the size of the message splits it, the time went elsewhere.`,
      reading: (record) =>
        `request in ${readsText(record.downstreamReads)}; response in ${readsText(record.upstreamReads)}`,
      remedies: [
        {
          text: 'Send less in one request; larger pieces need a larger receive window of the system.',
          setting: 'net.ipv4.tcp_rmem',
        },
      ],
      details: this.#details(requests),
    });
  }
}
