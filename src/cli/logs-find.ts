/** `nodeproxy logs find FILE…|- --path /x`: which sources asked for it, and which hosts answered. */
import { LineReader } from '../diagnose/scan/line-reader.ts';
import { PairView } from '../diagnose/views/pair-view.ts';
import { printable } from '../diagnose/waterfall/printable.ts';
import { count, plural } from '../diagnose/words.ts';
import { EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import {
  FILES_NOTE,
  FILTER_OPTIONS,
  filesOf,
  filterOf,
  JSON_OPTION,
  readAll,
  tableText,
  tellUnread,
  topOption,
} from './logs-options.ts';
import { UsageError } from './option.ts';
import type { ParsedOptions } from './option.ts';

const DEFAULT_TOP = 50;
const SELECTING = ['path', 'code', 'since', 'until'];

export const LOGS_FIND: Command = {
  name: 'logs find',
  summary: 'List who asked for a path and which hosts answered',
  usage: 'FILE…|- --path PREFIX [options]',
  options: [JSON_OPTION, topOption('pairs shown', DEFAULT_TOP), ...FILTER_OPTIONS],
  notes: [
    FILES_NOTE,
    'The source is the first address of x-forwarded-for, or else that of the connection. Destination `-`: the proxy answered itself.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const files = filesOf(parsed, 'logs find');
  const { values } = parsed;
  if (!SELECTING.some((name) => values.has(name)))
    throw new UsageError('logs find needs --path, --code, --since or --until');
  const view = new PairView();
  const reader = new LineReader(view, filterOf(parsed));
  const { code, remarks } = await readAll(files, reader, out);
  if (code !== EXIT_OK) return code;
  const pairs = view.report();
  const top = Number(values.get('top') ?? DEFAULT_TOP);
  if (values.has('json')) out.result(JSON.stringify({ requests: view.requests, pairs }));
  else {
    const rows = pairs
      .slice(0, top)
      .map((pair) => [
        count(pair.count),
        count(pair.failures),
        printable(pair.source),
        '->',
        printable(pair.destination),
      ]);
    const more = pairs.length > top ? [`and ${plural(pairs.length - top, 'pair')} more (--top)`] : [];
    const table = tableText(['requests', 'failed', 'source', '', 'destination'], rows, [true, true]);
    out.result(pairs.length === 0 ? 'No such requests.' : [...table, ...more].join('\n'));
  }
  tellUnread(reader, remarks, out);
  return EXIT_OK;
}
