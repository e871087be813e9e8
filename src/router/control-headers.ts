/**
 * The `x-envoy-*` request headers that steer the router: time limits and retries of one request.
 *
 * Nearly no request has one, so one scan over the names finds out, without a look-up each; then the headers are read and taken
 * out of the request. (The connection manager has already removed them from requests of the outside.) Values that are no
 * number are ignored, unless `strict_check_headers` names the header: then the request is answered 400, flag IH.
 */
import type { HeaderMap } from '../api/http.ts';
import { retryBits } from './retry-policy.ts';

export interface ControlHeaders {
  /** ms; -1 = not given. */
  readonly timeoutMs: number;
  readonly perTryTimeoutMs: number;
  readonly expectedTimeoutMs: number;
  readonly maxRetries: number;
  readonly retryOn: number;
  readonly statusCodes: readonly number[];
  readonly responseHeaders: readonly string[];
  /** A route timeout is answered with 204 instead of 504. */
  readonly alternateResponse: boolean;
}

const NUMBER = /^\d{1,9}$/;
const LOWER_X = 120;

const TIMEOUT = 'x-envoy-upstream-rq-timeout-ms';
const PER_TRY_TIMEOUT = 'x-envoy-upstream-rq-per-try-timeout-ms';
const ALTERNATE_RESPONSE = 'x-envoy-upstream-rq-timeout-alt-response';
const RETRY_ON = 'x-envoy-retry-on';
const RETRY_GRPC_ON = 'x-envoy-retry-grpc-on';
const MAX_RETRIES = 'x-envoy-max-retries';
const STATUS_CODES = 'x-envoy-retriable-status-codes';
const HEADER_NAMES = 'x-envoy-retriable-header-names';
const HEDGE = 'x-envoy-hedge-on-per-try-timeout';
const EXPECTED_TIMEOUT = 'x-envoy-expected-rq-timeout-ms';

/** Meant for this router: not sent on. */
const CONSUMED = [
  TIMEOUT,
  PER_TRY_TIMEOUT,
  ALTERNATE_RESPONSE,
  RETRY_ON,
  RETRY_GRPC_ON,
  MAX_RETRIES,
  STATUS_CODES,
  HEADER_NAMES,
  HEDGE,
];

/** What the connection manager adds (`x-envoy-internal`, `x-envoy-external-address`) steers nothing. */
const STEERING: ReadonlySet<string> = new Set([...CONSUMED, EXPECTED_TIMEOUT]);

export function hasControlHeaders(headers: HeaderMap): boolean {
  for (let index = 0; index < headers.size; index += 1) {
    const name = headers.nameAt(index);
    if (name.charCodeAt(0) === LOWER_X && name.startsWith('x-envoy-') && STEERING.has(name)) return true;
  }
  return false;
}

/** Null: there are none, as in nearly every request. */
export function takeControlHeaders(headers: HeaderMap): ControlHeaders | null {
  if (!hasControlHeaders(headers)) return null;
  const control: ControlHeaders = {
    timeoutMs: numberOf(headers, TIMEOUT),
    perTryTimeoutMs: numberOf(headers, PER_TRY_TIMEOUT),
    expectedTimeoutMs: numberOf(headers, EXPECTED_TIMEOUT),
    maxRetries: numberOf(headers, MAX_RETRIES),
    retryOn:
      retryBits(headers.get(RETRY_ON) ?? '', false) | retryBits(headers.get(RETRY_GRPC_ON) ?? '', false),
    statusCodes: words(headers, STATUS_CODES)
      .filter((word) => NUMBER.test(word))
      .map(Number),
    responseHeaders: words(headers, HEADER_NAMES).map((name) => name.toLowerCase()),
    alternateResponse: headers.has(ALTERNATE_RESPONSE),
  };
  for (const name of CONSUMED) headers.remove(name);
  return control;
}

/** Name of the first header of `strict` whose value is malformed; null: all are fine. */
export function firstMalformed(headers: HeaderMap, strict: readonly string[]): string | null {
  for (const name of strict) {
    const value = headers.get(name);
    if (value !== null && !wellFormed(name, value)) return name;
  }
  return null;
}

function wellFormed(name: string, value: string): boolean {
  if (name !== RETRY_ON && name !== RETRY_GRPC_ON) return NUMBER.test(value);
  try {
    retryBits(value, true);
    return true;
  } catch {
    return false;
  }
}

function numberOf(headers: HeaderMap, name: string): number {
  const value = headers.get(name);
  return value !== null && NUMBER.test(value) ? Number(value) : -1;
}

/** Bounded by the size of the request head. */
function words(headers: HeaderMap, name: string): string[] {
  const value = headers.get(name);
  return value === null ? [] : value.split(',').map((word) => word.trim());
}
