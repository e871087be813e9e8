/**
 * Splits a format string into literal text and operators: `%NAME%`, `%NAME(parameter)%`, `%NAME(parameter):length%`, `%%`.
 *
 * A parameter ends at the first `)` that is followed by `%` or by `:digits%`, so that times can be formatted:
 * `%START_TIME(%Y-%m-%d)%`. Runs at configuration only.
 */
import { FormatError } from './operator.ts';

export interface OperatorText {
  readonly name: string;
  readonly parameter: string | null;
  /** Characters to cut the value to; -1 = whole. */
  readonly length: number;
}

export type Piece = string | OperatorText;

const OPERATOR_HEAD = /%([A-Z][A-Z0-9_]*)(?:%|(:\d+)%|(\())/y;
const PARAMETER_END = /\)(?::(\d+))?%/g;

export function parseTemplate(format: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = '';
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      literal += format.slice(at);
      break;
    }
    literal += format.slice(at, percent);
    if (format[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    const found = parseOperator(format, percent);
    if (literal !== '') pieces.push(literal);
    literal = '';
    pieces.push(found.operator);
    at = found.end;
  }
  if (literal !== '') pieces.push(literal);
  return pieces;
}

function parseOperator(format: string, percent: number): { operator: OperatorText; end: number } {
  OPERATOR_HEAD.lastIndex = percent;
  const head = OPERATOR_HEAD.exec(format);
  const name = head?.[1];
  if (head === null || name === undefined)
    throw new FormatError(
      `no operator begins at position ${percent}: ${JSON.stringify(format.slice(percent, percent + 24))}`,
    );
  const end = percent + head[0].length;
  if (head[3] === undefined)
    return {
      operator: { name, parameter: null, length: head[2] === undefined ? -1 : Number(head[2].slice(1)) },
      end,
    };
  PARAMETER_END.lastIndex = end;
  const tail = PARAMETER_END.exec(format);
  if (tail === null) throw new FormatError(`the parameter of %${name}(% does not end`);
  const length = tail[1] === undefined ? -1 : Number(tail[1]);
  return {
    operator: { name, parameter: format.slice(end, tail.index), length },
    end: tail.index + tail[0].length,
  };
}
