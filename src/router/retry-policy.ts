/**
 * A route's retry policy, compiled, and the `retry_on` words as bits.
 *
 * The policy of the route wins whole over the virtual host's; request headers (`x-envoy-retry-on`, …) add conditions per
 * request, see `retry-state.ts`. Unknown words in configuration are refused; unknown words in a header are ignored.
 */
import type { RetryPolicy } from '../api/envoy.ts';
import { compileHeaderConditions, type HeaderCondition } from './header-match.ts';

/** One bit per condition. */
export const RETRY_ON: Readonly<Record<string, number>> = {
  '5xx': 1,
  'gateway-error': 2,
  reset: 4,
  'reset-before-request': 8,
  'connect-failure': 16,
  'envoy-ratelimited': 32,
  'retriable-4xx': 64,
  'refused-stream': 128,
  'retriable-status-codes': 256,
  'retriable-headers': 512,
  cancelled: 1024,
  'deadline-exceeded': 2048,
  internal: 4096,
  'resource-exhausted': 8192,
  unavailable: 16384,
  /** Known but without effect here: there is no HTTP/3 upstream. */
  'http3-post-connect-failure': 0,
};

export interface CompiledRetryPolicy {
  readonly retryOn: number;
  readonly retries: number;
  /** ms, 0 = off. */
  readonly perTryTimeoutMs: number;
  readonly perTryIdleTimeoutMs: number;
  readonly statusCodes: readonly number[];
  readonly responseHeaders: readonly HeaderCondition[];
  /** Only requests that match one of these are retried; empty = all. */
  readonly requestHeaders: readonly HeaderCondition[];
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
  readonly avoidPreviousHosts: boolean;
  readonly hostSelectionAttempts: number;
  /** Response headers that name the back-off of a rate limited answer; empty = not used. */
  readonly resetHeaders: readonly { readonly name: string; readonly unixTime: boolean }[];
  readonly maxResetIntervalMs: number;
}

/** Envoy's defaults: one retry, 25 ms, ten times that at most, five minutes for a rate limited answer. */
const DEFAULT_RETRIES = 1;
const DEFAULT_BASE_INTERVAL_MS = 25;
const MAX_INTERVAL_FACTOR = 10;
const DEFAULT_MAX_RESET_INTERVAL_MS = 300_000;

export const NO_RETRIES: CompiledRetryPolicy = compileRetryPolicy({});

export function compileRetryPolicy(config: RetryPolicy): CompiledRetryPolicy {
  const base = config.retry_back_off?.base_interval ?? DEFAULT_BASE_INTERVAL_MS;
  const predicates = config.retry_host_predicate ?? [];
  return {
    retryOn: retryBits(config.retry_on ?? '', true),
    retries: config.num_retries ?? DEFAULT_RETRIES,
    perTryTimeoutMs: config.per_try_timeout ?? 0,
    perTryIdleTimeoutMs: config.per_try_idle_timeout ?? 0,
    statusCodes: config.retriable_status_codes ?? [],
    responseHeaders: compileHeaderConditions(config.retriable_headers),
    requestHeaders: compileHeaderConditions(config.retriable_request_headers),
    baseIntervalMs: base,
    maxIntervalMs: config.retry_back_off?.max_interval ?? base * MAX_INTERVAL_FACTOR,
    avoidPreviousHosts: predicates.some((predicate) => (predicate.name ?? '').endsWith('previous_hosts')),
    hostSelectionAttempts: Math.max(config.host_selection_retry_max_attempts ?? 1, 1),
    resetHeaders: (config.rate_limited_retry_back_off?.reset_headers ?? []).map((header) => ({
      name: (header.name ?? '').toLowerCase(),
      unixTime: header.format === 'UNIX_TIMESTAMP',
    })),
    maxResetIntervalMs: config.rate_limited_retry_back_off?.max_interval ?? DEFAULT_MAX_RESET_INTERVAL_MS,
  };
}

/** `strict`: an unknown word throws. */
export function retryBits(words: string, strict: boolean): number {
  let bits = 0;
  for (const raw of words.split(',')) {
    const word = raw.trim();
    const bit = Object.hasOwn(RETRY_ON, word) ? RETRY_ON[word] : undefined;
    if (bit !== undefined) bits |= bit;
    else if (strict && word !== '')
      throw new Error(`retry_on: ${JSON.stringify(word)} is no retry condition`);
  }
  return bits;
}
