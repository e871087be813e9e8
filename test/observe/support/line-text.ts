/** A log line as text. */
import type { LogContext } from '../../../src/api/observe.ts';
import type { LineFormat } from '../../../src/observe/format/text-format.ts';
import { LineWriter } from '../../../src/observe/line-writer.ts';

export function lineText(format: LineFormat, context: LogContext): string {
  const out = new LineWriter();
  format.write(context, out);
  return out.toString();
}
