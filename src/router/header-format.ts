/**
 * Header values with operators (`%DOWNSTREAM_REMOTE_ADDRESS%`, `%REQ(x)%`): the access log's operators, written for a header.
 *
 * Unlike in a log line a missing value gives nothing, and text of a peer is not escaped: it came out of a header that the codec
 * has checked. What an operator may still give and no header may hold (other operators than headers' read from the
 * environment) is cut out, character by character.
 */
import type { LogContext } from '../api/observe.ts';
import { makeOperator } from '../observe/format/operators.ts';
import type { ValueOf } from '../observe/format/operator.ts';
import { parseTemplate } from '../observe/format/template.ts';
import { cut } from '../observe/format/text-format.ts';

/** Throws `FormatError` on an unknown operator. */
export function compileHeaderFormat(format: string): (context: LogContext) => string {
  const parts = parseTemplate(format).map((piece): string | ValueOf =>
    typeof piece === 'string' ? piece : cut(makeOperator(piece.name, piece.parameter).value, piece.length),
  );
  return (context) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : (part(context) ?? '');
    return printable(text);
  };
}

function printable(text: string): string {
  for (let index = 0; index < text.length; index += 1) {
    if (!isFieldCode(text.charCodeAt(index))) return withoutOthers(text);
  }
  return text;
}

function withoutOthers(text: string): string {
  let kept = '';
  for (let index = 0; index < text.length; index += 1) {
    if (isFieldCode(text.charCodeAt(index))) kept += text.charAt(index);
  }
  return kept;
}

/** Tab, and latin1 without control characters. */
function isFieldCode(code: number): boolean {
  return code === 9 || (code >= 32 && code !== 127 && code <= 255);
}
