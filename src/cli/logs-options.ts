/**
 * What the commands under `logs` share: which lines to look at, how files are read, how progress, colours and tables are shown.
 *
 * Results go to standard output, remarks and progress to standard error, so that either can be a pipe.
 */
import { styleText } from 'node:util';
import { epochUs } from '../diagnose/record-times.ts';
import { LogReadError, readLogs } from '../diagnose/read-logs.ts';
import type { ReadProgress } from '../diagnose/read-logs.ts';
import type { TextStyle } from '../diagnose/report-text.ts';
import { unreadableText } from '../diagnose/report-text.ts';
import type { LineFilter } from '../diagnose/scan/line-filter.ts';
import type { LineReader } from '../diagnose/scan/line-reader.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Output } from './command.ts';
import { UsageError, wholeNumber } from './option.ts';
import type { OptionSpec, ParsedOptions } from './option.ts';

const WIDEST = 120;
const DEFAULT_WIDTH = 100;
/** A line of progress is worth it from here on, and again after so much. */
const PROGRESS_FROM_BYTES = 64 * 1024 * 1024;
const PROGRESS_STEP_BYTES = 8 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

function checkInstant(value: string): string | null {
  return epochUs(value) === null ? 'must be a date and time, as 2023-11-28T02:21:36Z' : null;
}

function checkCode(value: string): string | null {
  return /^[0-9]{3}$|^[1-5]xx$|^0$/.test(value) ? null : 'must be a status code, as 503 or 5xx';
}

export const FILTER_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'since',
    value: '<time>',
    help: 'only requests that began then or later: 2023-11-28T02:21:36Z',
    check: checkInstant,
  },
  { name: 'until', value: '<time>', help: 'only requests that began before', check: checkInstant },
  { name: 'path', value: '<prefix>', help: 'only requests whose path begins so' },
  { name: 'code', value: '<code>', help: 'only requests with this status: 503, or 5xx', check: checkCode },
];

export const JSON_OPTION: OptionSpec = { name: 'json', help: 'as JSON, for machines' };

export function topOption(shown: string, standard: number): OptionSpec {
  return {
    name: 'top',
    value: '<n>',
    help: `${shown}; default ${standard}`,
    check: wholeNumber(1, 1_000_000),
  };
}

export const FILES_NOTE =
  'FILE is a log of nodeproxy, of the talk’s Envoy, or a plain one of Istio or Envoy, as text or as JSON lines, plain or gzip; `-` is ' +
  'standard input. Lines that cannot be read are counted and shown, and stop nothing.';

export function filterOf({ values }: ParsedOptions): LineFilter {
  const instant = (name: string): number | null => {
    const text = values.get(name);
    return text === undefined ? null : epochUs(text);
  };
  const code = values.get('code');
  return {
    sinceUs: instant('since'),
    untilUs: instant('until'),
    path: values.get('path') ?? null,
    code: code === undefined ? null : Number(code.replace('xx', '')),
  };
}

export function filesOf({ positionals }: ParsedOptions, command: string): readonly string[] {
  if (positionals.length === 0) throw new UsageError(`${command} needs a file, or - for standard input`);
  if (positionals.filter((file) => file === '-').length > 1)
    throw new UsageError('standard input (-) can be read once');
  return positionals;
}

/** Reads everything; `EXIT_FAILED` with a message when a file cannot be read, and what was read of others is not shown. */
export async function readAll(
  files: readonly string[],
  reader: LineReader,
  out: Output,
): Promise<{ readonly code: number; readonly remarks: readonly string[] }> {
  const progress = new Progress();
  try {
    const onProgress = process.stderr.isTTY ? { onProgress: progress.show } : {};
    return { code: EXIT_OK, remarks: await readLogs(files, reader, onProgress) };
  } catch (error) {
    if (!(error instanceof LogReadError)) throw error;
    // Else the message would stand behind it.
    progress.clear();
    out.problem(`nodeproxy: ${error.message}`);
    return { code: EXIT_FAILED, remarks: [] };
  } finally {
    progress.clear();
  }
}

/** What every view says of lines that it could not read; on standard error, so that results stay tables. */
export function tellUnread(reader: LineReader, remarks: readonly string[], out: Output): void {
  for (const remark of remarks) out.problem(`nodeproxy: ${remark}`);
  const text = unreadableText(reader.unreadable, { ...textStyle(), bold: plain, dim: plain });
  if (text.length > 0) out.problem(text.join('\n'));
}

function plain(text: string): string {
  return text;
}

/** One line, written over and over; only ever on a terminal. */
class Progress {
  #shown = 0;
  #onScreen = false;

  readonly show = ({ file, bytes, size }: ReadProgress): void => {
    if (bytes < PROGRESS_FROM_BYTES || bytes - this.#shown < PROGRESS_STEP_BYTES) return;
    this.#shown = bytes;
    this.#onScreen = true;
    const of =
      size > 0 ? ` of ${Math.round(size / MEBIBYTE)} MiB, ${Math.floor((bytes / size) * 100)} %` : ' MiB';
    process.stderr.write(`\r\u001b[K${file}: ${Math.round(bytes / MEBIBYTE)}${of}`);
    if (bytes === size) this.#shown = 0;
  };

  clear(): void {
    if (this.#onScreen) process.stderr.write('\r\u001b[K');
    this.#onScreen = false;
  }
}

/** Colours only where standard output is a terminal that has them; `NO_COLOR` is obeyed (`styleText` sees to both). */
export function textStyle(): TextStyle {
  const columns = process.stdout.isTTY ? process.stdout.columns : DEFAULT_WIDTH;
  return {
    width: Math.min(Math.max(columns, 60), WIDEST),
    bold: (text) => styleText('bold', text),
    dim: (text) => styleText('dim', text),
    red: (text) => styleText('red', text),
    yellow: (text) => styleText('yellow', text),
  };
}

/** Columns as wide as their longest value; numbers to the right. */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
): string[] {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [textStyle().bold(line(head)), ...rows.map(line)];
}
