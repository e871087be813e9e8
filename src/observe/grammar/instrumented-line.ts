/**
 * Parses and prints whole instrumented lines: `base : six numbers : (tid) "reads" "writes" "reads" n n`.
 *
 * For tools (`diagnose/`, tests), not for the request path. The talk's samples parse; of a line that is cut at its ends, what is
 * left is given and the rest is null. Text of peers has its quotes escaped when it is written, so no value can look like the
 * ` : (tid) "` that the groups are found by.
 */
import { parseReads, parseWrites, printGroup, type ReadGroup, type WriteGroup } from './fragments.ts';

/** Istio's default line, as text: the names are the operators'. `null` where the line has `-`. */
export interface BaseFields {
  readonly startTime: string;
  readonly method: string | null;
  readonly path: string | null;
  readonly protocol: string | null;
  readonly responseCode: number;
  readonly responseFlags: string | null;
  readonly responseCodeDetails: string | null;
  readonly connectionTerminationDetails: string | null;
  readonly upstreamTransportFailureReason: string | null;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly duration: number | null;
  readonly upstreamServiceTime: number | null;
  readonly forwardedFor: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
  readonly authority: string | null;
  readonly upstreamHost: string | null;
  readonly upstreamCluster: string | null;
  readonly upstreamLocalAddress: string | null;
  readonly downstreamLocalAddress: string | null;
  readonly downstreamRemoteAddress: string | null;
  readonly requestedServerName: string | null;
  readonly routeName: string | null;
}

/** Whole milliseconds; null where the line has `-`. */
export interface SixNumbers {
  readonly duration: number | null;
  readonly requestDuration: number | null;
  readonly requestTxDuration: number | null;
  readonly responseDuration: number | null;
  readonly responseTxDuration: number | null;
  readonly upstreamServiceTime: number | null;
}

export interface InstrumentedLine {
  /** Null: not in the line, which is cut at its front. */
  readonly base: BaseFields | null;
  readonly six: SixNumbers | null;
  readonly threadId: number;
  readonly downstreamReads: ReadGroup;
  readonly upstreamWrites: WriteGroup;
  /** Null: not in the line, which is cut at its end. */
  readonly upstreamReads: ReadGroup | null;
  /** `RESPONSE_DURATION` and `RESPONSE_TX_DURATION` again. */
  readonly tail: readonly [number | null, number | null] | null;
  /** What stands behind the tail: groups that a format of one's own adds. Begins with a blank, or is empty. */
  readonly rest: string;
}

