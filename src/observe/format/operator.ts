/**
 * What a `%OPERATOR(parameter):length%` compiles to, and the context that its maker gets.
 *
 * An operator's function runs once per log line and place; it must not throw, allocate more than its text, or change anything.
 */
import type { IoGroup, LogContext, ObservationNeeds } from '../../api/observe.ts';
import { LineWriter } from '../line-writer.ts';
import { StreamRecord } from '../stream-info.ts';

/** Null: there is no such value (`-` in text, `null` in typed JSON). */
export type Value = string | number | null;
export type ValueOf = (context: LogContext) => Value;

/** Writes what `value` would give; false: there is no such value, and nothing was written. */
export type Write = (context: LogContext, out: LineWriter) => boolean;

export interface Operator {
  readonly value: ValueOf;
  /** The same without making a text of it, for operators whose text is composed. */
  readonly write?: Write;
  /** The text comes from a peer: it is escaped where it could forge a line. */
  readonly untrusted?: boolean;
  /** What must be recorded for it. */
  readonly needs?: Partial<ObservationNeeds>;
}

/** Made once, when a format is compiled. `parameter` is null without parentheses. Throws `FormatError`. */
export type OperatorMaker = (parameter: string | null, name: string) => Operator;

export class FormatError extends Error {
  override readonly name = 'FormatError';
}

export const NO_NEEDS: ObservationNeeds = {
  downstreamRead: false,
  upstreamWrite: false,
  upstreamRead: false,
  downstreamWrite: false,
  ledger: false,
};

export function unionOfNeeds(a: ObservationNeeds, b: Partial<ObservationNeeds>): ObservationNeeds {
  return {
    downstreamRead: a.downstreamRead || b.downstreamRead === true,
    upstreamWrite: a.upstreamWrite || b.upstreamWrite === true,
    upstreamRead: a.upstreamRead || b.upstreamRead === true,
    downstreamWrite: a.downstreamWrite || b.downstreamWrite === true,
    ledger: a.ledger || b.ledger === true,
  };
}

export function needsOf(group: IoGroup): Partial<ObservationNeeds> {
  return { [group]: true };
}

/** The record behind the info; null for an info of another make, of which the instrumented operators know nothing. */
export function recordOf(context: LogContext): StreamRecord | null {
  return context.info instanceof StreamRecord ? context.info : null;
}

/** An operator without parameter. */
export function plain(value: ValueOf, more: Omit<Operator, 'value'> = {}): OperatorMaker {
  return (parameter, name) => {
    if (parameter !== null) throw new FormatError(`%${name}% takes no parameter`);
    return { value, ...more };
  };
}

export function emptyToNull(text: string): string | null {
  return text === '' ? null : text;
}

const scratch = new LineWriter();

/** The text of an operator that writes, for places that need one: JSON, a cut, a header. */
export function written(write: Write): ValueOf {
  return (context) => {
    scratch.begin();
    return write(context, scratch) ? scratch.toString() : null;
  };
}
