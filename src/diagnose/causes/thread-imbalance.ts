/**
 * The talk's second case: some workers have much more to do than others. `exact_balance` spreads connections evenly.
 *
 * Compared are the workers of one process; of several processes whose logs are read together, each counts with its own.
 */
import { byProcess, ThreadLoads } from '../balance.ts';
import type { BucketSums } from '../buckets.ts';
import type { Balance, Finding, Remedy, ThreadLoad } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { count, percent, plural } from '../words.ts';
import { shareOf, type Detector, type DetectorOptions, type Totals } from './detector.ts';

/** With fewer requests the counts are chance. */
const LEAST_REQUESTS = 100;
const LEAST_PROBABILITY = 0.001;
/** A worker with so many requests for each of an even split is overloaded. */
const OVERLOADED = 1.1;

export const BALANCE_REMEDIES: readonly Remedy[] = [
  {
    text: 'Give each new connection to the worker that has the fewest; worth it for few, long-lived connections.',
    setting: 'connection_balance_config: exact_balance of the listener',
  },
  {
    text: 'Have clients open more connections, or renew them now and then, so that chance evens out.',
    setting:
      'common_http_protocol_options.max_requests_per_connection or max_connection_duration of the HttpConnectionManager',
  },
];

export class ThreadImbalance implements Detector {
  readonly #loads = new ThreadLoads();
  readonly #least: number;
  /** Waits for a busy worker that nobody is known for. */
  readonly #lateByThread: ReadonlyMap<number, BucketSums>;

  constructor({ thresholds }: DetectorOptions, lateByThread: ReadonlyMap<number, BucketSums>) {
    this.#least = thresholds.imbalance;
    this.#lateByThread = lateByThread;
  }

  accept(facts: LineFacts): void {
    if (facts.threadId >= 0)
      this.#loads.add(facts.threadId, facts.downstreamReads.connection, facts.file, facts.startUs);
  }

  balance(): Balance | null {
    return this.#loads.balance();
  }

  findings(totals: Totals): Finding[] {
    const balance = this.balance();
    if (balance === null || !isUneven(balance, this.#least)) return [];
    const processes = byProcess(balance.threads);
    const overloaded = processes.flatMap((threads) => {
      const mean = requestsOf(threads) / threads.length;
      return threads.filter(({ requests }) => requests > mean * OVERLOADED);
    });
    const late = overloaded.map(({ threadId }) => this.#lateByThread.get(threadId));
    const explainedUs = late.reduce((sum, each) => sum + (each?.usFrom(totals.slowBucket) ?? 0), 0);
    return [
      {
        cause: 'thread-imbalance',
        subject: '',
        what: imbalanceText(balance),
        requests: overloaded.reduce((sum, { requests }) => sum + requests, 0),
        slowRequests: late.reduce((sum, each) => sum + (each?.countFrom(totals.slowBucket) ?? 0), 0),
        explainedUs,
        share: shareOf(explainedUs, totals),
        evidence: [],
        remedies: BALANCE_REMEDIES,
        details: processes.flatMap((threads) =>
          threads.map(
            ({ process, threadId, requests, connections }) =>
              `${processes.length > 1 ? `process ${process}: ` : ''}(${threadId}) ${count(requests)} requests, ${percent(requests / requestsOf(threads))}, on ${plural(connections, 'connection')}`,
          ),
        ),
      },
    ];
  }
}

export function isUneven({ threads, maxToMin, probability }: Balance, least: number): boolean {
  return (
    threads.length > 1 &&
    requestsOf(threads) >= LEAST_REQUESTS &&
    maxToMin >= least &&
    probability < LEAST_PROBABILITY
  );
}

function requestsOf(threads: readonly ThreadLoad[]): number {
  return threads.reduce((sum, { requests }) => sum + requests, 0);
}

export function imbalanceText({ threads, maxToMin, chiSquare, probability }: Balance): string {
  const chance = probability < 1e-6 ? 'less than one in a million' : percent(probability);
  const processes = byProcess(threads).length;
  const where = processes > 1 ? ` of the same process, in ${count(processes)} processes` : '';
  return `The busiest of ${plural(threads.length, 'worker')} has ${maxToMin.toFixed(2)} times the requests of the idlest${where} (chi-square ${chiSquare.toFixed(0)}; by chance: ${chance}).`;
}
