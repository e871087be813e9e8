/**
 * `nodeproxy logs errors FILE…|-`: 4xx and 5xx by code, path and flags, counted exactly; and the alert of 404 that no service ever
 * hears of, because no route matched.
 */
import { LineReader } from '../diagnose/scan/line-reader.ts';
import { ErrorView } from '../diagnose/views/error-view.ts';
import type { ErrorReport } from '../diagnose/views/error-view.ts';
import { printable, shortened } from '../diagnose/waterfall/printable.ts';
import { count, percent, plural } from '../diagnose/words.ts';
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
  textStyle,
  topOption,
} from './logs-options.ts';
import { wholeNumber } from './option.ts';
import type { ParsedOptions } from './option.ts';

const DEFAULT_TOP = 20;
const DEFAULT_ALERT = 1;
const PATH_SHOWN = 60;

export const LOGS_ERRORS: Command = {
  name: 'logs errors',
  summary: 'Count failed requests by code, path and flags',
  usage: 'FILE…|- [options]',
  options: [
    JSON_OPTION,
    topOption('rows shown', DEFAULT_TOP),
    {
      name: 'alert-404',
      value: '<n>',
      help: `warn from so many 404 that no route matched; default ${DEFAULT_ALERT}`,
      check: wholeNumber(1, 1_000_000_000),
    },
    ...FILTER_OPTIONS,
  ],
  notes: [
    FILES_NOTE,
    'A 404 that a service answered is its own affair and raises no alert; one that no route matched (NR) reaches no service.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const files = filesOf(parsed, 'logs errors');
  const view = new ErrorView();
  const reader = new LineReader(view, filterOf(parsed));
  view.names = reader.names;
  const { code, remarks } = await readAll(files, reader, out);
  if (code !== EXIT_OK) return code;
  const report = view.report();
  const { values } = parsed;
  const alertFrom = Number(values.get('alert-404') ?? DEFAULT_ALERT);
  if (values.has('json')) out.result(JSON.stringify({ ...report, alert: report.unrouted >= alertFrom }));
  else out.result(errorText(report, Number(values.get('top') ?? DEFAULT_TOP), alertFrom).join('\n'));
  tellUnread(reader, remarks, out);
  return EXIT_OK;
}

function errorText(report: ErrorReport, top: number, alertFrom: number): string[] {
  const { requests, clientErrors, serverErrors, withoutCode, codes, rows, unrouted } = report;
  const { bold, red } = textStyle();
  const share = (part: number): string => `${count(part)} (${percent(requests === 0 ? 0 : part / requests)})`;
  const head = `${bold(plural(requests, 'request'))}: 4xx ${share(clientErrors)}, 5xx ${share(serverErrors)}, without a code ${share(withoutCode)}`;
  if (rows.length === 0) return [head];
  const byCode = codes.map(({ code, count: times }) => `${code} × ${count(times)}`).join('   ');
  const table = tableText(
    ['requests', 'code', 'flags', 'answered by', 'path', 'details'],
    rows
      .slice(0, top)
      .map((row) => [
        count(row.count),
        String(row.code),
        printable(row.flags),
        row.own ? 'proxy' : 'service',
        shortened(printable(row.path), PATH_SHOWN),
        printable(row.details),
      ]),
    [true, true],
  );
  const more = rows.length > top ? [`and ${plural(rows.length - top, 'row')} more (--top)`] : [];
  const alert =
    unrouted < alertFrom
      ? []
      : [
          '',
          red(
            `Alert: ${plural(unrouted, 'request')} matched no route and got 404 from the proxy; no service has heard of them.`,
          ),
        ];
  return [head, byCode, '', ...table, ...more, ...alert];
}
