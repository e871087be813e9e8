/**
 * Single requests beside the load, each with a request id of its own: the samples whose slowest are looked up in the proxies' logs.
 * They leave by the clock, whatever became of the ones before (an open loop), so a stall is seen by every probe that falls into it.
 *
 * Bounded: at most `MOST_OPEN` are on their way, one beyond counts as failed; only the slowest are kept.
 */
import { randomUUID } from 'node:crypto';
import { SystemClock } from '../../src/base/clock.ts';
import { Agent } from 'undici';

export interface Probe {
  readonly service: string;
  /** `x-request-id`, the same in the log of every proxy on the way. */
  readonly id: string;
  /** From the request's start to the end of its answer, as the client sees it. */
  readonly us: number;
}

const EVERY_MS = 50;
const MOST_OPEN = 100;
const MOST_MS = 30_000;
const clock = new SystemClock();

export class Probes {
  sent = 0;
  failed = 0;
  /** Slowest first. */
  readonly slowest: Probe[] = [];
  readonly #agent = new Agent({ headersTimeout: MOST_MS, bodyTimeout: MOST_MS, connectTimeout: MOST_MS });
  readonly #kept: number;
  #open = 0;

  /** `kept`: how many of the slowest. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** To one service until what comes back is called; that resolves when all are answered. */
  start(service: string, url: string): () => Promise<void> {
    const running = new Set<Promise<void>>();
    const send = (): void => {
      const probe = this.#send(service, url).finally(() => running.delete(probe));
      running.add(probe);
    };
    const timer = setInterval(send, EVERY_MS);
    return async () => {
      clearInterval(timer);
      await Promise.all(running);
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #send(service: string, url: string): Promise<void> {
    this.sent += 1;
    if (this.#open >= MOST_OPEN) {
      this.failed += 1;
      return;
    }
    this.#open += 1;
    const id = randomUUID();
    const { origin, pathname, search } = new URL(url);
    const begun = clock.now();
    try {
      const headers = { host: service, 'x-request-id': id };
      const answer = await this.#agent.request({ origin, path: pathname + search, method: 'GET', headers });
      await answer.body.dump();
      if (answer.statusCode < 200 || answer.statusCode > 299) this.failed += 1;
      this.#keep({ service, id, us: Math.round((clock.now() - begun) * 1000) });
    } catch {
      this.failed += 1;
    } finally {
      this.#open -= 1;
    }
  }

  #keep(probe: Probe): void {
    this.slowest.push(probe);
    this.slowest.sort((a, b) => b.us - a.us);
    this.slowest.length = Math.min(this.slowest.length, this.#kept);
  }
}
