/**
 * Instants of a record: its start in epoch microseconds, and stamps (`mm:ss.mmm`, the hour is in the start) set against each other.
 *
 * Invariant: a stamp is less than half an hour away from the one it is compared with, so the hour's wrap can be told from a step
 * back (lines of one request truncate to the millisecond, steps back are of one).
 */
import type { ReadGroup, WriteGroup } from '../observe/grammar/fragments.ts';
import type { LineContent } from './parse-record.ts';

export const HOUR_US = 3_600_000_000;
const SECOND_US = 1_000_000;

/** Microseconds from one stamp to a later one; negative if it is earlier by less than half an hour. */
export function stampDistance(from: number, to: number): number {
  const distance = to - from;
  if (distance < -HOUR_US / 2) return distance + HOUR_US;
  return distance > HOUR_US / 2 ? distance - HOUR_US : distance;
}

/** ISO 8601, or a number of seconds or milliseconds since the epoch. Null: none of these. */
export function epochUs(text: string): number | null {
  if (/^\d{9,11}(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * SECOND_US);
  if (/^\d{13}$/.test(text)) return Number(text) * 1000;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  const fraction = /\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? '';
  return ms * 1000 + Number(fraction.padEnd(3, '0'));
}

/** The first read of the request is its start: where groups count microseconds, the start gains them. */
export function refineStart(startUs: number | null, content: LineContent): number | null {
  const [first] = content.downstreamReads ?? [];
  if (startUs === null || first === undefined || first.kind !== 'read' || first.unit === 'ms') return startUs;
  const distance = stampDistance(startUs % HOUR_US, first.stampUs);
  return Math.abs(distance) < SECOND_US ? startUs + distance : startUs;
}

/** 1 if anything in the line counts microseconds. */
export function resolutionOf(content: LineContent): number {
  if (content.ledger !== null) return 1;
  const groups: readonly (ReadGroup | WriteGroup | null)[] = [
    content.downstreamReads,
    content.upstreamWrites,
    content.upstreamReads,
    content.downstreamWrites,
  ];
  return groups.some((group) => group?.some((each) => each.kind !== 'skipped' && each.unit === 'us'))
    ? 1
    : 1000;
}

/** From the first to the last stamp of all groups: of a cut line, all that is known of its total. */
export function groupsSpanUs(content: LineContent): number | null {
  const { downstreamReads, upstreamWrites, upstreamReads, downstreamWrites } = content;
  let first: number | null = null;
  let span = 0;
  for (const group of [downstreamReads, upstreamWrites, upstreamReads, downstreamWrites]) {
    for (const fragment of group ?? []) {
      if (fragment.kind === 'skipped') continue;
      first ??= fragment.stampUs;
      span = Math.max(span, stampDistance(first, fragment.stampUs));
    }
  }
  return first === null ? null : span;
}
