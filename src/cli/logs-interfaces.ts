/** `nodeproxy logs interfaces FILE…|-`: count and latency of each interface, a method and a path without its variable parts. */
import { LineReader } from '../diagnose/scan/line-reader.ts';
import { InterfaceView } from '../diagnose/views/interface-view.ts';
import { printable, shortened } from '../diagnose/waterfall/printable.ts';
import { count, lengthOf, percent, plural } from '../diagnose/words.ts';
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
import type { ParsedOptions } from './option.ts';

const DEFAULT_TOP = 30;
const NAME_SHOWN = 70;

export const LOGS_INTERFACES: Command = {
  name: 'logs interfaces',
  summary: 'Count requests and latency by method and path template',
  usage: 'FILE…|- [options]',
  options: [JSON_OPTION, topOption('interfaces shown', DEFAULT_TOP), ...FILTER_OPTIONS],
  notes: [
    FILES_NOTE,
    'Numbers, UUIDs, hashes and tokens of a path become `{id}`. At most 1000 interfaces are told apart; the rest is counted together.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const files = filesOf(parsed, 'logs interfaces');
  const view = new InterfaceView();
  const reader = new LineReader(view, filterOf(parsed));
  const { code, remarks } = await readAll(files, reader, out);
  if (code !== EXIT_OK) return code;
  const interfaces = view.report();
  const top = Number(parsed.values.get('top') ?? DEFAULT_TOP);
  if (parsed.values.has('json')) out.result(JSON.stringify({ requests: view.requests, interfaces }));
  else {
    const rows = interfaces
      .slice(0, top)
      .map(({ name, count: requests, failures, latency }) => [
        count(requests),
        percent(failures / requests),
        lengthOf(latency.p50),
        lengthOf(latency.p99),
        lengthOf(latency.max),
        shortened(printable(name), NAME_SHOWN),
      ]);
    const more =
      interfaces.length > top ? [`and ${plural(interfaces.length - top, 'interface')} more (--top)`] : [];
    const table = tableText(['requests', 'failed', 'p50', 'p99', 'max', 'interface'], rows, [
      true,
      true,
      true,
      true,
      true,
    ]);
    out.result(interfaces.length === 0 ? 'No requests.' : [...table, ...more].join('\n'));
  }
  tellUnread(reader, remarks, out);
  return EXIT_OK;
}
