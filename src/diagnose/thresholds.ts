/**
 * From where on something counts as a cause: of one request (lengths, microseconds) and of all (shares). All are options of
 * `logs diagnose`; the defaults are above what a healthy proxy on a busy machine shows.
 */
export interface Thresholds {
  /** A request is slow from here on; null: chosen from the log (`slow-requests.ts`). */
  readonly slowUs: number | null;
  /** Pauses of the client between the pieces of a request, together. */
  readonly fragmentUs: number;
  /** Bytes lay in the kernel because the worker was busy. */
  readonly lateUs: number;
  /** Between a head and its body. */
  readonly gapUs: number;
  /** Reads were switched off. */
  readonly flowUs: number;
  readonly filterUs: number;
  /** In the pool's queue. */
  readonly poolUs: number;
  /** Connecting and handshake on the request's way. */
  readonly connectUs: number;
  readonly upstreamUs: number;
  readonly bodyUs: number;
  /** Inside one system call. */
  readonly kernelUs: number;
  /** A write waited for its peer. */
  readonly blockedUs: number;
  readonly headBytes: number;
  /** Requests of the busiest thread by those of the idlest. */
  readonly imbalance: number;
  /** Share of requests that found their upstream connection open. */
  readonly reuse: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  slowUs: null,
  fragmentUs: 10_000,
  lateUs: 5_000,
  gapUs: 10_000,
  flowUs: 5_000,
  filterUs: 10_000,
  poolUs: 5_000,
  connectUs: 5_000,
  upstreamUs: 100_000,
  bodyUs: 100_000,
  kernelUs: 5_000,
  blockedUs: 10_000,
  headBytes: 8192,
  imbalance: 1.2,
  reuse: 0.5,
};

/** A cause of a request also takes at least this share of its time: 10 ms of a minute explain nothing. */
export const LEAST_SHARE = 0.1;
