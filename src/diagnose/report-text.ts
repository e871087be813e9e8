/**
 * The report for a person at a terminal: the numbers, where the time went, then the causes, each with its share, its evidence and what
 * to change. Made to be read in a minute: bars and bold first lines carry it, lines of the log are cut to the width.
 */
import { byProcess } from './balance.ts';
import type { CauseId, Finding, Report, UnreadableLines } from './report.ts';
import { printable, shortened } from './waterfall/printable.ts';
import { count, lengthOf, percent, plural } from './words.ts';

export interface TextStyle {
  readonly width: number;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
}

const same = (text: string): string => text;
export const PLAIN_STYLE: TextStyle = { width: 100, bold: same, dim: same, red: same, yellow: same };

const BAR = 24;
const GROUP_ROWS = 3;
const SEGMENTS_SHOWN = 8;
const SMALL_SEGMENT = 0.005;

export interface TextOptions {
  /** Causes shown in full. */
  readonly top: number;
  readonly style?: TextStyle;
}

const CAUSE_NAMES: Readonly<Record<CauseId, string>> = {
  'fragmented-request': 'request in pieces',
  'read-late': 'read late',
  'loop-busy': 'worker held',
  'head-body-gap': 'head and body apart',
  'flow-control': 'flow control',
  'slow-filter': 'slow filter',
  'pool-wait': 'pool wait',
  'new-connections': 'new connections',
  'unused-connections': 'unused connections',
  'slow-upstream-first-byte': 'slow upstream',
  'slow-upstream-body': 'slow response body',
  'slow-kernel': 'slow system calls',
  'blocked-writes': 'blocked writes',
  'large-head': 'large header',
  'plain-text': 'plain text',
  'thread-imbalance': 'uneven workers',
  failures: 'failures',
};

export function reportText(report: Report, { top, style = PLAIN_STYLE }: TextOptions): string {
  if (report.requests === 0) return [nothing(report), ...unreadableText(report.unreadable, style)].join('\n');
  const parts = [summary(report, style), segmentsText(report, style), findingsText(report, top, style)];
  if (report.balance !== null && report.balance.threads.length > 1) parts.push(workersLine(report, style));
  parts.push(
    unreadableText(report.unreadable, style),
    report.remarks.map((each) => style.dim(`· ${each}`)),
  );
  return parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n');
}

function nothing({ lines, remarks }: Report): string {
  if (lines === 0) return 'Nothing to diagnose: the input is empty.';
  return [
    `Nothing to diagnose: none of ${plural(lines, 'line')} is a request of an access log.`,
    ...remarks,
  ].join('\n');
}

function summary(report: Report, { bold }: TextStyle): string[] {
  const { latency, requests, lines, unreadable, firstUs, lastUs } = report;
  const broken = unreadable.reduce((sum, each) => sum + each.count, 0);
  const span =
    firstUs === null || lastUs === null
      ? ''
      : `, ${instant(firstUs)} to ${instant(lastUs)} (${lengthOf(lastUs - firstUs, 1000)})`;
  return [
    bold(plural(requests, 'request')) +
      ` in ${plural(lines, 'line')}${broken > 0 ? `, ${count(broken)} unreadable` : ''}${span}`,
    `latency  p50 ${lengthOf(latency.p50)}   p90 ${lengthOf(latency.p90)}   p99 ${lengthOf(latency.p99)}   p99.9 ${lengthOf(latency.p999)}   max ${lengthOf(latency.max)}`,
    `slow     from ${lengthOf(report.slowFromUs)} on: ${plural(report.slowRequests, 'request')}`,
  ];
}

function instant(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ');
}

function segmentsText({ segments }: Report, { bold }: TextStyle): string[] {
  const shown = segments.filter(
    ({ share }, index) => index < SEGMENTS_SHOWN && (share >= SMALL_SEGMENT || index === 0),
  );
  const rest = segments.slice(shown.length);
  const width = Math.max(...shown.map(({ segment }) => segment.length), 6);
  const lines = shown.map(({ segment, us, share }) => {
    const bar = '█'.repeat(Math.max(1, Math.round(share * BAR))).padEnd(BAR);
    return `  ${segment.padEnd(width)}  ${bar} ${percent(share).padStart(6)}  ${lengthOf(us)}`;
  });
  const more = rest.map(({ segment, share }) => `${segment} ${percent(share)}`).join(', ');
  return [bold('Where the time went'), ...lines, ...(more === '' ? [] : [`  and ${more}`])];
}