/** Thread, the first two groups whole, the third perhaps cut. */
const ANCHOR = / ?: \((\d+)\) "([^"]*)" "([^"]*)"(?: "([^"]*)("|$))?/;
const TAIL = /^ (\d+|-) (\d+|-)(?= |$)/;
const SIX = /(?:^|: )(\d+|-), (\d+|-), (\d+|-), (\d+|-), (\d+|-), (\d+|-)$/;

const NUMBER = '(-?\\d+|-)';
const WORD = '([^ "]+)';
const QUOTED = '"([^"]*)"';
const BASE = new RegExp(
  `^\\[([^\\]]+)\\] "([^" ]*) ([^"]*) ([^" ]*)" (\\d+) ${WORD} ${WORD} ${WORD} ${QUOTED} ` +
    `(\\d+) (\\d+) ${NUMBER} ${NUMBER} ${QUOTED} ${QUOTED} ${QUOTED} ${QUOTED} ${QUOTED} ` +
    `${WORD} ${WORD} ${WORD} ${WORD} ${WORD} ${WORD}$`,
);

/** Null: not a line of this format. */
export function parseInstrumentedLine(text: string): InstrumentedLine | null {
  const line = text.trimEnd();
  const anchor = ANCHOR.exec(line);
  if (anchor === null) return null;
  const [whole, threadId, first = '', second = '', third, thirdEnd] = anchor;
  const downstreamReads = parseReads(first);
  const upstreamWrites = parseWrites(second);
  const upstreamReads = third === undefined ? null : parseReads(thirdEnd === '"' ? third : repaired(third));
  if (downstreamReads === null || upstreamWrites === null) return null;
  if (upstreamReads === null && thirdEnd === '"') return null;
  const front = line.slice(0, anchor.index);
  const behind = line.slice(anchor.index + whole.length);
  const tail = TAIL.exec(behind);
  return {
    ...parseFront(front),
    threadId: Number(threadId),
    downstreamReads,
    upstreamWrites,
    upstreamReads,
    tail: tail === null ? null : [numberOf(tail[1]), numberOf(tail[2])],
    rest: tail === null ? behind : behind.slice(tail[0].length),
  };
}

/** A group that the end of a cut line ran through: as far as its last whole mark. */
function repaired(text: string): string {
  return text.replace(/,$/, '');
}

function parseFront(front: string): { base: BaseFields | null; six: SixNumbers | null } {
  const six = SIX.exec(front);
  if (six === null) return { base: null, six: null };
  const separator = front.slice(0, six.index);
  const [, a, b, c, d, e, f] = six;
  return {
    base: parseBaseFields(separator.trimEnd()),
    six: {
      duration: numberOf(a),
      requestDuration: numberOf(b),
      requestTxDuration: numberOf(c),
      responseDuration: numberOf(d),
      responseTxDuration: numberOf(e),
      upstreamServiceTime: numberOf(f),
    },
  };
}

/** Istio's default line; null if the text is none. */
export function parseBaseFields(text: string): BaseFields | null {
  const match = BASE.exec(text);
  if (match === null) return null;
  const word = (index: number): string | null => wordOf(match[index]);
  return {
    startTime: match[1] ?? '',
    method: word(2),
    path: word(3),
    protocol: word(4),
    responseCode: Number(match[5]),
    responseFlags: word(6),
    responseCodeDetails: word(7),
    connectionTerminationDetails: word(8),
    upstreamTransportFailureReason: word(9),
    bytesReceived: Number(match[10]),
    bytesSent: Number(match[11]),
    duration: numberOf(match[12]),
    upstreamServiceTime: numberOf(match[13]),
    forwardedFor: word(14),
    userAgent: word(15),
    requestId: word(16),
    authority: word(17),
    upstreamHost: word(18),
    upstreamCluster: word(19),
    upstreamLocalAddress: word(20),
    downstreamLocalAddress: word(21),
    downstreamRemoteAddress: word(22),
    requestedServerName: word(23),
    routeName: word(24),
  };
}

function wordOf(text: string | undefined): string | null {
  return text === undefined || text === '-' ? null : text;
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '-' ? null : Number(text);
}

/** The line again, without a newline: of a whole line exactly the text that was parsed. */
export function printInstrumentedLine(line: InstrumentedLine): string {
  const front = `${line.base === null ? '' : printBase(line.base)}${line.six === null ? '' : ` : ${printSix(line.six)} `}`;
  const groups = [line.downstreamReads, line.upstreamWrites]
    .map((group) => `"${printGroup(group)}"`)
    .join(' ');
  const third = line.upstreamReads === null ? '' : ` "${printGroup(line.upstreamReads)}"`;
  const tail = line.tail === null ? '' : ` ${dash(line.tail[0])} ${dash(line.tail[1])}`;
  return `${front}: (${line.threadId}) ${groups}${third}${tail}${line.rest}`;
}

function dash(value: string | number | null): string {
  return value === null ? '-' : String(value);
}

function printSix(six: SixNumbers): string {
  const { duration, requestDuration, requestTxDuration } = six;
  const { responseDuration, responseTxDuration, upstreamServiceTime } = six;
  const first = [duration, requestDuration, requestTxDuration];
  return [...first, responseDuration, responseTxDuration, upstreamServiceTime].map(dash).join(', ');
}

function printBase(base: BaseFields): string {
  const head = `[${base.startTime}] "${dash(base.method)} ${dash(base.path)} ${dash(base.protocol)}"`;
  const outcome = [
    base.responseCode,
    base.responseFlags,
    base.responseCodeDetails,
    base.connectionTerminationDetails,
  ];
  const sizes = [base.bytesReceived, base.bytesSent, base.duration, base.upstreamServiceTime];
  const quoted = [base.forwardedFor, base.userAgent, base.requestId, base.authority, base.upstreamHost];
  const ends = [
    base.upstreamCluster,
    base.upstreamLocalAddress,
    base.downstreamLocalAddress,
    base.downstreamRemoteAddress,
    base.requestedServerName,
    base.routeName,
  ];
  return [
    head,
    ...outcome.map(dash),
    `"${dash(base.upstreamTransportFailureReason)}"`,
    ...sizes.map(dash),
    ...quoted.map((value) => `"${dash(value)}"`),
    ...ends.map(dash),
  ].join(' ');
}
