/**
 * What a diagnosis says, as data: the text report, `--json`, the page of `--html` and the labs' tests all read this.
 *
 * Lengths in microseconds. Findings stand worst first: by the time of slow requests that they explain, failures before the rest.
 */

/** Causes in the order of the issue that asked for them; one detector each in `causes/`. */
export type CauseId =
  | 'fragmented-request'
  | 'read-late'
  | 'loop-busy'
  | 'head-body-gap'
  | 'flow-control'
  | 'slow-filter'
  | 'pool-wait'
  | 'new-connections'
  | 'unused-connections'
  | 'slow-upstream-first-byte'
  | 'slow-upstream-body'
  | 'slow-kernel'
  | 'blocked-writes'
  | 'large-head'
  | 'plain-text'
  | 'thread-imbalance'
  | 'failures';

export interface Evidence {
  readonly file: string;
  readonly lineNumber: number;
  /** The line, whole. */
  readonly line: string;
  /** What to look at in it, with its numbers: `C44 closed 18:00.674, open 18:00.679, 5 ms`. */
  readonly reading: string;
}

/** What to change: the setting by its Envoy name and where it stands; or what to do outside of the proxy. */
export interface Remedy {
  readonly text: string;
  readonly setting: string | null;
}

export interface Finding {
  readonly cause: CauseId;
  /** Tells findings of one cause apart: the filter, the upstream, the flag, the side. '' where there is only one. */
  readonly subject: string;
  /** One sentence: what it is. */
  readonly what: string;
  /** Requests concerned; slow ones among them; time of slow requests that it explains. */
  readonly requests: number;
  readonly slowRequests: number;
  readonly explainedUs: number;
  /** `explainedUs` in all time of slow requests, 0 to 1. */
  readonly share: number;
  /** Worst first, at most three. */
  readonly evidence: readonly Evidence[];
  readonly remedies: readonly Remedy[];
  /** Further lines of numbers: per upstream, per thread, per connection. */
  readonly details: readonly string[];
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface SegmentTotal {
  readonly segment: string;
  readonly us: number;
  /** In the sum of all segments, 0 to 1. */
  readonly share: number;
}

export interface ThreadLoad {
  /** From 1, see `processesOf`. */
  readonly process: number;
  readonly threadId: number;
  readonly requests: number;
  readonly connections: number;
}

export interface Balance {
  /** By process, then by id. Each is compared with those of its process alone. */
  readonly threads: readonly ThreadLoad[];
  /** Largest by smallest count of requests, of the process in which that is most. */
  readonly maxToMin: number;
  /** Chi-square of requests against an even split in each process, summed, and the probability of one as large by chance. */
  readonly chiSquare: number;
  readonly probability: number;
}

/** Lines that could not be read, by why; a few of them are shown. */
export interface UnreadableLines {
  readonly reason: string;
  readonly count: number;
  readonly examples: readonly { readonly file: string; readonly lineNumber: number; readonly text: string }[];
}

/** A slice of time for the page: requests, latency and segments of the requests that began in it. */
export interface TimeSlice {
  readonly startUs: number;
  readonly requests: number;
  readonly failures: number;
  readonly p50: number;
  readonly p99: number;
  readonly segments: readonly SegmentTotal[];
}

export interface LatencyBucket {
  readonly upToUs: number;
  readonly count: number;
}

export interface Report {
  readonly files: readonly string[];
  readonly lines: number;
  readonly requests: number;
  /** First and last start of a request, us since the epoch; null without any. */
  readonly firstUs: number | null;
  readonly lastUs: number | null;
  readonly latency: Percentiles;
  /** From this total on a request is slow; and how it was chosen. */
  readonly slowFromUs: number;
  readonly slowRequests: number;
  readonly segments: readonly SegmentTotal[];
  readonly findings: readonly Finding[];
  readonly balance: Balance | null;
  readonly unreadable: readonly UnreadableLines[];
  readonly histogram: readonly LatencyBucket[];
  readonly slices: readonly TimeSlice[];
  /** The slowest and the failed ones, bounded: their lines are what waterfalls are drawn from. */
  readonly notable: readonly Evidence[];
  /** What was assumed or left out, in sentences: sampling, no ledger in the lines, a clock that went back. */
  readonly remarks: readonly string[];
}
