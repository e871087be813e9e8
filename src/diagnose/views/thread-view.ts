/** The talk's `awk '{print $33}' | sort | uniq -c`: requests and connections by worker thread. */
import { ThreadLoads } from '../balance.ts';
import type { Balance } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import type { LineVisitor } from '../scan/line-reader.ts';

export class ThreadView implements LineVisitor {
  readonly #loads = new ThreadLoads();
  requests = 0;
  withoutThread = 0;

  request(facts: LineFacts): void {
    this.requests += 1;
    if (facts.threadId < 0) this.withoutThread += 1;
    else this.#loads.add(facts.threadId, facts.downstreamReads.connection, facts.file, facts.startUs);
  }

  balance(): Balance | null {
    return this.#loads.balance();
  }
}
