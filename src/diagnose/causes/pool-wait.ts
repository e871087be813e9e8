/** Requests that queued for an upstream connection because the pool had none free and could not, or did not, open another in time. */
import type { Finding } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { POOL } from '../scan/segments.ts';
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
import { totalText } from './readings.ts';

export class PoolWait implements Detector {
  readonly #byCluster = new Tallies();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.poolUs;
  }

  accept(facts: LineFacts): void {
    const us = facts.segment(POOL);
    // Without a ledger, the pool's time is also that of connecting: `new-connections` has it.
    if (us < this.#leastUs || (!facts.hasLedger && facts.upstreamWrites.created > 0)) return;
    if (counts(us, this.#leastUs, facts)) this.#byCluster.of(facts.clusterId).add(facts, us);
  }

  findings(totals: Totals): Finding[] {
    return this.#byCluster.entries
      .filter(([, tally]) => isSignificant(tally, totals))
      .map(([cluster, tally]) => finding(totals.names.clusters.name(cluster), tally, totals));
  }
}

function finding(cluster: string, tally: Tally, totals: Totals): Finding {
  return findingOf('pool-wait', tally, totals, {
    subject: cluster,
    what: `${plural(tally.requests, 'request')} waited up to ${lengthOf(tally.worst.lines[0]?.score ?? 0)} in the pool of ${clusterText(cluster)} for a connection to come free.`,
    reading: (record, { score }) => `pool ${lengthOf(score)} of ${totalText(record)}`,
    remedies: [
      {
        text: 'Allow more connections, if the service can take them; each worker has its own share.',
        setting: 'circuit_breakers.thresholds.max_connections of the cluster (1024 unless set)',
      },
      {
        text: 'Open connections before they are needed.',
        setting: 'preconnect_policy.per_upstream_preconnect_ratio of the cluster',
      },
      {
        text: 'Fail early instead of queueing.',
        setting: 'circuit_breakers.thresholds.max_pending_requests of the cluster',
      },
    ],
  });
}
