/**
 * `nodeproxy logs diagnose FILE…|-`: what was slow or failed in a log, why, and what to change.
 *
 * Options become thresholds and a filter of the engine (`diagnose/diagnosis.ts`); its report goes out as text, JSON or a page.
 */
import { writeFileSync } from 'node:fs';
import { Diagnosis } from '../diagnose/diagnosis.ts';
import { reportText } from '../diagnose/report-text.ts';
import { DEFAULT_THRESHOLDS } from '../diagnose/thresholds.ts';
import type { Thresholds } from '../diagnose/thresholds.ts';
import type { ExpectTls } from '../diagnose/causes/plain-text.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import type { OptionSpec, ParsedOptions } from './option.ts';
import {
  FILES_NOTE,
  FILTER_OPTIONS,
  filesOf,
  filterOf,
  JSON_OPTION,
  readAll,
  textStyle,
  topOption,
} from './logs-options.ts';

const DEFAULT_TOP = 6;
const US_PER_MS = 1000;
const KIBIBYTE = 1024;

interface ThresholdOption {
  readonly name: string;
  readonly threshold: keyof Thresholds;
  /** Of one of the option's units. */
  readonly scale: number;
  readonly value: string;
  readonly help: string;
}

const ms = (name: string, threshold: keyof Thresholds, help: string): ThresholdOption => ({
  name: `${name}-ms`,
  threshold,
  scale: US_PER_MS,
  value: '<n>',
  help,
});

const THRESHOLDS: readonly ThresholdOption[] = [
  ms('slow', 'slowUs', 'a request is slow from here on'),
  ms('fragment', 'fragmentUs', 'pauses of the client between the pieces of a request, together'),
  ms('late', 'lateUs', 'bytes waited in the kernel for a busy worker'),
  ms('gap', 'gapUs', 'between a head and its body'),
  ms('flow', 'flowUs', 'reads switched off by flow control'),
  ms('filter', 'filterUs', 'in one HTTP filter'),
  ms('pool', 'poolUs', 'waiting for an upstream connection'),
  ms('connect', 'connectUs', 'opening an upstream connection'),
  ms('upstream', 'upstreamUs', 'to the first byte of the response'),
  ms('body', 'bodyUs', 'waiting for more of the response'),
  ms('kernel', 'kernelUs', 'inside one read or write call'),
  ms('blocked', 'blockedUs', 'a write waiting for its peer'),
  {
    name: 'head-kb',
    threshold: 'headBytes',
    scale: KIBIBYTE,
    value: '<n>',
    help: 'a header is large from here on, in KiB',
  },
  {
    name: 'imbalance',
    threshold: 'imbalance',
    scale: 1,
    value: '<x>',
    help: 'requests of the busiest worker by those of the idlest',
  },
  {
    name: 'reuse',
    threshold: 'reuse',
    scale: 1,
    value: '<share>',
    help: 'of requests that found their connection open, 0 to 1',
  },
];

function checkPositive(value: string): string | null {
  return /^\d+(\.\d+)?$/.test(value) ? null : 'must be a number, 0 or more';
}

function defaultText({ threshold, scale }: ThresholdOption): string {
  const value = DEFAULT_THRESHOLDS[threshold];
  return value === null
    ? 'three times the median, or the median where hardly any request reaches that, at least 20'
    : String(value / scale);
}

const OPTIONS: readonly OptionSpec[] = [
  JSON_OPTION,
  {
    name: 'html',
    value: '<file>',
    help: 'also write a page with charts and the waterfall of every notable request',
  },
  topOption('causes shown in full', DEFAULT_TOP),
  { name: 'expect-tls', help: 'connections to upstreams are to use TLS: name those that do not' },
  { name: 'expect-tls-downstream', help: 'those of clients too' },
  ...FILTER_OPTIONS,
  ...THRESHOLDS.map((option) => ({
    name: option.name,
    value: option.value,
    help: `threshold: ${option.help}; default ${defaultText(option)}`,
    check: checkPositive,
  })),
];

export const LOGS_DIAGNOSE: Command = {
  name: 'logs diagnose',
  summary: 'Say what was slow or failed in an access log, why, and what to change',
  usage: 'FILE…|- [options]',
  options: OPTIONS,
  notes: [
    FILES_NOTE,
    'Causes stand worst first: failures, then by the time of slow requests that each explains. A cause is reported from 1 % of all requests ' +
      'on, or when it explains much of the slow time; a threshold of a length must also be 10 % of its request.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const files = filesOf(parsed, 'logs diagnose');
  const { values } = parsed;
  const diagnosis = new Diagnosis({
    thresholds: thresholdsOf(values),
    expectTls: expectTlsOf(values),
    filter: filterOf(parsed),
  });
  const { code, remarks } = await readAll(files, diagnosis.reader, out);
  if (code !== EXIT_OK) return code;
  const report = diagnosis.report(files, remarks);
  if (values.has('json')) out.result(JSON.stringify(report));
  else out.result(reportText(report, { top: Number(values.get('top') ?? DEFAULT_TOP), style: textStyle() }));
  const page = values.get('html');
  if (page === undefined) return EXIT_OK;
  // Loaded only here: most reports are read in the terminal.
  const { renderPage } = await import('../diagnose/page/render-page.ts');
  try {
    writeFileSync(page, renderPage(report));
  } catch (error) {
    out.problem(`nodeproxy: --html: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_FAILED;
  }
  out.problem(`nodeproxy: the page is ${page}`);
  return EXIT_OK;
}

function thresholdsOf(values: ParsedOptions['values']): Partial<Thresholds> {
  const given = THRESHOLDS.flatMap(({ name, threshold, scale }): [string, number][] => {
    const value = values.get(name);
    return value === undefined ? [] : [[threshold, Number(value) * scale]];
  });
  return Object.fromEntries(given);
}

function expectTlsOf(values: ParsedOptions['values']): ExpectTls {
  if (values.has('expect-tls-downstream')) return 'both';
  return values.has('expect-tls') ? 'upstream' : 'nowhere';
}
