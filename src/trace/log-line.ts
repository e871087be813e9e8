/**
 * A line of the application log as the trace has it written and reads it back. The pattern and not JSON: it has microseconds, and a
 * stage lasts tens of them.
 */
export const LOG_PATTERN = '%Y-%m-%dT%T.%f %t %l %n %_';

export interface LogLine {
  /** Wall time, ms. */
  readonly at: number;
  /** Linux thread id. */
  readonly thread: string;
  readonly component: string;
  /** 0: the line names none. */
  readonly connection: number;
  readonly stream: number;
  /** Without the marks in front. */
  readonly text: string;
}

const LINE = /^(\S+T[\d:]+)\.(\d{6}) (\S+) \S+ (\S+) (?:\[C(\d+)\])?(?:\[S(\d+)\])? ?(.*)$/;

/** Null: another kind of line (a stack, a banner). */
export function parseLogLine(line: string): LogLine | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, seconds = '', micros = '', thread = '', component = '', connection, stream, text = ''] = match;
  return {
    at: Date.parse(`${seconds}Z`) + Number(micros) / 1000,
    thread,
    component,
    connection: Number(connection ?? 0),
    stream: Number(stream ?? 0),
    text,
  };
}
