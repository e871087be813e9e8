/**
 * The engine: sees every request of a log once, and says at the end what was slow or failed, and why.
 *
 *   readLogs -> LineReader -> Diagnosis.request -> counters, histogram, slices, each detector
 *                                                        report() <- findings, worst first
 *
 * Its memory does not depend on the log's size: sums by bucket of latency, tables with a bound, the few worst lines.
 */
import { Buckets, BucketSums } from './buckets.ts';
import { BlockedWrites } from './causes/blocked-writes.ts';
import type { Detector, DetectorOptions, Totals } from './causes/detector.ts';
import { Failures } from './causes/failures.ts';
import { FlowControl } from './causes/flow-control.ts';
import { FragmentedRequest } from './causes/fragmented-request.ts';
import { HeadBodyGap } from './causes/head-body-gap.ts';
import { LargeHead } from './causes/large-head.ts';
import { NewConnections } from './causes/new-connections.ts';
import { PlainText, type ExpectTls } from './causes/plain-text.ts';
import { PoolWait } from './causes/pool-wait.ts';
import { SlowFilter } from './causes/slow-filter.ts';
import { SlowKernel } from './causes/slow-kernel.ts';
import { SlowUpstream } from './causes/slow-upstream.ts';
import { ThreadImbalance } from './causes/thread-imbalance.ts';
import { UnusedConnections } from './causes/unused-connections.ts';
import { WorkerLate } from './causes/worker-late.ts';
import { derivePhases } from './phases.ts';
import { readLogs, type ReadOptions } from './read-logs.ts';
import type { Evidence, Finding, Report } from './report.ts';
import type { LineFacts } from './scan/line-facts.ts';
import { ALL_LINES, type LineFilter } from './scan/line-filter.ts';
import { LineReader, type LineVisitor } from './scan/line-reader.ts';
import { LOOP } from './scan/segments.ts';
import { SegmentSums } from './segment-sums.ts';
import { histogramOf, LEAST_SLOW_US, percentilesOf, slowBucket, slowRule } from './slow-requests.ts';
import { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds.ts';
import { TimeSlices } from './time-slices.ts';
import { count, lengthOf, plural } from './words.ts';
import { quote } from './causes/detector.ts';
import { WorstLines } from './worst-lines.ts';

export interface DiagnoseOptions {
  readonly thresholds?: Partial<Thresholds>;
  readonly expectTls?: ExpectTls;
  readonly filter?: LineFilter;
}

const SLOWEST_KEPT = 40;
const FAILED_KEPT = 20;
/** Waits before the first read are worth a remark from this share of all time on. */
const HIDDEN_SHARE = 0.05;

export class Diagnosis implements LineVisitor {
  readonly reader: LineReader;
  readonly #thresholds: Thresholds;
  readonly #buckets: Buckets;
  readonly #detectors: readonly Detector[];
  readonly #imbalance: ThreadImbalance;
  readonly #latencies = new BucketSums();
  readonly #segments = new SegmentSums();
  readonly #slices = new TimeSlices();
  readonly #slowest = new WorstLines(SLOWEST_KEPT);
  readonly #failed = new WorstLines(FAILED_KEPT);
  #requests = 0;
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;
  #maxUs = 0;
  #ledgers = 0;
  #threads = 0;
  /** Waits before the first read, which are in no total. */
  #hiddenRequests = 0;
  #hiddenUs = 0;

  constructor(options: DiagnoseOptions = {}) {
    this.#thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
    this.#buckets = new Buckets(this.#thresholds.slowUs ?? LEAST_SLOW_US);
    this.reader = new LineReader(this, options.filter ?? ALL_LINES);
    const shared: DetectorOptions = { thresholds: this.#thresholds, names: this.reader.names };
    const late = new WorkerLate(shared);
    this.#imbalance = new ThreadImbalance(shared, late.byThread);
    this.#detectors = [
      new Failures(shared),
      new FragmentedRequest(shared),
      late,
      new HeadBodyGap(shared),
      new FlowControl(shared),
      new SlowFilter(shared),
      new PoolWait(shared),
      new NewConnections(shared),
      new UnusedConnections(),
      new SlowUpstream(shared),
      new SlowKernel(shared),
      new BlockedWrites(shared),
      new LargeHead(shared),
      new PlainText(options.expectTls ?? 'nowhere'),
      this.#imbalance,
    ];
  }

  request(facts: LineFacts): void {
    this.#complete(facts);
    const { latencyUs, startUs } = facts;
    this.#requests += 1;
    this.#latencies.add(facts.bucket, latencyUs);
    if (latencyUs > this.#maxUs) this.#maxUs = latencyUs;
    if (startUs >= 0) {
      if (startUs < this.#firstUs) this.#firstUs = startUs;
      if (startUs > this.#lastUs) this.#lastUs = startUs;
    }
    if (facts.threadId >= 0) this.#threads += 1;
    this.#segments.add(facts);
    this.#slices.add(facts);
    if (this.#slowest.wants(latencyUs)) this.#slowest.offer(latencyUs, facts);
    if ((facts.code >= 500 || facts.flagsId !== 0) && this.#failed.wants(latencyUs))
      this.#failed.offer(latencyUs, facts);
    for (const detector of this.#detectors) detector.accept(facts);
  }

  /** What follows from the line's own numbers. */
  #complete(facts: LineFacts): void {
    if (facts.hasLedger) this.#ledgers += 1;
    else derivePhases(facts);
    const hidden = facts.downstreamReads.waitedFirst;
    facts.latencyUs = facts.totalUs + hidden;
    if (hidden > 0) {
      facts.us[LOOP] = facts.segment(LOOP) + hidden;
      this.#hiddenRequests += 1;
      this.#hiddenUs += hidden;
    }
    facts.bucket = this.#buckets.of(facts.latencyUs);
  }

  report(files: readonly string[], remarks: readonly string[] = []): Report {
    const first = slowBucket(this.#latencies, this.#buckets, this.#thresholds.slowUs);
    const totals: Totals = {
      names: this.reader.names,
      requests: this.#requests,
      slowBucket: first,
      slowRequests: this.#latencies.countFrom(first),
      slowUs: this.#latencies.usFrom(first),
    };
    const { filters } = this.reader.names;
    return {
      files,
      lines: this.reader.lines,
      requests: this.#requests,
      firstUs: this.#firstUs === Number.POSITIVE_INFINITY ? null : this.#firstUs,
      lastUs: this.#lastUs === Number.NEGATIVE_INFINITY ? null : this.#lastUs,
      latency: percentilesOf(this.#latencies, this.#maxUs),
      slowFromUs: Math.round(this.#buckets.from(first)),
      slowRequests: totals.slowRequests,
      segments: this.#segments.totals(filters),
      findings: this.#detectors.flatMap((detector) => detector.findings(totals)).sort(worseFirst),
      balance: this.#imbalance.balance(),
      unreadable: this.reader.unreadable,
      histogram: histogramOf(this.#latencies, this.#buckets),
      slices: this.#slices.slices(filters),
      notable: this.#notable(),
      remarks: [...remarks, ...this.#remarks(totals)],
    };
  }

  #notable(): Evidence[] {
    const notable = new Map<string, Evidence>();
    for (const kept of [...this.#slowest.lines, ...this.#failed.lines]) {
      const key = `${kept.file}:${kept.lineNumber}`;
      if (notable.has(key)) continue;
      notable.set(
        key,
        quote(kept, ({ totalUs, resolutionUs, flags }) =>
          [lengthOf(totalUs ?? 0, resolutionUs), ...flags].join(' '),
        ),
      );
    }
    return [...notable.values()];
  }

  #remarks(totals: Totals): string[] {
    const remarks: string[] = [];
    const { slowUs } = this.#thresholds;
    if (this.#requests === 0) return remarks;
    remarks.push(`slow: ${slowRule(slowUs)}; all times are of ${plural(totals.requests, 'request')}`);
    const without = this.#requests - this.#ledgers;
    if (without > 0) {
      const which = this.#ledgers === 0 ? 'no line has' : `${count(without)} lines have no`;
      remarks.push(
        `${which}${this.#ledgers === 0 ? ' a' : ''} ledger: where the time went is computed from the line's other numbers, filters are not told apart (%LEDGER% in the format names them)`,
      );
    }
    if (this.#threads < this.#requests)
      remarks.push(
        `${count(this.#requests - this.#threads)} lines have no thread and no groups of reads and writes: plain lines, of which only failures, the upstream's time and totals can be told`,
      );
    if (this.#hiddenUs >= this.#latencies.usFrom(0) * HIDDEN_SHARE && this.#hiddenUs >= 1000)
      remarks.push(
        `${lengthOf(this.#hiddenUs)} in ${plural(this.#hiddenRequests, 'request')} passed in the kernel before the first read: they are counted here (loop), the lines' own totals begin later`,
      );
    if (this.reader.filteredOut > 0)
      remarks.push(`${plural(this.reader.filteredOut, 'other request')} left out by the options`);
    if (this.reader.emptyLines > 0)
      remarks.push(`${plural(this.reader.emptyLines, 'empty line')} passed over`);
    return remarks;
  }
}

/** Failures, then by the slow time explained, then by requests. */
function worseFirst(a: Finding, b: Finding): number {
  const failed = Number(b.cause === 'failures') - Number(a.cause === 'failures');
  if (failed !== 0) return failed;
  return b.explainedUs - a.explainedUs || b.requests - a.requests;
}

/** Reads the logs (`-`: standard input) to their end. Throws `LogReadError`. */
export async function diagnose(
  files: readonly string[],
  options: DiagnoseOptions & ReadOptions = {},
): Promise<Report> {
  const diagnosis = new Diagnosis(options);
  const remarks = await readLogs(files, diagnosis.reader, options);
  return diagnosis.report(files, remarks);
}
