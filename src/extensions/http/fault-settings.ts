/**
 * What one `HTTPFault` says, ready for use: which requests it means, how long it delays, what it answers, how often.
 *
 * Header-controlled faults take their value from the request; a percentage header can only lower the configured share.
 */
import type { FaultConfig, FractionalPercent } from '../../api/envoy.ts';
import type { HeaderMap } from '../../api/http.ts';
import { allMatch, compileHeaderConditions } from '../../router/header-match.ts';
import type { HeaderCondition } from '../../router/header-match.ts';

const DELAY_HEADER = 'x-envoy-fault-delay-request';
const ABORT_HEADER = 'x-envoy-fault-abort-request';
const PERCENTAGE = '-percentage';

/** A share as a number in [0, 1], and as the fraction that it was given as. */
interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

export class FaultSettings {
  readonly maxActive: number;
  readonly #cluster: string;
  readonly #conditions: readonly HeaderCondition[];
  readonly #fixedDelayMs: number;
  readonly #headerDelay: boolean;
  readonly #delayShare: Share;
  readonly #status: number;
  readonly #headerAbort: boolean;
  readonly #abortShare: Share;

  constructor(config: FaultConfig) {
    const { delay, abort } = config;
    if (abort?.grpc_status !== undefined) throw new Error('fault: abort.grpc_status is not supported');
    this.maxActive = config.max_active_faults ?? Infinity;
    this.#cluster = config.upstream_cluster ?? '';
    this.#conditions = compileHeaderConditions(config.headers);
    this.#fixedDelayMs = delay?.fixed_delay ?? 0;
    this.#headerDelay = delay?.header_delay !== undefined;
    this.#delayShare = shareOf(delay?.percentage);
    this.#status = abort?.http_status ?? 0;
    this.#headerAbort = abort?.header_abort !== undefined;
    this.#abortShare = shareOf(abort?.percentage);
  }

  /** Whether `concerns` looks at the cluster at all. */
  get asksForCluster(): boolean {
    return this.#cluster !== '';
  }

  concerns(headers: HeaderMap, cluster: string): boolean {
    if (this.#cluster !== '' && this.#cluster !== cluster) return false;
    return allMatch(this.#conditions, headers);
  }

  /** ms to wait; 0 = no delay this time. */
  delayFor(headers: HeaderMap, random: () => number): number {
    const ms = this.#headerDelay ? integer(headers.get(DELAY_HEADER), 0, Infinity) : this.#fixedDelayMs;
    if (ms <= 0) return 0;
    return chosen(this.#delayShare, this.#headerDelay ? headers.get(DELAY_HEADER + PERCENTAGE) : null, random)
      ? ms
      : 0;
  }

  /** Status to answer with; 0 = none this time. */
  statusFor(headers: HeaderMap, random: () => number): number {
    const status = this.#headerAbort ? integer(headers.get(ABORT_HEADER), 200, 599) : this.#status;
    if (status <= 0) return 0;
    return chosen(this.#abortShare, this.#headerAbort ? headers.get(ABORT_HEADER + PERCENTAGE) : null, random)
      ? status
      : 0;
  }
}

function shareOf(percent: FractionalPercent | undefined): Share {
  const denominators = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;
  return {
    numerator: percent?.numerator ?? 0,
    denominator: denominators[percent?.denominator ?? 'HUNDRED'],
  };
}

/** Draws only where the outcome is open. */
function chosen(share: Share, lowered: string | null, random: () => number): boolean {
  const asked = lowered === null ? Infinity : Math.max(0, integer(lowered, 0, Infinity));
  const numerator = Math.min(share.numerator, asked);
  if (numerator <= 0) return false;
  return numerator >= share.denominator || random() * share.denominator < numerator;
}

/** -1: absent, no whole number, or outside. */
function integer(text: string | null, from: number, to: number): number {
  if (text === null || text === '') return -1;
  let value = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9 || value > Number.MAX_SAFE_INTEGER / 16) return -1;
    value = value * 10 + digit;
  }
  return value >= from && value <= to ? value : -1;
}
