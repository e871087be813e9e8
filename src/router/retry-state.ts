/**
 * Whether a failed attempt of one request is tried again: conditions, number, back-off, the retry breaker.
 *
 * Made only for requests that have a condition (of the route's policy or in a header), so a request without one pays nothing.
 * Each decision gives back the breaker's place that the attempt before held.
 *
 * The idle-close race. An upstream may close an idle connection in the moment in which we send a request on it: the request
 * dies with `connection termination` or `remote reset` before any byte of an answer, though nothing was wrong with it. Such a
 * request is sent once more, at once, without using up `num_retries`, if that is safe:
 *   - the connection had carried a request before (a fresh one that dies is a failure of the upstream, not this race);
 *   - no byte of an answer has come, and the whole request so far is still held;
 *   - the method is idempotent (RFC 9110, 9.2.2), or the kernel has taken no byte of the request.
 * Envoy has no such rule: it answers 503 UC. So it holds only where retries of this kind are asked for (`reset`,
 * `reset-before-request` or `connect-failure`); without a policy the answer is 503 UC here too. Counted as
 * `upstream_rq_retry_idle_close`, bounded by the retry breaker.
 */
import type { HeaderMap, ResetReason } from '../api/http.ts';
import type { Resource } from '../api/upstream.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { ControlHeaders } from './control-headers.ts';
import { anyMatches } from './header-match.ts';
import { NO_RETRIES, RETRY_ON, type CompiledRetryPolicy } from './retry-policy.ts';

/** `limit`: worth a retry, but none is left (URX). `overflow`: the retry breaker is full (UO). */
export type RetryDecision = 'no' | 'retry' | 'limit' | 'overflow';

const ON = {
  any5xx: RETRY_ON['5xx'] ?? 0,
  gatewayError: RETRY_ON['gateway-error'] ?? 0,
  reset: RETRY_ON['reset'] ?? 0,
  resetBeforeRequest: RETRY_ON['reset-before-request'] ?? 0,
  connectFailure: RETRY_ON['connect-failure'] ?? 0,
  rateLimited: RETRY_ON['envoy-ratelimited'] ?? 0,
  retriable4xx: RETRY_ON['retriable-4xx'] ?? 0,
  refusedStream: RETRY_ON['refused-stream'] ?? 0,
  statusCodes: RETRY_ON['retriable-status-codes'] ?? 0,
  headers: RETRY_ON['retriable-headers'] ?? 0,
};

/** `grpc-status` of the response head, and the condition that it meets. */
const GRPC_STATUS: Readonly<Record<string, number>> = {
  '1': RETRY_ON['cancelled'] ?? 0,
  '4': RETRY_ON['deadline-exceeded'] ?? 0,
  '8': RETRY_ON['resource-exhausted'] ?? 0,
  '13': RETRY_ON['internal'] ?? 0,
  '14': RETRY_ON['unavailable'] ?? 0,
};
const GRPC_ANY = Object.values(GRPC_STATUS).reduce((all, bit) => all | bit, 0);

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const DIGITS = /^\d{1,12}$/;

/** What the idle-close rule looks at of the attempt that died. */
export interface DeadAttempt {
  readonly reused: boolean;
  readonly responseBegun: boolean;
  readonly requestTouchedWire: boolean;
}

export class RetryState {
  readonly policy: CompiledRetryPolicy;
  readonly #stats: ClusterStats;
  readonly #on: number;
  readonly #control: ControlHeaders | null;
  #remaining: number;
  #retries = 0;
  #held: Resource | null = null;
  #idleCloseUsed = false;
  /** From the last response, -1 = none: it said when to come back. */
  #toldBackOffMs = -1;

  /** Null: this request is never retried. */
  static of(
    policy: CompiledRetryPolicy | null,
    control: ControlHeaders | null,
    headers: HeaderMap,
    stats: ClusterStats,
  ): RetryState | null {
    const on = (policy?.retryOn ?? 0) | (control?.retryOn ?? 0);
    if (on === 0) return null;
    const effective = policy ?? NO_RETRIES;
    if (effective.requestHeaders.length > 0 && !anyMatches(effective.requestHeaders, headers)) return null;
    return new RetryState(effective, on, control, stats);
  }

  constructor(policy: CompiledRetryPolicy, on: number, control: ControlHeaders | null, stats: ClusterStats) {
    this.policy = policy;
    this.#on = on;
    this.#control = control;
    this.#stats = stats;
    const asked = control?.maxRetries ?? -1;
    this.#remaining = asked === -1 ? policy.retries : asked;
  }

  decideHeaders(headers: HeaderMap, wallNow: number, breaker: Resource): RetryDecision {
    const wanted = this.#wantsHeaders(headers);
    if (wanted) this.#toldBackOffMs = this.#toldBackOff(headers, wallNow);
    return this.#decide(wanted, breaker);
  }

