/**
 * One request as its log line tells it, whatever the format of the line: nodeproxy's text, the talk's text, JSON.
 *
 * All lengths are microseconds and all instants are microseconds since the epoch; what a line only knows in whole milliseconds
 * is a multiple of 1000 (`resolutionUs`). `null`: the line does not say.
 */
import type { BaseFields, SixNumbers } from '../observe/grammar/instrumented-line.ts';
import type { ReadGroup, WriteGroup } from '../observe/grammar/fragments.ts';

/** `client`, `filter.lua`, `flow.downstream`, …: the names of `access-log.md`, "The ledger". */
export interface LedgerEntry {
  readonly segment: string;
  readonly us: number;
}

export interface LoopTurns {
  readonly start: number;
  readonly end: number;
}

export interface LogRecord {
  /** File as named on the command line (`-` = standard input) and line number, from 1. */
  readonly file: string;
  readonly lineNumber: number;
  /** The line itself, for evidence. */
  readonly text: string;
  readonly format: 'text' | 'json';
  /** Null: cut at its front. */
  readonly base: BaseFields | null;
  /** Response flags apart: `['UF', 'URX']`; empty = none. */
  readonly flags: readonly string[];
  readonly startUs: number | null;
  readonly totalUs: number | null;
  /** 1 or 1000: how fine the groups and the total are. */
  readonly resolutionUs: number;
  readonly six: SixNumbers | null;
  /** Null: the line names no thread (a plain Envoy or Istio line). */
  readonly threadId: number | null;
  readonly downstreamReads: ReadGroup | null;
  readonly upstreamWrites: WriteGroup | null;
  readonly upstreamReads: ReadGroup | null;
  readonly downstreamWrites: WriteGroup | null;
  /** As printed; null: the line has none and `phases.ts` derives what the six numbers allow. */
  readonly ledger: readonly LedgerEntry[] | null;
  readonly loopTurns: LoopTurns | null;
}
