/**
 * Interleaved requests to the same service over several ways, one at a time, so that whatever disturbs the machine disturbs all ways alike.
 *
 *   round: each way once, in an order drawn anew -> the next round when its time has come
 *
 * Bounded: in requests, in time for each, and in time for all. The first rounds open connections and warm code up; they do not count.
 */
import { Client } from 'undici';
import { delay, random, SystemClock } from '../base/clock.ts';

export interface BisectWay {
  readonly name: string;
  readonly url: URL;
}

export interface SampleOptions {
  readonly requests: number;
  /** Rounds a second at most. */
  readonly rate: number;
  readonly timeoutMs: number;
  /** For all rounds; ms. */
  readonly limitMs: number;
}

export interface Sample {
  readonly way: BisectWay;
  /** Of the requests that were answered below 500; ms until the last byte, ascending. */
  readonly latencies: readonly number[];
  readonly requests: number;
  readonly errors: number;
  /** What went wrong, and how often. */
  readonly kinds: ReadonlyMap<string, number>;
}

const WARM_UP_ROUNDS = 5;
/** Different texts of errors told apart; more are one. */
const MAX_KINDS = 10;

class SampledWay {
  readonly way: BisectWay;
  readonly #client: Client;
  readonly #clock: SystemClock;
  readonly #latencies: number[] = [];
  readonly #kinds = new Map<string, number>();
  #requests = 0;

  constructor(way: BisectWay, clock: SystemClock, timeoutMs: number) {
    this.way = way;
    this.#clock = clock;
    const timeouts = { connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
    this.#client = new Client(way.url.origin, timeouts);
  }

  async ask(counts: boolean): Promise<void> {
    const { pathname, search } = this.way.url;
    const start = this.#clock.now();
    let problem = '';
    try {
      const { statusCode, body } = await this.#client.request({
        path: `${pathname}${search}`,
        method: 'GET',
      });
      for await (const _ of body);
      if (statusCode >= 500) problem = `status ${statusCode}`;
    } catch (error) {
      problem =
        error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error);
    }
    if (!counts) return;
    this.#requests += 1;
    if (problem === '') this.#latencies.push(this.#clock.now() - start);
    else this.#count(this.#kinds.size < MAX_KINDS || this.#kinds.has(problem) ? problem : 'others');
  }

  #count(kind: string): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }

  async end(): Promise<Sample> {
    await this.#client.destroy();
    const latencies = this.#latencies.sort((a, b) => a - b);
    const requests = this.#requests;
    return { way: this.way, latencies, requests, errors: requests - latencies.length, kinds: this.#kinds };
  }
}

export async function sampleWays(ways: readonly BisectWay[], options: SampleOptions): Promise<Sample[]> {
  const clock = new SystemClock();
  const sampled = ways.map((way) => new SampledWay(way, clock, options.timeoutMs));
  const start = clock.now();
  for (let round = 0; round < WARM_UP_ROUNDS + options.requests; round += 1) {
    const due = start + (round * 1000) / options.rate;
    const now = clock.now();
    if (Math.max(due, now) - start > options.limitMs) break;
    if (due > now) await delay(due - now);
    for (const way of shuffled(sampled)) await way.ask(round >= WARM_UP_ROUNDS);
  }
  return Promise.all(sampled.map((way) => way.end()));
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
