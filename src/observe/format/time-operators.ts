/**
 * Operators that print instants and durations. Whole milliseconds, truncated; a time point that never happened makes `-`.
 *
 * Differences are taken of instants rounded to microseconds since the stream's start (`instant.ts`), so the numbers of a line
 * agree with each other and with its stamps.
 */
import type { LogContext, StreamInfo } from '../../api/observe.ts';
import { isoMs, offsetUs, wallUs, writeIsoMs } from '../instant.ts';
import { FormatError, plain, recordOf, type OperatorMaker, type ValueOf, type Write } from './operator.ts';
import { compileTime } from './strftime.ts';

type PointOf = (info: StreamInfo, context: LogContext) => number;

/** Null where one of the two never happened; otherwise us, perhaps negative. */
function betweenUs(info: StreamInfo, from: number, to: number): number | null {
  if (from < 0 || to < 0) return null;
  return offsetUs(info.startAt, to) - offsetUs(info.startAt, from);
}

function betweenMs(info: StreamInfo, from: number, to: number): number | null {
  const us = betweenUs(info, from, to);
  return us === null ? null : Math.floor(us / 1000);
}

function sinceStart(point: PointOf): ValueOf {
  return (context) => betweenMs(context.info, context.info.startAt, point(context.info, context));
}

/** On a connection that was there before, its set-up is no cost of this request: all of it falls on the pool's answer. */
function setUp(point: PointOf): PointOf {
  return (info, context) => {
    const at = point(info, context);
    const { upstream } = info;
    const reused = upstream.connectionId !== 0 && upstream.createdConnectionId !== upstream.connectionId;
    return reused && at >= 0 ? upstream.poolReadyAt : at;
  };
}

/** Time points of `%COMMON_DURATION%`: `envoy-reference.md`, section 3. */
const POINTS: Readonly<Record<string, PointOf>> = {
  DS_RX_BEG: (info) => info.startAt,
  DS_RX_END: (info) => info.requestLastByteAt,
  US_CX_BEG: setUp((info) => info.upstream.connectStartAt),
  US_CX_END: setUp((info) => info.upstream.connectedAt),
  US_HS_END: setUp((info) => (info.upstream.secure ? info.upstream.handshakeAt : -1)),
  US_TX_BEG: (info) => info.upstream.requestFirstByteAt,
  US_TX_END: (info) => info.upstream.requestLastByteAt,
  US_RX_BEG: (info) => info.upstream.responseFirstByteAt,
  US_RX_BODY_BEG: (info) => info.upstream.responseBodyFirstByteAt,
  US_RX_END: (info) => info.upstream.responseLastByteAt,
  DS_TX_BEG: (info) => info.responseFirstByteAt,
  DS_TX_END: (info) => info.responseLastByteAt,
  DS_CX_BEG: (_, context) => recordOf(context)?.connectionStartAt ?? -1,
  DS_CX_END: (info) => (info.kind === 'tcp' ? info.endAt : -1),
  DX_HS_BEG: (info, context) => (info.secure ? (recordOf(context)?.connectionStartAt ?? -1) : -1),
  DX_HS_END: (info, context) => (info.secure ? (recordOf(context)?.connectionHandshakeAt ?? -1) : -1),
};

/** Microseconds to the chosen unit. */
const UNITS: Readonly<Record<string, (us: number) => number>> = {
  ms: (us) => Math.floor(us / 1000),
  us: (us) => us,
  ns: (us) => us * 1000,
};

function commonDuration(parameter: string | null): ReturnType<OperatorMaker> {
  const [first = '', second = '', unitName = 'ms', ...rest] = (parameter ?? '').split(':');
  const from = POINTS[first];
  const to = POINTS[second];
  const unit = UNITS[unitName];
  if (from === undefined || to === undefined || unit === undefined || rest.length > 0)
    throw new FormatError(
      `%COMMON_DURATION(${parameter ?? ''})%: expected FROM:TO:ms|us|ns with time points of ${Object.keys(POINTS).join(', ')}`,
    );
  const value = (context: LogContext): number | null => {
    const { info } = context;
    const us = betweenUs(info, from(info, context), to(info, context));
    return us === null ? null : unit(us);
  };
  return { value };
}

function startTime(local: boolean): OperatorMaker {
  return (parameter) => {
    const text = compileTime(parameter, local);
    const value: ValueOf = ({ info }) => text(wallUs(info.wallOffset, info.startAt));
    if (text !== isoMs) return { value };
    const write: Write = ({ info }, out) => {
      writeIsoMs(out, wallUs(info.wallOffset, info.startAt));
      return true;
    };
    return { value, write };
  };
}

/** The moment of writing; for an info of another make its end. */
function emitTime(local: boolean): OperatorMaker {
  return (parameter) => {
    const text = compileTime(parameter, local);
    const value: ValueOf = (context) => {
      const { info } = context;
      const at = recordOf(context)?.clock.now() ?? (info.endAt < 0 ? info.startAt : info.endAt);
      return text(wallUs(info.wallOffset, at));
    };
    return { value };
  };
}

const responseDuration = sinceStart((info) => info.upstream.responseFirstByteAt);

/** Envoy's end is the last byte to the client; a stream that never got one ends where it was closed. */
function responseTx({ info }: LogContext): number | null {
  const end = info.responseLastByteAt < 0 ? info.endAt : info.responseLastByteAt;
  return betweenMs(info, info.upstream.responseFirstByteAt, end);
}

/** From the attempt's begin to the pool's answer. */
function poolReady(context: LogContext): number | null {
  const record = recordOf(context);
  const begin = record === null ? context.info.startAt : record.attempt.startAt;
  return betweenMs(context.info, begin, context.info.upstream.poolReadyAt);
}

function handshake(context: LogContext): number | null {
  const { info } = context;
  const record = recordOf(context);
  if (record === null || info.kind !== 'tcp' || !info.secure) return null;
  return betweenMs(info, record.connectionStartAt, record.connectionHandshakeAt);
}

/** Envoy's is in ms and takes no parameter; `us` is exact, and what a ledger adds up to. */
function duration(parameter: string | null): ReturnType<OperatorMaker> {
  const unit = UNITS[parameter ?? 'ms'];
  if (unit === undefined) throw new FormatError(`%DURATION(${parameter})%: ms, us or ns expected`);
  const value: ValueOf = ({ info }) => {
    const us = betweenUs(info, info.startAt, info.endAt);
    return us === null ? null : unit(us);
  };
  return { value };
}

const never: ValueOf = () => null;

export const TIME_OPERATORS: Readonly<Record<string, OperatorMaker>> = {
  START_TIME: startTime(false),
  START_TIME_LOCAL: startTime(true),
  EMIT_TIME: emitTime(false),
  EMIT_TIME_LOCAL: emitTime(true),
  DURATION: duration,
  REQUEST_DURATION: plain(sinceStart((info) => info.requestLastByteAt)),
  REQUEST_TX_DURATION: plain(sinceStart((info) => info.upstream.requestLastByteAt)),
  RESPONSE_DURATION: plain(responseDuration),
  RESPONSE_TX_DURATION: plain(responseTx),
  COMMON_DURATION: commonDuration,
  UPSTREAM_CONNECTION_POOL_READY_DURATION: plain(poolReady),
  DOWNSTREAM_HANDSHAKE_DURATION: plain(handshake),
  // QUIC only in Envoy: there is no such time on HTTP/1 and 2.
  ROUNDTRIP_DURATION: plain(never),
};
