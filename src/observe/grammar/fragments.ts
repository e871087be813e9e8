/**
 * Parses and prints the groups of an instrumented line: the inverse of `group-printer.ts`, for tools that read logs.
 *
 *   reads   [C99:R:<18:00.633>0,0,10170]H!1,D!1,E!1        also with `waited` missing: <21:37.195>0,1124
 *   writes  [C114~C44:S:0,<18:00.680>0,11345]d
 *   between the first and last fragments of a long message: -(+n,bytes)-
 *
 * Lengths keep the unit that the group was printed in; stamps count microseconds within their hour.
 */
import type { Mark } from '../../api/observe.ts';
import { threeDigits } from '../instant.ts';
import type { TimeUnit } from './group-printer.ts';

/** Flow control at a mark, in the order of the text: reads switched off `consecutive` times, or on again. */
export type Flow =
  | { readonly kind: 'paused'; readonly consecutive: number }
  | { readonly kind: 'resumed'; readonly after: number; readonly stampUs: number };

export interface ParsedMark {
  readonly mark: Mark;
  readonly flows: readonly Flow[];
}

interface Fragment {
  readonly connectionId: number;
  readonly secure: boolean;
  /** Microseconds since the full hour, wall time. */
  readonly stampUs: number;
  /** Inside the system call, in `unit`; null: not known (`-`). */
  readonly took: number | null;
  readonly bytes: number;
  readonly unit: TimeUnit;
}

export interface ReadFragment extends Fragment {
  readonly kind: 'read';
  /** In the kernel, in `unit`; null: not known (`-`); undefined: the number is missing in the line. */
  readonly waited: number | null | undefined;
  readonly marks: readonly ParsedMark[];
}

export interface WriteFragment extends Fragment {
  readonly kind: 'write';
  /** Connection that the pool opened for the request, 0 = none; null in the downstream group, which has no pool. */
  readonly createdConnectionId: number | null;
  readonly blocked: number;
  readonly drained: boolean;
}

/** Fragments of a long message that were not kept. */
export interface SkippedFragments {
  readonly kind: 'skipped';
  readonly count: number;
  readonly bytes: number;
}

export type ReadGroup = readonly (ReadFragment | SkippedFragments)[];
export type WriteGroup = readonly (WriteFragment | SkippedFragments)[];

const STAMP = '<(\\d\\d):(\\d\\d)\\.(\\d{3}(?:\\d{3})?)>';
const LENGTH = '(\\d+|-)';
const FLOW = '!\\d+|\\+\\d+<\\d\\d:\\d\\d\\.\\d{3,6}>';
const MARK_LIST = `(?:[HDE](?:${FLOW})*(?:,(?=[HDE])|(?![HDE])))*`;
const READ = new RegExp(
  `\\[C(\\d+):([RS]):${STAMP}${LENGTH},(?:${LENGTH},)?(\\d+)\\](${MARK_LIST})(?![HDE])`,
  'y',
);
const WRITE = new RegExp(`\\[C(\\d+)(?:~C(\\d+))?:([RS]):(\\d+),${STAMP}${LENGTH},(\\d+)\\](d?)`, 'y');
const SKIPPED = /\(\+(\d+),(\d+)\)/y;
const MARK = new RegExp(`([HDE])((?:${FLOW})*)`, 'g');
const ONE_FLOW = new RegExp(`!(\\d+)|\\+(\\d+)${STAMP}`, 'g');

/** Null if the text is no group of reads. `-` and the empty text are the group without fragments. */
export function parseReads(text: string): ReadGroup | null {
  return parseGroup(text, READ, readOf);
}

/** Null if the text is no group of writes. */
export function parseWrites(text: string): WriteGroup | null {
  return parseGroup(text, WRITE, writeOf);
}

