/** A connection was opened for a request that another one served, because it came free first: `[C114~C44:`. Work for nothing. */
import type { Finding } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { plural } from '../words.ts';
import { findingOf, isSignificant, Tally, type Detector, type Totals } from './detector.ts';

export class UnusedConnections implements Detector {
  readonly #tally = new Tally();

  accept(facts: LineFacts): void {
    const { created, connection, count } = facts.upstreamWrites;
    if (count === 0 || created === 0 || created === connection) return;
    // Explains nothing of the request's time: it was served before the new connection was open.
    this.#tally.requests += 1;
    this.#tally.explained.add(facts.bucket, 0);
    this.#tally.worst.offer(facts.latencyUs, facts);
  }

  findings(totals: Totals): Finding[] {
    if (!isSignificant(this.#tally, totals)) return [];
    return [
      findingOf('unused-connections', this.#tally, totals, {
        subject: '',
        what: `${plural(this.#tally.requests, 'request')} had a connection opened and were served by another one that came free first.`,
        reading: (record) => {
          const write = record.upstreamWrites?.find((each) => each.kind === 'write');
          if (write === undefined) return '';
          return `C${write.createdConnectionId ?? 0}~C${write.connectionId}: C${write.createdConnectionId ?? 0} was opened, C${write.connectionId} carried the request`;
        },
        remedies: [
          {
            text: 'Usual under bursts: the new ones serve later requests. If they are closed unused, keep idle ones longer.',
            setting: 'common_http_protocol_options.idle_timeout of the cluster',
          },
          {
            text: 'Open fewer at once.',
            setting: 'preconnect_policy and circuit_breakers.thresholds.max_connections of the cluster',
          },
        ],
      }),
    ];
  }
}
