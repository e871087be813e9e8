/**
 * The hops of a request on one time axis.
 *
 * Each process stamps its lines by a clock of its own, and two of them differ by up to a millisecond: what was received would seem to
 * come before it was sent. A hop's clock is therefore moved by the least amount that brings every message behind its sending, as far
 * as the messages of both directions allow it.
 */
import type { HopTrace, Stage } from './stage.ts';

export interface MergedTrace {
  readonly stages: readonly Stage[];
  /** By how much each hop's clock was moved; ms. The first is the measure. */
  readonly shifts: readonly number[];
}

export function mergeHops(hops: readonly HopTrace[]): MergedTrace {
  const shifts: number[] = [];
  for (const [index, hop] of hops.entries()) {
    const near = hops[index - 1];
    shifts.push(near === undefined ? 0 : (shifts[index - 1] ?? 0) + shiftOf(near.stages, hop.stages));
  }
  const stages = hops.flatMap(({ stages }, index) => moved(stages, shifts[index] ?? 0));
  // Stable: lines of the same instant keep their order, the nearer hop's first.
  return { stages: stages.sort((a, b) => a.at - b.at), shifts };
}

/** What is to be added to the times of `far`, to which `near` sends. */
function shiftOf(near: readonly Stage[], far: readonly Stage[]): number {
  const sent = [
    timeOf(near, 'pool: new connection') - timeOf(far, 'accept'),
    timeOf(near, 'codec: request encoded') - timeOf(far, 'read from client'),
  ];
  const least = Math.max(-Infinity, ...sent.filter((ms) => !Number.isNaN(ms)));
  const answered = timeOf(near, 'read from upstream') - timeOf(far, 'codec: response encoded');
  const most = Number.isNaN(answered) ? Infinity : answered;
  // Both cannot hold when a line was written long after its call; then the request's direction counts.
  if (least > 0) return least;
  return most < 0 ? Math.max(most, least) : 0;
}

/** NaN: there was none. */
function timeOf(stages: readonly Stage[], name: string): number {
  return stages.find((stage) => stage.name === name)?.at ?? Number.NaN;
}

/** A thread's clock is set anew once a second and may step back by a little: within a hop the order of the log is the truth. */
function moved(stages: readonly Stage[], shift: number): Stage[] {
  let last = -Infinity;
  return stages.map((stage) => {
    last = Math.max(last, stage.at + shift);
    return { ...stage, at: last };
  });
}
