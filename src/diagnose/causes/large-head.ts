/** The talk's first result: the reads of a request are many bytes, the body is none of them. Upstreams limit the heads that they take. */
import type { Finding } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { plural, sizeText } from '../words.ts';
import { findingOf, Tally, type Detector, type DetectorOptions, type Totals } from './detector.ts';
import { requestText } from './readings.ts';

export class LargeHead implements Detector {
  readonly #tally = new Tally();
  readonly #leastBytes: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastBytes = thresholds.headBytes;
  }

  accept(facts: LineFacts): void {
    const head = facts.downstreamReads.bytes - facts.received;
    // A body larger than that has framing of its own (chunks), which must not pass for a head.
    if (head < this.#leastBytes || head < facts.received) return;
    this.#tally.requests += 1;
    this.#tally.explained.add(facts.bucket, 0);
    this.#tally.worst.offer(head, facts);
  }

  findings(totals: Totals): Finding[] {
    if (this.#tally.requests === 0) return [];
    const worst = this.#tally.worst.lines[0]?.score ?? 0;
    return [
      findingOf('large-head', this.#tally, totals, {
        subject: '',
        what: `${plural(this.#tally.requests, 'request')} had a large header, up to ${sizeText(worst)}, and hardly a body: servers refuse heads beyond their limits (often 8 KiB or 16 KiB) with 431 or 400.`,
        reading: (record, { score }) =>
          `large header ${sizeText(score)}, body ${sizeText(record.base?.bytesReceived ?? 0)}: ${requestText(record)}${addedText(record)}`,
        remedies: [
          {
            text: 'Move what is large (cookies, tokens, parameters) from the head into the body.',
            setting: null,
          },
          {
            text: 'What this proxy accepts itself.',
            setting: 'max_request_headers_kb of the HttpConnectionManager (60 unless set)',
          },
          { text: 'Raise the limit of the service behind it.', setting: null },
        ],
      }),
    ];
  }
}

/** Bytes that the proxy added to the request: 1175 in the talk's first line. Null: the line does not say. */
export function addedBytes({ downstreamReads, upstreamWrites }: LogRecord): number | null {
  if (downstreamReads === null || upstreamWrites === null || upstreamWrites.length === 0) return null;
  const bytes = (group: readonly { bytes: number }[]): number =>
    group.reduce((sum, each) => sum + each.bytes, 0);
  return bytes(upstreamWrites) - bytes(downstreamReads);
}

function addedText(record: LogRecord): string {
  const added = addedBytes(record);
  return added === null || added <= 0 ? '' : `; the proxy added ${added} bytes`;
}
