/**
 * Compiles a text format (`text_format`) into the function that writes a log line.
 *
 * The line is written from literals split beforehand and one function per operator. Text from peers is escaped so that it
 * cannot forge a line (`escape.ts`). A missing value is `-`.
 */
import type { LogContext, ObservationNeeds } from '../../api/observe.ts';
import type { LineWriter } from '../line-writer.ts';
import { escapeText } from './escape.ts';
import {
  FormatError,
  NO_NEEDS,
  unionOfNeeds,
  type Operator,
  type Value,
  type ValueOf,
  type Write,
} from './operator.ts';
import { makeOperator } from './operators.ts';
import { parseTemplate, type OperatorText, type Piece } from './template.ts';

export interface LineFormat {
  /** What must be recorded for this format. */
  readonly needs: ObservationNeeds;
  /** Writes the line behind what `out` holds. */
  write(context: LogContext, out: LineWriter): void;
}

const MISSING = '-';
const NOTHING = Buffer.alloc(0);

/** Throws `FormatError` with all that is wrong. */
export function compileTextFormat(format: string, missing = MISSING): LineFormat {
  const { pieces, operators } = compilePieces(format);
  const literals: string[] = [''];
  const writes: Write[] = [];
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      literals[literals.length - 1] += piece;
      continue;
    }
    const operator = operators.get(piece);
    if (operator === undefined) continue;
    writes.push(writeOf(operator, piece.length));
    literals.push('');
  }
  let needs = NO_NEEDS;
  for (const operator of operators.values()) needs = unionOfNeeds(needs, operator.needs ?? {});
  return { needs, write: lineWrite(literals, writes, missing) };
}

/** Null if the format compiles, otherwise what is wrong with it: for the configuration's checks. */
export function checkFormat(format: string): string | null {
  try {
    compilePieces(format);
    return null;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Parses and looks up all operators; one error lists everything wrong. */
function compilePieces(format: string): { pieces: Piece[]; operators: Map<OperatorText, Operator> } {
  const pieces = parseTemplate(format);
  const operators = new Map<OperatorText, Operator>();
  const errors: string[] = [];
  for (const piece of pieces) {
    if (typeof piece === 'string') continue;
    try {
      operators.set(piece, makeOperator(piece.name, piece.parameter));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      errors.push(error.message);
    }
  }
  if (errors.length > 0) throw new FormatError(errors.join('; '));
  return { pieces, operators };
}

/** `literals` has one more entry than `writes`: in front of each, and behind the last. */
function lineWrite(literals: readonly string[], writes: readonly Write[], missing: string) {
  const [first = NOTHING, ...behind] = literals.map((text) => Buffer.from(text));
  const none = Buffer.from(missing);
  return (context: LogContext, out: LineWriter): void => {
    out.literal(first);
    for (let index = 0; index < writes.length; index += 1) {
      if (writes[index]?.(context, out) !== true) out.literal(none);
      out.literal(behind[index] ?? NOTHING);
    }
  };
}

/** `length`: characters to cut the value to, -1 = whole; escapes count as they are printed. */
function writeOf(operator: Operator, length: number): Write {
  const { value, write, untrusted = false } = operator;
  if (write !== undefined && length < 0) return write;
  if (length < 0) return untrusted ? writeUntrusted(value) : writeTrusted(value);
  return writeTrusted(cut(untrusted ? escaped(value) : value, length));
}

function writeTrusted(valueOf: ValueOf): Write {
  return (context, out) => {
    const value = valueOf(context);
    if (value === null) return false;
    if (typeof value === 'number') out.number(value);
    else out.text(value);
    return true;
  };
}

function writeUntrusted(valueOf: ValueOf): Write {
  return (context, out) => {
    const value = valueOf(context);
    if (value === null) return false;
    if (typeof value === 'number') out.number(value);
    else out.untrusted(value);
    return true;
  };
}

function escaped(valueOf: ValueOf): ValueOf {
  return (context) => {
    const value = valueOf(context);
    return typeof value === 'string' ? escapeText(value) : value;
  };
}

export function cut(valueOf: ValueOf, length: number): ValueOf {
  if (length < 0) return valueOf;
  return (context): Value => {
    const value = valueOf(context);
    return value === null ? null : String(value).slice(0, length);
  };
}
