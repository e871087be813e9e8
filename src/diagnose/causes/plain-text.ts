/**
 * The talk's fourth result: connections without TLS where it is expected (`--expect-tls`). Upstream connections by cluster; those of
 * clients too if asked for, by the address that they came in at. A cluster that has both is mixed: some of its hosts, or some of its time.
 */
import type { Finding } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { clusterText, count, percent, plural } from '../words.ts';
import { findingOf, Tallies, type Detector, type Tally, type Totals } from './detector.ts';
import { NameTable } from '../scan/name-table.ts';

export type ExpectTls = 'nowhere' | 'upstream' | 'both';

export class PlainText implements Detector {
  readonly #plain = new Tallies();
  readonly #secure = new Map<number, number>();
  readonly #plainListeners = new Tallies();
  readonly #listeners = new NameTable();
  readonly #expect: ExpectTls;

  constructor(expect: ExpectTls) {
    this.#expect = expect;
  }

  accept(facts: LineFacts): void {
    if (this.#expect === 'nowhere') return;
    const { upstreamWrites, downstreamReads, clusterId } = facts;
    if (upstreamWrites.count > 0) {
      if (upstreamWrites.secure) this.#secure.set(clusterId, (this.#secure.get(clusterId) ?? 0) + 1);
      else add(this.#plain.of(clusterId), facts);
    }
    if (this.#expect !== 'both' || downstreamReads.count === 0 || downstreamReads.secure) return;
    const listener = this.#listeners.idOfText(facts.column('downstreamLocalAddress'));
    add(this.#plainListeners.of(listener), facts);
  }

  findings(totals: Totals): Finding[] {
    const upstream = this.#plain.entries.map(([id, tally]) =>
      this.#ofCluster(totals.names.clusters.name(id), this.#secure.get(id) ?? 0, tally, totals),
    );
    const downstream = this.#plainListeners.entries.map(([id, tally]) =>
      ofListener(this.#listeners.name(id), tally, totals),
    );
    return [...upstream, ...downstream];
  }

  #ofCluster(cluster: string, secure: number, tally: Tally, totals: Totals): Finding {
    const all = secure + tally.requests;
    const mixed =
      secure > 0
        ? ` Mixed: ${percent(tally.requests / all)} of its ${count(all)} requests; some of its hosts have no TLS, or the setting changed.`
        : '';
    return findingOf('plain-text', tally, totals, {
      subject: cluster,
      what: `${plural(tally.requests, 'request')} went to ${clusterText(cluster)} in plain text.${mixed}`,
      reading: (record) => {
        const write = record.upstreamWrites?.find((each) => each.kind === 'write');
        const connection = write === undefined ? 0 : write.connectionId;
        return `C${connection} is R (raw), from ${record.base?.downstreamRemoteAddress ?? '-'} to ${record.base?.upstreamHost ?? '-'}`;
      },
      remedies: [
        {
          text: 'Have the cluster use TLS.',
          setting:
            'transport_socket (envoy.transport_sockets.tls) of the cluster; in Istio, tls.mode ISTIO_MUTUAL of the DestinationRule',
        },
        {
          text: 'Have the service refuse plain text.',
          setting: 'in Istio, PeerAuthentication with mtls.mode STRICT',
        },
      ],
    });
  }
}

function ofListener(address: string, tally: Tally, totals: Totals): Finding {
  return findingOf('plain-text', tally, totals, {
    subject: `listener ${address}`,
    what: `${plural(tally.requests, 'request')} came in at ${address} in plain text.`,
    reading: (record) => `R (raw) from ${record.base?.downstreamRemoteAddress ?? '-'}`,
    remedies: [
      {
        text: 'Have the listener require TLS.',
        setting: 'transport_socket of its filter chain (DownstreamTlsContext)',
      },
    ],
  });
}

function add(tally: Tally, facts: LineFacts): void {
  tally.requests += 1;
  tally.explained.add(facts.bucket, 0);
  // The earliest lines: no plain line is worse than another.
  if (tally.requests <= 3) tally.worst.offer(-tally.requests, facts);
}
