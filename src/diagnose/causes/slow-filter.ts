/**
 * The talk's sixth case: an HTTP filter took the time, on the processor or waiting for something. By filter, where the line has a ledger;
 * of all filters together, by arithmetic over the line's numbers, where it has none.
 */
import type { Finding } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { FILTER } from '../scan/segments.ts';
import { lengthOf, plural, stampText } from '../words.ts';
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
import { requestText, totalText } from './readings.ts';

/** Filters in all, of a line without a ledger. */
const UNNAMED = 0;

export class SlowFilter implements Detector {
  readonly #bySegment = new Tallies();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.filterUs;
  }

  accept(facts: LineFacts): void {
    for (let index = 0; index < facts.filters; index += 1) {
      const us = facts.filterUs[index] ?? 0;
      if (counts(us, this.#leastUs, facts)) this.#bySegment.of(facts.filterIds[index] ?? 0).add(facts, us);
    }
    const unnamed = facts.segment(FILTER);
    if (counts(unnamed, this.#leastUs, facts)) this.#bySegment.of(UNNAMED).add(facts, unnamed);
  }

  findings(totals: Totals): Finding[] {
    return this.#bySegment.entries
      .filter(([, tally]) => isSignificant(tally, totals))
      .map(([id, tally]) =>
        id === UNNAMED
          ? unnamedFilters(tally, totals)
          : namedFilter(totals.names.filters.name(id), tally, totals),
      );
  }
}

function namedFilter(segment: string, tally: Tally, totals: Totals): Finding {
  const running = segment.startsWith('filter.');
  const name = segment.slice(segment.indexOf('.') + 1);
  const worst = lengthOf(tally.worst.lines[0]?.score ?? 0);
  const requests = plural(tally.requests, 'request');
  return findingOf('slow-filter', tally, totals, {
    subject: name,
    what: running
      ? `The HTTP filter ${name} computed for up to ${worst} on the worker’s thread, in ${requests}; while it runs the worker serves nobody else.`
      : `The HTTP filter ${name} held up ${requests} for up to ${worst}, waiting for something (it stopped the iteration); the worker served others meanwhile.`,
    reading: (record, { score }) =>
      `${segment} ${lengthOf(score)} of ${totalText(record)}; ${requestText(record)}`,
    remedies: running
      ? [
          {
            text: `Move the work of ${name} off the worker’s thread, or cut it into pieces.`,
            setting: `http_filters of the HttpConnectionManager, the entry ${name}`,
          },
          {
            text: 'Switch it off for routes that do not need it.',
            setting: 'typed_per_filter_config of the route',
          },
        ]
      : [
          {
            text: `Look at what ${name} waits for (a service it asks, a timer, the whole body), and give that a timeout.`,
            setting: `http_filters of the HttpConnectionManager, the entry ${name}`,
          },
          {
            text: 'Switch it off for routes that do not need it.',
            setting: 'typed_per_filter_config of the route',
          },
        ],
  });
}

function unnamedFilters(tally: Tally, totals: Totals): Finding {
  return findingOf('slow-filter', tally, totals, {
    subject: '',
    what: `Filters took up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} between the request received and the request sent, in ${plural(tally.requests, 'request')}: a filter, most likely one of your own.`,
    reading: gapText,
    remedies: [
      {
        text: 'Look through the filters before the router; a plug-in that sleeps or asks another service is the usual one.',
        setting: 'http_filters of the HttpConnectionManager',
      },
      { text: 'Log the ledger: it names the filter.', setting: '%LEDGER% in the access log’s format' },
    ],
  });
}

function gapText(record: LogRecord, { score }: { score: number }): string {
  const read = record.downstreamReads?.findLast((each) => each.kind === 'read');
  const write = record.upstreamWrites?.find((each) => each.kind === 'write');
  const filters = `filters ${Math.round(score / 1000)} ms`;
  if (read === undefined || write === undefined) return `${filters} of ${totalText(record)}`;
  return `${filters}: request read at ${stampText(read.stampUs)}, written upstream at ${stampText(write.stampUs)}; ${totalText(record)} in all`;
}
