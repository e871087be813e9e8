/**
 * What a capture's handshakes come to: counts by verdict and by who closed first, the gaps in bands, and the worst of them. Memory does
 * not grow with the file: `keep` examples, everything else is counted.
 */
import { CaptureParser } from './capture-parser.ts';
import { HandshakeTracker } from './handshake-tracker.ts';
import type { Handshake, Verdict } from './handshake.ts';
import { tcpSegmentOf } from './tcp-segment.ts';

export interface CaptureOptions {
  /** After this the proxy stops waiting for the client's first bytes; ms. */
  readonly timeoutMs: number;
  /** Only connections to it; 0 = all. */
  readonly port: number;
  /** Examples kept of what is wrong. */
  readonly keep: number;
}

/** Upper ends of the gaps' bands, ms; the last has none. */
export const GAP_BANDS: readonly number[] = [0.1, 1, 5, 10, 50, 250, 1000];

export interface CaptureReport {
  readonly timeoutMs: number;
  readonly packets: number;
  readonly tcp: number;
  readonly notTcp: number;
  readonly unreadable: number;
  /** Of link types that are not known here. */
  readonly unknownLink: number;
  readonly untimed: number;
  readonly truncated: boolean;
  /** Segments of connections whose beginning the capture does not have. */
  readonly others: number;
  readonly handshakes: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly firstEnds: Readonly<Record<'client FIN' | 'client RST' | 'server FIN' | 'server RST', number>>;
  /** One more than there are bands. */
  readonly gaps: readonly number[];
  /** The longest gap that was served in time, and the shortest one at all; null: none. */
  readonly longestGood: Handshake | null;
  readonly shortestGood: Handshake | null;
  /** Those closed before their first bytes, in the order of the file. */
  readonly closed: readonly Handshake[];
  readonly late: readonly Handshake[];
}

export class CaptureReader {
  readonly #options: CaptureOptions;
  readonly #parser = new CaptureParser((linkType, at, bytes, wire) =>
    this.#packet(linkType, at, bytes, wire),
  );
  readonly #tracker: HandshakeTracker;
  #packets = 0;
  #tcp = 0;
  #notTcp = 0;
  #unreadable = 0;
  #unknownLink = 0;
  #handshakes = 0;
  readonly #verdicts: Record<Verdict, number> = {
    'sniff-timeout': 0,
    'closed-early': 0,
    'silent-client': 0,
    'late-but-served': 0,
    good: 0,
    refused: 0,
    incomplete: 0,
    open: 0,
  };
  readonly #firstEnds = { 'client FIN': 0, 'client RST': 0, 'server FIN': 0, 'server RST': 0 };
  readonly #gaps: number[] = Array.from({ length: GAP_BANDS.length + 1 }, () => 0);
  #longestGood: Handshake | null = null;
  #shortestGood: Handshake | null = null;
  readonly #closed: Handshake[] = [];
  readonly #late: Handshake[] = [];

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#tracker = new HandshakeTracker(options.timeoutMs, (handshake) => this.#judged(handshake));
  }

  /** Throws `CaptureError`. */
  push(chunk: Buffer): void {
    this.#parser.push(chunk);
  }

  /** Throws `CaptureError`. */
  end(): CaptureReport {
    const truncated = this.#parser.end();
    this.#tracker.end();
    return {
      timeoutMs: this.#options.timeoutMs,
      packets: this.#packets,
      tcp: this.#tcp,
      notTcp: this.#notTcp,
      unreadable: this.#unreadable,
      unknownLink: this.#unknownLink,
      untimed: this.#parser.untimed,
      truncated,
      others: this.#tracker.others,
      handshakes: this.#handshakes,
      verdicts: this.#verdicts,
      firstEnds: this.#firstEnds,
      gaps: this.#gaps,
      longestGood: this.#longestGood,
      shortestGood: this.#shortestGood,
      closed: this.#closed,
      late: this.#late,
    };
  }

  #packet(linkType: number, at: number, bytes: Buffer, wireLength: number): void {
    this.#packets += 1;
    const segment = tcpSegmentOf(linkType, bytes, wireLength);
    if (segment === 'other') this.#notTcp += 1;
    else if (segment === 'unreadable') this.#unreadable += 1;
    else if (segment === 'link') this.#unknownLink += 1;
    else {
      this.#tcp += 1;
      const { port } = this.#options;
      if (port === 0 || segment.toPort === port || segment.fromPort === port) this.#tracker.take(segment, at);
    }
  }

  #judged(handshake: Handshake): void {
    const { verdict, gap, firstEnd } = handshake;
    this.#handshakes += 1;
    this.#verdicts[verdict] += 1;
    if (firstEnd !== null) this.#firstEnds[`${firstEnd.by} ${firstEnd.kind}`] += 1;
    if (gap >= 0) {
      const band = GAP_BANDS.findIndex((end) => gap < end);
      const place = band < 0 ? GAP_BANDS.length : band;
      this.#gaps[place] = (this.#gaps[place] ?? 0) + 1;
    }
    if (verdict === 'good') this.#keepGood(handshake);
    if (verdict === 'sniff-timeout' || verdict === 'closed-early') this.#keep(this.#closed, handshake);
    if (verdict === 'late-but-served') this.#keep(this.#late, handshake);
  }

  #keepGood(handshake: Handshake): void {
    if (this.#longestGood === null || handshake.gap > this.#longestGood.gap) this.#longestGood = handshake;
    if (this.#shortestGood === null || handshake.gap < this.#shortestGood.gap) this.#shortestGood = handshake;
  }

  #keep(kept: Handshake[], handshake: Handshake): void {
    if (kept.length < this.#options.keep) kept.push(handshake);
  }
}
