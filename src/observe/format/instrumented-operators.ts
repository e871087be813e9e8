/**
 * Operators of nodeproxy's own: the groups of reads and writes, the ledger and what is derived from it (`access-log.md`).
 * Each says what must be recorded for it; a format without them records nothing.
 */
import type { IoGroup, LogContext } from '../../api/observe.ts';
import { writeReads, writeWrites, type TimeUnit } from '../grammar/group-printer.ts';
import { wallUs } from '../instant.ts';
import { StreamLedger } from '../ledger.ts';
import {
  FormatError,
  needsOf,
  plain,
  recordOf,
  written,
  type OperatorMaker,
  type Write,
} from './operator.ts';

/** `created` of the downstream side: it has no pool. */
const NO_POOL = -1;

function unitOf(parameter: string | null, name: string): TimeUnit {
  if (parameter === null || parameter === 'ms') return 'ms';
  if (parameter === 'us') return 'us';
  throw new FormatError(`%${name}(${parameter})%: ms or us expected`);
}

function group(name: IoGroup): OperatorMaker {
  return (parameter, operator) => {
    const unit = unitOf(parameter, operator);
    const write: Write = (context, out) => {
      const record = recordOf(context);
      const log = record === null ? null : record.fragments(name);
      if (record === null || log === null || log.count === 0) return false;
      const startUs = wallUs(record.wallOffset, record.startAt);
      if (name === 'upstreamWrite') writeWrites(out, log, record.upstream.createdConnectionId, startUs, unit);
      else if (name === 'downstreamWrite') writeWrites(out, log, NO_POOL, startUs, unit);
      else writeReads(out, log, startUs, unit);
      return true;
    };
    return { value: written(write), write, needs: needsOf(name) };
  };
}

function ledgerOf(context: LogContext): StreamLedger | null {
  const { ledger } = context.info;
  return ledger instanceof StreamLedger ? ledger : null;
}

export const INSTRUMENTED_OPERATORS: Readonly<Record<string, OperatorMaker>> = {
  THREAD_ID: plain(({ info }) => info.threadId),
  DOWNSTREAM_READ_DURATION: group('downstreamRead'),
  UPSTREAM_WRITE_DURATION: group('upstreamWrite'),
  UPSTREAM_READ_DURATION: group('upstreamRead'),
  DOWNSTREAM_WRITE_DURATION: group('downstreamWrite'),
  LEDGER: plain((context) => ledgerOf(context)?.text() ?? null, { needs: { ledger: true } }),
  VERDICT: plain((context) => ledgerOf(context)?.verdict() ?? null, { needs: { ledger: true } }),
  FILTER_DURATION: plain((context) => recordOf(context)?.filterTimesText() ?? null, {
    needs: { ledger: true },
  }),
  LOOP_TURN: plain(({ info }) => `${info.turnAtStart}-${info.turnAtEnd}`),
};
