/**
 * One name of a STRICT_DNS cluster, asked for again and again.
 *
 *   ask --answer--> tell, wait `dns_refresh_rate` (or the TTL) --> ask …
 *    `--failure--> keep the last answer, wait `dns_failure_refresh_rate` (growing, jittered) --> ask …
 *
 * One question is open at a time; after `stop` nothing is told any more.
 */
import type { Cluster } from '../api/envoy.ts';
import type { Dispatcher, Timer } from '../api/event.ts';
import { lookupFamilies } from './dns-lookup.ts';
import type { DnsAnswer, DnsLookup } from './dns-lookup.ts';

/** Envoy's default, ms. */
const REFRESH_MS = 5000;
/** Answers taken from one response: a name with more addresses is cut, so that no answer makes a cluster grow without end. */
export const MAX_ADDRESSES = 1024;

export type TargetOutcome =
  | { readonly kind: 'answer'; readonly addresses: readonly string[] }
  | { readonly kind: 'failure'; readonly error: unknown };

export interface DnsTargetOptions {
  readonly name: string;
  readonly config: Cluster;
  readonly lookup: DnsLookup;
  readonly timers: Pick<Dispatcher, 'createTimer' | 'random'>;
  readonly onAttempt: () => void;
  readonly onOutcome: (target: DnsTarget, outcome: TargetOutcome) => void;
}

export class DnsTarget {
  readonly name: string;
  /** The last answer, sorted, so that the order in which a server rotates them is no change. */
  addresses: readonly string[] = [];
  /** The first question has had its outcome. */
  settled = false;
  readonly #options: DnsTargetOptions;
  readonly #timer: Timer;
  #stopped = false;
  #failures = 0;

  constructor(options: DnsTargetOptions) {
    this.name = options.name;
    this.#options = options;
    this.#timer = options.timers.createTimer(() => this.ask());
  }

  ask(): void {
    const { lookup, name, config, onAttempt } = this.#options;
    onAttempt();
    lookupFamilies(lookup, name, config.dns_lookup_family ?? 'AUTO').then(
      (answers) => this.#onAnswer(answers),
      (error: unknown) => this.#onFailure(error),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.disable();
  }

  #onAnswer(answers: readonly DnsAnswer[]): void {
    if (this.#stopped) return;
    const taken = answers.slice(0, MAX_ADDRESSES);
    this.#failures = 0;
    this.settled = true;
    this.addresses = Array.from(new Set(taken.map((answer) => answer.ip))).sort();
    this.#timer.enable(this.#refreshAfter(taken));
    this.#options.onOutcome(this, { kind: 'answer', addresses: this.addresses });
  }

  #onFailure(error: unknown): void {
    if (this.#stopped) return;
    this.settled = true;
    this.#timer.enable(this.#retryAfter());
    this.#failures += 1;
    this.#options.onOutcome(this, { kind: 'failure', error });
  }

  #refreshAfter(answers: readonly DnsAnswer[]): number {
    const { config } = this.#options;
    const refresh = config.dns_refresh_rate ?? REFRESH_MS;
    if (config.respect_dns_ttl !== true || answers.length === 0) return refresh;
    const ttl = Math.min(...answers.map((answer) => answer.ttlSeconds));
    return ttl > 0 ? ttl * 1000 : refresh;
  }

  /** Full jitter below an exponentially growing ceiling, never under the base: many clusters do not ask at once. */
  #retryAfter(): number {
    const { config, timers } = this.#options;
    const base = config.dns_failure_refresh_rate?.base_interval;
    if (base === undefined) return config.dns_refresh_rate ?? REFRESH_MS;
    const max = config.dns_failure_refresh_rate?.max_interval ?? base * 10;
    const ceiling = Math.min(max, base * 2 ** Math.min(this.#failures, 30));
    return base + timers.random() * Math.max(0, ceiling - base);
  }
}