  /** `headersSent`: the request's head had been given to a connection. */
  decideReset(reason: ResetReason, headersSent: boolean, breaker: Resource): RetryDecision {
    this.#toldBackOffMs = -1;
    return this.#decide(this.#wantsReset(reason, headersSent), breaker);
  }

  /** True: send it once more at once. Only for a request whose body so far is held. */
  takeIdleCloseRetry(reason: ResetReason, method: string, attempt: DeadAttempt, breaker: Resource): boolean {
    const asked = (this.#on & (ON.reset | ON.resetBeforeRequest | ON.connectFailure)) !== 0;
    if (!asked || this.#idleCloseUsed || !attempt.reused || attempt.responseBegun) return false;
    if (reason !== 'connection termination' && reason !== 'remote reset') return false;
    if (attempt.requestTouchedWire && !IDEMPOTENT.has(method)) return false;
    this.release();
    if (!breaker.canCreate()) return false;
    this.#idleCloseUsed = true;
    this.#take(breaker);
    this.#stats.rqRetryIdleClose.inc();
    return true;
  }

  /** ms until the next attempt; `random` in [0, 1). */
  nextBackOffMs(random: number): number {
    const told = this.#toldBackOffMs;
    if (told !== -1) {
      this.#stats.rqRetryBackoffRatelimited.inc();
      return told + Math.trunc((random * told) / 2);
    }
    this.#stats.rqRetryBackoffExponential.inc();
    const grown = this.policy.baseIntervalMs * (2 ** Math.min(this.#retries, 30) - 1);
    return Math.trunc(random * Math.min(grown, this.policy.maxIntervalMs));
  }

  /** Gives the breaker's place back: the attempt is over, or the request is. */
  release(): void {
    this.#held?.dec();
    this.#held = null;
  }

  #decide(wanted: boolean, breaker: Resource): RetryDecision {
    this.release();
    if (!wanted) {
      if (this.#retries > 0) this.#stats.rqRetrySuccess.inc();
      return 'no';
    }
    if (this.#remaining === 0) {
      this.#stats.rqRetryLimitExceeded.inc();
      return 'limit';
    }
    this.#remaining -= 1;
    if (!breaker.canCreate()) {
      this.#stats.rqRetryOverflow.inc();
      return 'overflow';
    }
    this.#take(breaker);
    this.#retries += 1;
    return 'retry';
  }

  #take(breaker: Resource): void {
    breaker.inc();
    this.#held = breaker;
    this.#stats.rqRetry.inc();
  }

  #wantsHeaders(headers: HeaderMap): boolean {
    const on = this.#on;
    const { status } = headers;
    if (headers.has('x-envoy-ratelimited')) return (on & ON.rateLimited) !== 0;
    if ((on & ON.any5xx) !== 0 && status >= 500 && status < 600) return true;
    if ((on & ON.gatewayError) !== 0 && status >= 502 && status <= 504) return true;
    if ((on & ON.retriable4xx) !== 0 && status === 409) return true;
    if ((on & ON.statusCodes) !== 0 && this.#listsStatus(status)) return true;
    if ((on & ON.headers) !== 0 && this.#listsHeader(headers)) return true;
    if ((on & GRPC_ANY) === 0) return false;
    const grpc = headers.get('grpc-status');
    return grpc !== null && (on & (GRPC_STATUS[grpc] ?? 0)) !== 0;
  }

  #listsStatus(status: number): boolean {
    return this.policy.statusCodes.includes(status) || (this.#control?.statusCodes.includes(status) ?? false);
  }

  #listsHeader(headers: HeaderMap): boolean {
    if (anyMatches(this.policy.responseHeaders, headers)) return true;
    return this.#control?.responseHeaders.some((name) => headers.has(name)) ?? false;
  }

  #wantsReset(reason: ResetReason, headersSent: boolean): boolean {
    const on = this.#on;
    if (reason === 'overflow') return false;
    if ((on & (ON.any5xx | ON.gatewayError | ON.reset)) !== 0) return true;
    if ((on & ON.resetBeforeRequest) !== 0 && !headersSent) return true;
    if ((on & ON.connectFailure) !== 0 && isConnectFailure(reason)) return true;
    return (on & ON.refusedStream) !== 0 && reason === 'remote refused stream reset';
  }

  #toldBackOff(headers: HeaderMap, wallNow: number): number {
    for (const { name, unixTime } of this.policy.resetHeaders) {
      const value = headers.get(name)?.trim() ?? '';
      if (!DIGITS.test(value)) continue;
      const ms = Number(value) * 1000 - (unixTime ? wallNow : 0);
      if (ms > 0 && ms <= this.policy.maxResetIntervalMs) return Math.ceil(ms);
    }
    return -1;
  }
}

function isConnectFailure(reason: ResetReason): boolean {
  return (
    reason === 'local connection failure' ||
    reason === 'remote connection failure' ||
    reason === 'connection timeout'
  );
}