function parseGroup<T>(
  text: string,
  fragment: RegExp,
  make: (match: RegExpExecArray) => T,
): (T | SkippedFragments)[] | null {
  const group: (T | SkippedFragments)[] = [];
  if (text === '-' || text === '') return group;
  let at = 0;
  for (;;) {
    const match = matchAt(fragment, text, at);
    const skipped = match === null && group.length > 0 ? matchAt(SKIPPED, text, at) : null;
    if (match !== null) {
      group.push(make(match));
      at += match[0].length;
    } else if (skipped !== null) {
      group.push({ kind: 'skipped', count: Number(skipped[1]), bytes: Number(skipped[2]) });
      at += skipped[0].length;
    } else return null;
    if (at === text.length) return group;
    if (text[at] !== '-') return null;
    at += 1;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function readOf(match: RegExpExecArray): ReadFragment {
  const [, connection, security, minutes, seconds, fraction = '', took, waited, bytes, marks = ''] = match;
  return {
    kind: 'read',
    connectionId: Number(connection),
    secure: security === 'S',
    stampUs: stampOf(minutes, seconds, fraction),
    took: lengthOf(took),
    waited: waited === undefined ? undefined : lengthOf(waited),
    bytes: Number(bytes),
    marks: marksOf(marks),
    unit: fraction.length === 6 ? 'us' : 'ms',
  };
}

function writeOf(match: RegExpExecArray): WriteFragment {
  const [, first, second, security, blocked, minutes, seconds, fraction = '', took, bytes, drained] = match;
  return {
    kind: 'write',
    createdConnectionId: second === undefined ? null : Number(first),
    connectionId: Number(second ?? first),
    secure: security === 'S',
    blocked: Number(blocked),
    stampUs: stampOf(minutes, seconds, fraction),
    took: lengthOf(took),
    bytes: Number(bytes),
    drained: drained === 'd',
    unit: fraction.length === 6 ? 'us' : 'ms',
  };
}

function marksOf(text: string): ParsedMark[] {
  const marks: ParsedMark[] = [];
  for (const [, letter, flows = ''] of text.matchAll(MARK)) {
    if (letter === 'H' || letter === 'D' || letter === 'E')
      marks.push({ mark: letter, flows: flowsOf(flows) });
  }
  return marks;
}

function flowsOf(text: string): Flow[] {
  const flows: Flow[] = [];
  for (const [, paused, after, minutes, seconds, fraction = ''] of text.matchAll(ONE_FLOW)) {
    if (paused !== undefined) flows.push({ kind: 'paused', consecutive: Number(paused) });
    else flows.push({ kind: 'resumed', after: Number(after), stampUs: stampOf(minutes, seconds, fraction) });
  }
  return flows;
}

function lengthOf(text: string | undefined): number | null {
  return text === undefined || text === '-' ? null : Number(text);
}

function stampOf(minutes: string | undefined, seconds: string | undefined, fraction: string): number {
  return (Number(minutes) * 60 + Number(seconds)) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

/** The text that `parseReads` or `parseWrites` made the group of. */
export function printGroup(group: ReadGroup | WriteGroup): string {
  return group.length === 0 ? '-' : group.map(printFragment).join('-');
}

function printFragment(fragment: ReadFragment | WriteFragment | SkippedFragments): string {
  if (fragment.kind === 'skipped') return `(+${fragment.count},${fragment.bytes})`;
  const { unit, connectionId, took, bytes } = fragment;
  const security = fragment.secure ? 'S' : 'R';
  const stamp = printStamp(fragment.stampUs, unit) + (took ?? '-');
  if (fragment.kind === 'read') {
    const waited = fragment.waited === undefined ? '' : `${fragment.waited ?? '-'},`;
    const marks = fragment.marks.map((mark) => printMark(mark, unit)).join(',');
    return `[C${connectionId}:${security}:${stamp},${waited}${bytes}]${marks}`;
  }
  const created = fragment.createdConnectionId === null ? '' : `C${fragment.createdConnectionId}~`;
  return `[${created}C${connectionId}:${security}:${fragment.blocked},${stamp},${bytes}]${fragment.drained ? 'd' : ''}`;
}

function printMark({ mark, flows }: ParsedMark, unit: TimeUnit): string {
  let text: string = mark;
  for (const flow of flows) {
    if (flow.kind === 'paused') text += `!${flow.consecutive}`;
    else text += `+${flow.after}${printStamp(flow.stampUs, unit)}`;
  }
  return text;
}

function printStamp(stampUs: number, unit: TimeUnit): string {
  const seconds = Math.floor(stampUs / 1_000_000);
  const us = stampUs % 1_000_000;
  const clock = [Math.floor(seconds / 60), seconds % 60].map((n) => String(n).padStart(2, '0')).join(':');
  const fraction = threeDigits(Math.floor(us / 1000)) + (unit === 'us' ? threeDigits(us % 1000) : '');
  return `<${clock}.${fraction}>`;
}
