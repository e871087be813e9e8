/**
 * When flow control kept the reads of a connection off: intervals out of the marks `!n` (off) and `+ms<t>` (on again) of a group.
 *
 * A `+` names its whole interval, also one that began in an earlier request's line. A `!` that no `+` follows is an interval with an
 * open end: at the next read at the latest reads were on again.
 */
import type { SkippedFragments } from '../../observe/grammar/fragments.ts';
import { isSkipped } from './clock.ts';
import type { PlacedRead } from './clock.ts';
import { finest } from './words.ts';

export interface Pause {
  readonly connectionId: number;
  readonly fromUs: number;
  /** Null: the line does not say; then reads were on again at `nextReadUs`, if there was a next read. */
  readonly toUs: number | null;
  readonly nextReadUs: number | null;
  /** Shortest length that the line can tell of it, us. */
  readonly finestUs: number;
  /** Largest `n` of `!n`; 0: switched off in an earlier line. */
  readonly deepest: number;
}

interface Open {
  readonly fromUs: number;
  readonly finestUs: number;
  readonly connectionId: number;
  deepest: number;
}

export function pausesOf(group: readonly (PlacedRead | SkippedFragments)[]): Pause[] {
  const pauses: Pause[] = [];
  let open: Open | null = null;
  const leave = (pause: Open, nextReadUs: number | null): void => {
    pauses.push({ ...pause, toUs: null, nextReadUs });
  };
  for (const entry of group) {
    if (isSkipped(entry)) continue;
    const { connectionId } = entry.fragment;
    const finestUs = finest(entry.fragment);
    const resumes = entry.flows.some(({ kind }) => kind === 'resumed');
    if (open !== null && !resumes && entry.atUs > open.fromUs) {
      leave(open, entry.atUs);
      open = null;
    }
    for (const flow of entry.flows) {
      if (flow.kind === 'paused') {
        open ??= { fromUs: flow.atUs, connectionId, finestUs, deepest: 0 };
        open.deepest = Math.max(open.deepest, flow.consecutive);
        continue;
      }
      const fromUs = flow.atUs - flow.afterUs;
      pauses.push({
        connectionId,
        finestUs,
        fromUs,
        toUs: flow.atUs,
        nextReadUs: entry.atUs,
        deepest: open?.deepest ?? 0,
      });
      open = null;
    }
  }
  if (open !== null) leave(open, null);
  return pauses;
}
