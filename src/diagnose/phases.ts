/**
 * Where the time went in a line that has no ledger: by arithmetic over its six numbers, or over the stamps of a line that was cut.
 *
 *   0 --receive-- f2 --filters, pool-- f3 --server-- f4 --response-- f1        filters = f4 - f2 - f6
 *
 * (`requirements.md`, 4.3.) Phases are disjoint and add up to the total. Flow control and waits in the kernel, which the groups tell,
 * are taken out of the phase that they fell into.
 */
import type { SixNumbers } from '../observe/grammar/instrumented-line.ts';
import { stampDistance } from './record-times.ts';
import type { LineFacts } from './scan/line-facts.ts';
import {
  BODY,
  CLIENT,
  DELIVER,
  FILTER,
  FLOW_DOWNSTREAM,
  FLOW_UPSTREAM,
  LOOP,
  POOL,
  PROXY,
  UPSTREAM,
} from './scan/segments.ts';

const TRUNCATION_US = 1000;

/** Whole milliseconds. */
export interface Phases {
  readonly receive: number;
  readonly filters: number;
  readonly pool: number;
  readonly server: number;
  readonly response: number;
  /** What the numbers do not tell: a request that never reached an upstream. */
  readonly rest: number;
}

/** One object for all lines: the hot path reads it and forgets it. */
const phases = { receive: 0, filters: 0, pool: 0, server: 0, response: 0, rest: 0 };

/** Milliseconds; -1 = not known. */
function divide(f1: number, f2: number, f3: number, f4: number, f5: number, f6: number): void {
  const total = Math.max(0, f1);
  const answered = f4 < 0 ? total : Math.min(f4, total);
  // Sent before all was received: a body that streams through is the client's time only until its head went on.
  const sent = f3 < 0 ? -1 : Math.min(f3, answered);
  const received = Math.min(Math.max(0, f2), sent < 0 ? answered : sent);
  phases.receive = f2 < 0 && f3 < 0 && f4 < 0 ? 0 : received;
  const between = sent < 0 ? 0 : sent - received;
  phases.filters = f4 < 0 || f6 < 0 ? 0 : Math.min(between, Math.max(0, f4 - Math.max(0, f2) - f6));
  phases.pool = between - phases.filters;
  phases.server = sent < 0 ? 0 : answered - sent;
  phases.response = f4 < 0 ? 0 : Math.min(total - answered, f5 < 0 ? total - answered : f5);
  phases.rest = total - phases.receive - phases.filters - phases.pool - phases.server - phases.response;
}

/** Of one line, for tools; S1 of the talk gives 0, 56, 80, 953, 0. */
export function phasesOf(six: SixNumbers): Phases {
  divide(
    six.duration ?? 0,
    six.requestDuration ?? -1,
    six.requestTxDuration ?? -1,
    six.responseDuration ?? -1,
    six.responseTxDuration ?? -1,
    six.upstreamServiceTime ?? -1,
  );
  return { ...phases };
}

/** Fills the segments of a line that printed none. */
export function derivePhases(facts: LineFacts): void {
  const { us } = facts;
  if (facts.hasSix) {
    const total = Math.floor(facts.totalUs / 1000);
    const { requestDuration, requestTx, responseDuration, responseTx, serviceTime } = facts;
    divide(total, requestDuration, requestTx, responseDuration, responseTx, serviceTime);
    us[CLIENT] = phases.receive * 1000;
    us[FILTER] = phases.filters * 1000;
    us[POOL] = phases.pool * 1000;
    us[UPSTREAM] = phases.server * 1000;
    us[BODY] = phases.response * 1000;
    if (facts.upstreamReads.count > 0) afterLastRead(facts);
    us[PROXY] = phases.rest * 1000;
  } else if (facts.upstreamWrites.count > 0 || facts.upstreamReads.count > 0) fromStamps(facts);
  else fromServiceTime(facts);
  takeOutPauses(facts);
}

/** Once the upstream's last byte was read, what is left of the response is its way to the client. */
function afterLastRead(facts: LineFacts): void {
  const { firstAt, lastAt } = facts.upstreamReads;
  // Stamps and numbers are truncated apart from each other.
  const reading = stampDistance(firstAt, lastAt) + TRUNCATION_US;
  move(facts, BODY, DELIVER, Math.max(0, (facts.us[BODY] ?? 0) - reading));
}

/** A plain line: the service time is the upstream's, the rest nobody's. */
function fromServiceTime({ us, totalUs, serviceTime }: LineFacts): void {
  const upstream = serviceTime < 0 ? 0 : Math.min(totalUs, serviceTime * 1000);
  us[UPSTREAM] = upstream;
  us[PROXY] = totalUs - upstream;
}

/** A cut line: filters and pool cannot be told apart, and the talk reads the gap as a filter's (its sixth result). */
function fromStamps(facts: LineFacts): void {
  const { us, downstreamReads, upstreamWrites, upstreamReads } = facts;
  let left = facts.totalUs;
  const spend = (segment: number, length: number): void => {
    const spent = Math.max(0, Math.min(left, length));
    us[segment] = spent;
    left -= spent;
  };
  if (downstreamReads.count > 0) {
    spend(CLIENT, stampDistance(downstreamReads.firstAt, downstreamReads.lastAt));
    if (upstreamWrites.count > 0)
      spend(FILTER, stampDistance(downstreamReads.lastAt, upstreamWrites.firstAt));
  }
  if (upstreamReads.count > 0) {
    if (upstreamWrites.count > 0)
      spend(UPSTREAM, stampDistance(upstreamWrites.lastAt, upstreamReads.firstAt));
    spend(BODY, stampDistance(upstreamReads.firstAt, upstreamReads.lastAt));
  }
  us[PROXY] = left;
}

function takeOutPauses(facts: LineFacts): void {
  const { downstreamReads, upstreamReads, upstreamWrites } = facts;
  if (downstreamReads.offUs > 0) move(facts, CLIENT, FLOW_UPSTREAM, downstreamReads.offUs);
  if (upstreamReads.offUs > 0) {
    // Reads came on again before the request had gone out (the talk's second line): the pool was what waited.
    const early = stampDistance(upstreamReads.longestOffEnd, upstreamWrites.firstAt) >= 0;
    const rest = move(facts, early ? POOL : BODY, FLOW_DOWNSTREAM, upstreamReads.offUs);
    move(facts, UPSTREAM, FLOW_DOWNSTREAM, rest);
  }
  if (downstreamReads.waitedRest > 0) move(facts, CLIENT, LOOP, downstreamReads.waitedRest);
  if (upstreamReads.waitedFirst > 0) move(facts, UPSTREAM, LOOP, upstreamReads.waitedFirst);
  if (upstreamReads.waitedRest > 0) move(facts, BODY, LOOP, upstreamReads.waitedRest);
}

/** What could not be moved. */
function move({ us }: LineFacts, from: number, to: number, length: number): number {
  const moved = Math.min(length, us[from] ?? 0);
  us[from] = (us[from] ?? 0) - moved;
  us[to] = (us[to] ?? 0) + moved;
  return length - moved;
}
