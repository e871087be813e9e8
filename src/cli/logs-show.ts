/**
 * `nodeproxy logs show ID [FILE…|-]`: the waterfall of one request in the terminal, drawn from its log line, and the line in words.
 *
 *   nodeproxy logs show 8d1ba2c4-cfad-91cb-8c45-9040d3836aa1 access.log access.log.1.gz
 *   nodeproxy logs show access.log:120
 *   kubectl logs … | nodeproxy logs show 120
 */
import { existsSync } from 'node:fs';
import { isUnreadable } from '../diagnose/parse-record.ts';
import type { LogRecord } from '../diagnose/record.ts';
import { LogReadError } from '../diagnose/read-logs.ts';
import { logLines } from '../diagnose/waterfall/lines.ts';
import { printable } from '../diagnose/waterfall/printable.ts';
import { findById, findByNumber } from '../diagnose/waterfall/search.ts';
import { renderTerminal } from '../diagnose/waterfall/terminal.ts';
import type { TerminalStyle } from '../diagnose/waterfall/terminal.ts';
import { waterfallOf } from '../diagnose/waterfall/waterfall.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError, wholeNumber } from './option.ts';
import type { ParsedOptions } from './option.ts';

const STANDARD_INPUT = '-';
const DEFAULT_COLUMNS = 100;

export const LOGS_SHOW: Command = {
  name: 'logs show',
  summary: 'Draw the waterfall of one request from its access-log line',
  usage: 'ID [FILE…|-] [options]',
  options: [
    { name: 'ascii', help: 'bars of plain characters' },
    {
      name: 'width',
      value: '<columns>',
      help: "how wide to draw; default the terminal's width, or 100",
      check: wholeNumber(40, 1000),
    },
  ],
  notes: [
    'ID is a request id (x-request-id; its first 8 characters are enough), a line number, or FILE:LINE. Files may be packed with gzip; without one, standard input is read.',
    'Several lines with the id (retries, several proxies on the way) are all shown, in the order in which they began. Exit code 1 when there is none.',
  ],
  run,
};

/** What was asked for. */
type Wanted =
  | { readonly kind: 'id'; readonly id: string; readonly files: readonly string[] }
  | { readonly kind: 'line'; readonly lineNumber: number; readonly file: string };

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const wanted = wantedOf(parsed.positionals);
  const style = styleOf(parsed);
  try {
    return wanted.kind === 'id' ? await showById(wanted, style, out) : await showLine(wanted, style, out);
  } catch (error) {
    if (!(error instanceof LogReadError)) throw error;
    out.problem(`nodeproxy: ${error.message}`);
    return EXIT_FAILED;
  }
}

function wantedOf([id, ...files]: readonly string[]): Wanted {
  if (id === undefined) throw new UsageError('logs show needs a request id, a line number or FILE:LINE');
  const place = /^(.+):(\d+)$/.exec(id);
  if (files.length === 0 && place !== null) {
    const [, file = '', lineNumber] = place;
    if (file === STANDARD_INPUT || existsSync(file))
      return { kind: 'line', file, lineNumber: Number(lineNumber) };
  }
  if (!/^\d{1,15}$/.test(id)) return { kind: 'id', id, files: files.length === 0 ? [STANDARD_INPUT] : files };
  if (files.length > 1) throw new UsageError(`line ${id} of which file? Write it as FILE:${id}`);
  return { kind: 'line', lineNumber: Number(id), file: files[0] ?? STANDARD_INPUT };
}

function styleOf({ values }: ParsedOptions): TerminalStyle {
  const { stdout } = process;
  const columns = values.get('width') ?? ((stdout.isTTY && stdout.columns) || DEFAULT_COLUMNS);
  // `hasColors` also reads NO_COLOR and what the terminal can.
  const colours = stdout.isTTY && stdout.hasColors();
  return { columns: Number(columns), ascii: values.has('ascii'), colours };
}

async function showById(
  { id, files }: Extract<Wanted, { kind: 'id' }>,
  style: TerminalStyle,
  out: Output,
): Promise<number> {
  const { records, leftOut } = await findById(id, files, logLines);
  if (records.length === 0) {
    out.problem(`nodeproxy: no readable line of ${namesOf(files)} carries the id ${printable(id)}`);
    return EXIT_FAILED;
  }
  if (records.length > 1)
    out.result(`${records.length + leftOut} lines carry this id; in the order in which they began:\n`);
  out.result(
    records.map((record) => draw(record, style)).join(`\n\n${'-'.repeat(Math.min(style.columns, 100))}\n\n`),
  );
  if (leftOut > 0) out.problem(`nodeproxy: ${leftOut} more lines with this id are not shown`);
  return EXIT_OK;
}

async function showLine(
  { file, lineNumber }: Extract<Wanted, { kind: 'line' }>,
  style: TerminalStyle,
  out: Output,
): Promise<number> {
  const found = await findByNumber(lineNumber, file, logLines);
  if (found === null || isUnreadable(found)) {
    const why = found === null ? 'there is no such line' : `${found.reason}: ${printable(found.text)}`;
    out.problem(`nodeproxy: ${namesOf([file])}:${lineNumber}: ${why}`);
    return EXIT_FAILED;
  }
  out.result(draw(found, style));
  return EXIT_OK;
}

function draw(record: LogRecord, style: TerminalStyle): string {
  return renderTerminal(waterfallOf(record), style);
}

function namesOf(files: readonly string[]): string {
  return files.map((file) => (file === STANDARD_INPUT ? 'standard input' : file)).join(', ');
}