function findingsText({ findings }: Report, top: number, style: TextStyle): string[] {
  if (findings.length === 0)
    return [style.bold('No causes found.') + ' Nothing in this log is above its threshold.'];
  const lines = [
    style.bold(findings.length === 1 ? 'One cause found' : `${findings.length} causes found, worst first`),
  ];
  findings.slice(0, top).forEach((finding, index) => {
    lines.push('', ...findingText(finding, index + 1, style));
  });
  const rest = findings.slice(top);
  if (rest.length > 0) {
    const names = rest.map(
      ({ cause, subject }) => `${CAUSE_NAMES[cause]}${subject === '' ? '' : ` (${printable(subject)})`}`,
    );
    lines.push(
      '',
      ...wrapped(
        `and ${rest.length} more (--top ${findings.length} shows them): ${names.join(', ')}`,
        style.width,
        '',
      ),
    );
  }
  return lines;
}

function findingText(finding: Finding, number: number, style: TextStyle): string[] {
  const { cause, subject, what, requests, slowRequests, explainedUs, share, evidence, remedies, details } =
    finding;
  const colour = cause === 'failures' ? style.red : style.yellow;
  const title = `${CAUSE_NAMES[cause]}${subject === '' ? '' : `: ${printable(subject)}`}`;
  const explains =
    explainedUs > 0
      ? `${percent(share)} of the slow requests' time (${lengthOf(explainedUs)} in ${count(slowRequests)})`
      : plural(requests, 'request');
  const lines = [`${style.bold(colour(`${number}. ${title}`))}  ${style.dim(explains)}`];
  lines.push(...wrapped(printable(what), style.width, '   '));
  for (const each of details) lines.push(...wrapped(printable(each), style.width, '   · ', '     '));
  evidence.forEach(({ file, lineNumber, line, reading }, index) => {
    const place = printable(`${file}:${lineNumber}`);
    lines.push(...wrapped(`${place}  ${printable(reading)}`, style.width, '   ▸ ', '     '));
    // The worst line is quoted; the others can be looked up.
    if (index === 0) for (const row of shownLine(line, style.width - 5)) lines.push(style.dim(`     ${row}`));
  });
  for (const { text, setting } of remedies)
    lines.push(
      ...wrapped(`${text}${setting === null ? '' : ` → ${setting}`}`, style.width, '   ✓ ', '     '),
    );
  return lines;
}

/** Two rows: the request, and its groups; what stands between them every line has. Each is cut to the screen, the groups to twice that. */
function shownLine(line: string, width: number): string[] {
  const text = printable(line);
  if (text.length <= width) return [text];
  const groups = text.search(/ : \(\d+\) "/);
  const request = /^\[[^\]]*\] "[^"]*" \S+ \S+/.exec(text)?.[0];
  if (groups < 0 || request === undefined) return [shortened(text, width)];
  const tail = shortened(text.slice(groups + 3), width * GROUP_ROWS);
  return [shortened(`${request} …`, width), ...wrapped(tail, width, '')];
}

function workersLine({ balance }: Report, { bold }: TextStyle): string[] {
  if (balance === null) return [];
  const threads = byProcess(balance.threads).flatMap((process, index) =>
    process.map(
      ({ threadId, requests }, at) => `${index > 0 && at === 0 ? '| ' : ''}(${threadId}) ${count(requests)}`,
    ),
  );
  const shown = threads.slice(0, 16).join('  ');
  return [
    `${bold('Workers')}  ${shown}${threads.length > 16 ? `  … ${threads.length} in all` : ''}   max/min ${balance.maxToMin.toFixed(2)}`,
  ];
}

export function unreadableText(
  unreadable: readonly UnreadableLines[],
  { bold, dim, width }: TextStyle,
): string[] {
  if (unreadable.length === 0) return [];
  const all = unreadable.reduce((sum, each) => sum + each.count, 0);
  const lines = [bold(`${plural(all, 'line')} could not be read`)];
  for (const { reason, count: times, examples } of unreadable) {
    lines.push(`  ${count(times)}  ${reason}`);
    const [example] = examples;
    if (example === undefined) continue;
    const place = `${printable(example.file)}:${example.lineNumber}`;
    lines.push(
      dim(`     ${place}  ${shortened(printable(example.text), Math.max(20, width - place.length - 7))}`),
    );
  }
  return lines;
}

/** By words; a word longer than the width stands alone. */
export function wrapped(text: string, width: number, first: string, next = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + word.length + 1 > width) {
      lines.push(line);
      line = next;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
