/** What to look at in a line, in numbers: pieces of the sentences that several detectors say. */
import type {
  ReadFragment,
  ReadGroup,
  SkippedFragments,
  WriteGroup,
} from '../../observe/grammar/fragments.ts';
import type { LogRecord } from '../record.ts';
import { stampDistance } from '../record-times.ts';
import { lengthOf, sizeText, stampText } from '../words.ts';

const SHOWN = 4;

export function totalText({ totalUs, resolutionUs }: LogRecord): string {
  return totalUs === null ? 'an unknown total' : lengthOf(totalUs, resolutionUs);
}

/** In microseconds; 0 where the line does not say. */
export function ledgerUs(record: LogRecord, segment: string): number {
  return record.ledger?.find((entry) => entry.segment === segment)?.us ?? 0;
}

/** `2 reads: 14.1 KiB, 242 KiB 0 ms later`. */
export function readsText(group: ReadGroup | null): string {
  const reads = (group ?? []).filter((each) => each.kind === 'read');
  const skipped = (group ?? []).find((each) => each.kind === 'skipped');
  const number = reads.length + (skipped?.kind === 'skipped' ? skipped.count : 0);
  const shown = reads.slice(0, SHOWN).map((read, index) => pieceText(reads, read, index));
  const more = number > SHOWN ? `, … ${lastText(reads)}` : '';
  return `${number} ${number === 1 ? 'read' : 'reads'}: ${shown.join(', ')}${more}`;
}

function pieceText(reads: readonly ReadFragment[], read: ReadFragment, index: number): string {
  const before = reads[index - 1];
  if (before === undefined) return sizeText(read.bytes);
  const waited = (read.waited ?? 0) * (read.unit === 'us' ? 1 : 1000);
  const later = lengthOf(
    Math.max(0, stampDistance(before.stampUs, read.stampUs)),
    read.unit === 'us' ? 1 : 1000,
  );
  return `${sizeText(read.bytes)} ${later} later${waited > 0 ? ` (${lengthOf(waited)} of it in the kernel)` : ''}`;
}

function lastText(reads: readonly ReadFragment[]): string {
  const [first, last] = [reads[0], reads.at(-1)];
  if (first === undefined || last === undefined) return '';
  return `the last ${lengthOf(Math.max(0, stampDistance(first.stampUs, last.stampUs)))} after the first`;
}

export function spanUs(group: ReadGroup | WriteGroup | null): number {
  const pieces = (group ?? []) as readonly (SkippedFragments | { kind: 'read' | 'write'; stampUs: number })[];
  const stamps = pieces.flatMap((each) => (each.kind === 'skipped' ? [] : [each.stampUs]));
  const [first, last] = [stamps[0], stamps.at(-1)];
  return first === undefined || last === undefined ? 0 : Math.max(0, stampDistance(first, last));
}

interface Wait {
  readonly us: number;
  /** Before the first read of the message: no total has it. */
  readonly first: boolean;
  readonly text: string;
}

/** `6 ms until 18:00.674` of the longest wait in the kernel; null if no read had to wait. */
export function longestWait(group: ReadGroup | null): Wait | null {
  let longest: Wait | null = null;
  for (const read of group ?? []) {
    if (read.kind === 'skipped') continue;
    const scale = read.unit === 'us' ? 1 : 1000;
    const us = (read.waited ?? 0) * scale;
    if (us <= (longest?.us ?? 0)) continue;
    longest = {
      us,
      first: read === group?.[0],
      text: `${lengthOf(us)} until ${stampText(read.stampUs, scale)}`,
    };
  }
  return longest;
}

/** What the request is called in a sentence: `GET /slow`. */
export function requestText({ base }: LogRecord): string {
  if (base === null) return 'a request';
  const path = base.path ?? '';
  return `${base.method ?? '-'} ${path.length > 60 ? `${path.slice(0, 59)}…` : path}`;
}

export function hostOf({ base }: LogRecord): string {
  return base?.upstreamHost ?? base?.upstreamCluster ?? 'the upstream';
}
