/**
 * Gives every fragment of a line its instant: microseconds from the request's start.
 *
 * Stamps are `mm:ss` within an hour that the line does not repeat. They are resolved in the order in which things happen: the first
 * read against START_TIME, everything else against what came before it, taking the next such minute after it (a little earlier is
 * allowed: system calls of one turn may be stamped in any order, and clocks step back). So a request over the full hour is drawn right.
 */
import type { ReadFragment, SkippedFragments, WriteFragment } from '../../observe/grammar/fragments.ts';
import type { LogRecord } from '../record.ts';

const HOUR_US = 3_600_000_000;
/** Stamps may lie this much before what they are resolved against. */
const BACK_US = 60_000_000;

export interface Placed<T> {
  readonly fragment: T;
  readonly atUs: number;
}

/** `after`: reads were off for so long when they were switched on again. */
export type PlacedFlow =
  | { readonly kind: 'paused'; readonly atUs: number; readonly consecutive: number }
  | { readonly kind: 'resumed'; readonly atUs: number; readonly afterUs: number };

export interface PlacedRead extends Placed<ReadFragment> {
  readonly flows: readonly PlacedFlow[];
}

/** Null: the line has no such group. */
export interface Times {
  readonly downstreamReads: readonly (PlacedRead | SkippedFragments)[] | null;
  readonly upstreamWrites: readonly (Placed<WriteFragment> | SkippedFragments)[] | null;
  readonly upstreamReads: readonly (PlacedRead | SkippedFragments)[] | null;
  readonly downstreamWrites: readonly (Placed<WriteFragment> | SkippedFragments)[] | null;
  readonly remarks: readonly string[];
}

export function isSkipped(entry: Placed<unknown> | SkippedFragments): entry is SkippedFragments {
  return 'kind' in entry;
}

/** Microseconds of a length in a fragment's unit; null: not known. */
export function microseconds(length: number | null | undefined, unit: 'ms' | 'us'): number | null {
  if (length === null || length === undefined) return null;
  return unit === 'us' ? length : length * 1000;
}

/** Stamps of one hour, made to run on from where the last one stood. */
class HourClock {
  readonly #startInHour: number;

  constructor(startInHour: number) {
    this.#startInHour = startInHour;
  }

  /** Instant of the stamp that lies from `BACK_US` before `nearUs` up to an hour later. */
  after(stampUs: number, nearUs: number): number {
    const distance = stampUs - this.#startInHour - nearUs;
    return nearUs + modulo(distance + BACK_US, HOUR_US) - BACK_US;
  }

  /** Instant of the stamp that lies up to an hour before `nearUs`, or a little later. */
  before(stampUs: number, nearUs: number): number {
    const distance = stampUs - this.#startInHour - nearUs;
    return nearUs - modulo(BACK_US - distance, HOUR_US) + BACK_US;
  }
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

export function resolveTimes(record: LogRecord): Times {
  const remarks: string[] = [];
  const clock = new HourClock(startInHour(record));
  if (record.base === null && record.startUs === null)
    remarks.push('The line is cut at its front: the axis begins with its first read.');
  if ((record.totalUs ?? 0) >= HOUR_US)
    remarks.push(
      'The request took more than an hour, and stamps have no hour: places may be whole hours too early.',
    );
  const reads = record.downstreamReads === null ? null : placeReads(record.downstreamReads, clock, 0);
  const writes = record.upstreamWrites === null ? null : placeWrites(record.upstreamWrites, clock, 0);
  const sentAt = firstAt(writes) ?? firstAt(reads) ?? 0;
  const upstreamReads =
    record.upstreamReads === null ? null : placeReads(record.upstreamReads, clock, sentAt);
  const answeredAt = firstAt(upstreamReads) ?? sentAt;
  const downstreamWrites =
    record.downstreamWrites === null ? null : placeWrites(record.downstreamWrites, clock, answeredAt);
  return { downstreamReads: reads, upstreamWrites: writes, upstreamReads, downstreamWrites, remarks };
}

/** Where in its hour the request began; a line without a start begins with its first stamp. */
function startInHour(record: LogRecord): number {
  if (record.startUs !== null) return modulo(record.startUs, HOUR_US);
  const groups = [
    record.downstreamReads,
    record.upstreamWrites,
    record.upstreamReads,
    record.downstreamWrites,
  ];
  for (const group of groups) {
    for (const fragment of group ?? []) if (fragment.kind !== 'skipped') return fragment.stampUs;
  }
  return 0;
}

function firstAt(group: readonly (Placed<unknown> | SkippedFragments)[] | null): number | null {
  for (const entry of group ?? []) if (!isSkipped(entry)) return entry.atUs;
  return null;
}

function placeReads(
  group: readonly (ReadFragment | SkippedFragments)[],
  clock: HourClock,
  fromUs: number,
): (PlacedRead | SkippedFragments)[] {
  let near = fromUs;
  return group.map((fragment) => {
    if (fragment.kind === 'skipped') return fragment;
    near = clock.after(fragment.stampUs, near);
    return { fragment, atUs: near, flows: placeFlows(fragment, clock, near) };
  });
}

function placeFlows(fragment: ReadFragment, clock: HourClock, atUs: number): PlacedFlow[] {
  return fragment.marks.flatMap(({ flows }) =>
    flows.map((flow): PlacedFlow => {
      if (flow.kind === 'paused') return { kind: 'paused', atUs, consecutive: flow.consecutive };
      const afterUs = microseconds(flow.after, fragment.unit) ?? 0;
      return { kind: 'resumed', atUs: clock.before(flow.stampUs, atUs), afterUs };
    }),
  );
}

function placeWrites(
  group: readonly (WriteFragment | SkippedFragments)[],
  clock: HourClock,
  fromUs: number,
): (Placed<WriteFragment> | SkippedFragments)[] {
  let near = fromUs;
  return group.map((fragment) => {
    if (fragment.kind === 'skipped') return fragment;
    near = clock.after(fragment.stampUs, near);
    return { fragment, atUs: near };
  });
}
