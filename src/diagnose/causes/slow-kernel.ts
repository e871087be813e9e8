/** The talk's "how long the system took to receive": time inside read and write calls, which are never to wait for anything. */
import type { Finding } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { lengthOf, plural, stampText } from '../words.ts';
import {
  counts,
  findingOf,
  isSignificant,
  Tally,
  type Detector,
  type DetectorOptions,
  type Totals,
} from './detector.ts';
import { totalText } from './readings.ts';

export class SlowKernel implements Detector {
  readonly #tally = new Tally();
  readonly #leastUs: number;

  constructor({ thresholds }: DetectorOptions) {
    this.#leastUs = thresholds.kernelUs;
  }

  accept(facts: LineFacts): void {
    const reads = Math.max(facts.downstreamReads.longestTook, facts.upstreamReads.longestTook);
    const writes = Math.max(facts.upstreamWrites.longestTook, facts.downstreamWrites.longestTook);
    const us = Math.max(reads, writes);
    if (us >= this.#leastUs && counts(us, this.#leastUs, facts)) this.#tally.add(facts, us);
  }

  findings(totals: Totals): Finding[] {
    if (!isSignificant(this.#tally, totals)) return [];
    return [
      findingOf('slow-kernel', this.#tally, totals, {
        subject: '',
        what: `A single read or write call took up to ${lengthOf(this.#tally.worst.lines[0]?.score ?? 0)} in ${plural(this.#tally.requests, 'request')}: sockets never wait, so the kernel was slow or the worker lost its processor inside the call.`,
        reading: (record) => `${longestCall(record)}; ${totalText(record)} in all`,
        remedies: [
          {
            text: 'See whether the worker is taken off its processor (CPU limit of the container, nr_throttled in cpu.stat; other work on its cores).',
            setting: null,
          },
          {
            text: 'Look at the kernel’s memory for sockets and its queues.',
            setting: 'net.ipv4.tcp_rmem, net.ipv4.tcp_wmem, net.core.netdev_max_backlog',
          },
        ],
      }),
    ];
  }
}

function longestCall(record: LogRecord): string {
  const groups = [
    ['read from the client', record.downstreamReads],
    ['write to the upstream', record.upstreamWrites],
    ['read from the upstream', record.upstreamReads],
    ['write to the client', record.downstreamWrites],
  ] as const;
  let longest = 0;
  let text = '';
  for (const [name, group] of groups) {
    for (const each of group ?? []) {
      if (each.kind === 'skipped') continue;
      const scale = each.unit === 'us' ? 1 : 1000;
      const us = (each.took ?? 0) * scale;
      if (us <= longest) continue;
      longest = us;
      text = `the ${name} at ${stampText(each.stampUs, scale)} of C${each.connectionId} took ${lengthOf(us)} (${each.bytes} bytes)`;
    }
  }
  return text;
}
