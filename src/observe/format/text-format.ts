/**
 * Compiles a text format (`text_format`) into the function that writes a log line.
 *
 * The line is concatenated from literals split beforehand and one function per operator. Text from peers is escaped so that it
 * cannot forge a line (`escape.ts`). A missing value is `-`.
 */
import type { LogContext, ObservationNeeds } from '../../api/observe.ts';
import { RememberedEscape } from './escape.ts';
import { FormatError, NO_NEEDS, unionOfNeeds, type Operator, type Value, type ValueOf } from './operator.ts';
import { makeOperator } from './operators.ts';
import { parseTemplate, type OperatorText, type Piece } from './template.ts';

export interface LineFormat {
  /** What must be recorded for this format. */
  readonly needs: ObservationNeeds;
  format(context: LogContext): string;
}

const MISSING = '-';

/** Throws `FormatError` with all that is wrong. */
export function compileTextFormat(format: string, missing = MISSING): LineFormat {
  const { pieces, operators } = compilePieces(format);
  const literals: string[] = [''];
  const values: ValueOf[] = [];
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      literals[literals.length - 1] += piece;
      continue;
    }
    const operator = operators.get(piece);
    if (operator === undefined) continue;
    values.push(cut(operator.untrusted === true ? escaped(operator.value) : operator.value, piece.length));
    literals.push('');
  }
  let needs = NO_NEEDS;
  for (const operator of operators.values()) needs = unionOfNeeds(needs, operator.needs ?? {});
  return { needs, format: writer(literals, values, missing) };
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

/** `literals` has one more entry than `values`: in front of each, and behind the last. */
function writer(literals: readonly string[], values: readonly ValueOf[], missing: string) {
  const [first = '', ...behind] = literals;
  return (context: LogContext): string => {
    let line = first;
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index]?.(context) ?? null;
      // The small parts are joined first: short texts are copied flat, and the line is made of half as many pieces.
      line += (value === null ? missing : value) + (behind[index] ?? '');
    }
    return line;
  };
}

function escaped(valueOf: ValueOf): ValueOf {
  const memory = new RememberedEscape();
  return (context) => {
    const value = valueOf(context);
    return typeof value === 'string' ? memory.escape(value) : value;
  };
}

export function cut(valueOf: ValueOf, length: number): ValueOf {
  if (length < 0) return valueOf;
  return (context): Value => {
    const value = valueOf(context);
    return value === null ? null : String(value).slice(0, length);
  };
}
