/** `nodeproxy logs threads FILE…|-`: requests and connections by worker thread, and whether they are spread evenly. */
import { byProcess } from '../diagnose/balance.ts';
import { BALANCE_REMEDIES, imbalanceText, isUneven } from '../diagnose/causes/thread-imbalance.ts';
import type { Balance } from '../diagnose/report.ts';
import { LineReader } from '../diagnose/scan/line-reader.ts';
import { DEFAULT_THRESHOLDS } from '../diagnose/thresholds.ts';
import { ThreadView } from '../diagnose/views/thread-view.ts';
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
} from './logs-options.ts';
import type { ParsedOptions } from './option.ts';

export const LOGS_THREADS: Command = {
  name: 'logs threads',
  summary: 'Count requests and connections of each worker thread, and tell how even they are',
  usage: 'FILE…|- [options]',
  options: [JSON_OPTION, ...FILTER_OPTIONS],
  notes: [
    FILES_NOTE,
    'Threads of one file, and of files that share a thread, are one process if their times meet; only threads of the same process are compared.',
    'Chi-square is that of the requests against an even split; beside it, how often chance alone does as badly.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const files = filesOf(parsed, 'logs threads');
  const view = new ThreadView();
  const reader = new LineReader(view, filterOf(parsed));
  const { code, remarks } = await readAll(files, reader, out);
  if (code !== EXIT_OK) return code;
  const balance = view.balance();
  if (parsed.values.has('json')) out.result(JSON.stringify({ requests: view.requests, balance }));
  else if (balance === null)
    out.result(
      view.requests === 0
        ? 'No requests.'
        : `None of ${plural(view.requests, 'request')} names its thread (%THREAD_ID% in the format).`,
    );
  else out.result(balanceText(balance).join('\n'));
  tellUnread(reader, remarks, out);
  return EXIT_OK;
}

function balanceText(balance: Balance): string[] {
  const { threads, maxToMin, chiSquare } = balance;
  const processes = byProcess(threads);
  const rows = processes.flatMap((process, index) => {
    const all = process.reduce((sum, { requests }) => sum + requests, 0);
    return process.map(({ threadId, requests, connections }) => [
      `${processes.length > 1 ? `${index + 1}: ` : ''}(${threadId})`,
      count(requests),
      percent(requests / all),
      count(connections),
      deviation(requests, all / process.length),
    ]);
  });
  const table = tableText(
    [processes.length > 1 ? 'process: thread' : 'thread', 'requests', 'share', 'connections', 'from mean'],
    rows,
    [false, true, true, true, true],
  );
  if (threads.length === 1) return [...table, '', 'One worker has everything.'];
  if (threads.length === processes.length) return [...table, '', 'Each process has one worker.'];
  const numbers = `max/min ${maxToMin.toFixed(2)}, chi-square ${chiSquare.toFixed(1)}`;
  if (!isUneven(balance, DEFAULT_THRESHOLDS.imbalance)) return [...table, '', `${numbers}: even enough.`];
  const advice = BALANCE_REMEDIES.map(({ text, setting }) => `${text} -> ${setting ?? ''}`);
  return [...table, '', numbers, imbalanceText(balance), ...advice];
}

function deviation(value: number, mean: number): string {
  const share = (value / mean - 1) * 100;
  return `${share >= 0 ? '+' : ''}${share.toFixed(1)} %`;
}
