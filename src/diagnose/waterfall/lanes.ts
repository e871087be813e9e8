/**
 * The lanes of a waterfall that stand for sockets: reads, writes and what lies between two of them, and the times in which flow
 * control kept reads off.
 */
import type { ReadFragment, SkippedFragments, WriteFragment } from '../../observe/grammar/fragments.ts';
import { isSkipped, microseconds } from './clock.ts';
import type { Placed, PlacedRead, Times } from './clock.ts';
import { pausesOf } from './pauses.ts';
import { counted, lengthText } from './printable.ts';
import type { Bar, Lane } from './waterfall.ts';
import { offsetText, readWords, writeWords } from './words.ts';

/** What the two ends of a lane are called in sentences. */
interface Ends {
  readonly peer: 'the client' | 'the upstream';
}

/** In the order of a request's way: in from the client, out to the upstream, and back. Lanes of pauses only where there are any. */
export function lanesOf(times: Times): Lane[] {
  const client: Ends = { peer: 'the client' };
  const upstream: Ends = { peer: 'the upstream' };
  return [
    readsLane('downstream-reads', 'client → proxy', times.downstreamReads, client),
    ...pausesLane('downstream-pauses', 'client reads off', times.downstreamReads, client),
    writesLane('upstream-writes', 'proxy → upstream', times.upstreamWrites, upstream),
    readsLane('upstream-reads', 'upstream → proxy', times.upstreamReads, upstream),
    ...pausesLane('upstream-pauses', 'upstream reads off', times.upstreamReads, upstream),
    writesLane('downstream-writes', 'proxy → client', times.downstreamWrites, client),
  ];
}

type Reads = readonly (PlacedRead | SkippedFragments)[] | null;
type Writes = readonly (Placed<WriteFragment> | SkippedFragments)[] | null;

function bar(kind: Bar['kind'], fromUs: number, toUs: number, label: string, reading: string): Bar {
  return { kind, fromUs, toUs, label, reading, segment: null, open: null };
}

function emptiness(group: readonly unknown[] | null, verb: string): string | null {
  if (group === null) return 'not in this line';
  return group.length === 0 ? `nothing was ${verb}` : null;
}

function readsLane(id: Lane['id'], name: string, group: Reads, ends: Ends): Lane {
  const pauses = pausesOf(group ?? []);
  const bars: Bar[] = [];
  let endUs: number | null = null;
  let skipped: SkippedFragments | null = null;
  for (const entry of group ?? []) {
    if (isSkipped(entry)) {
      skipped = entry;
      continue;
    }
    const waitedUs = microseconds(entry.fragment.waited, entry.fragment.unit) ?? 0;
    const arrivedUs = entry.atUs - waitedUs;
    if (skipped !== null) bars.push(skippedBar(skipped, endUs ?? entry.atUs, entry.atUs, 'read'));
    else if (endUs !== null && arrivedUs > endUs) {
      const off = pauses.reduce((sum, pause) => sum + overlap(pause, endUs ?? 0, arrivedUs), 0);
      bars.push(gapBar(endUs, arrivedUs, readGapWords(arrivedUs - endUs, off, entry.fragment, ends)));
    }
    if (waitedUs > 0) bars.push(waitedBar(entry, arrivedUs, waitedUs));
    endUs = entry.atUs + (microseconds(entry.fragment.took, entry.fragment.unit) ?? 0);
    bars.push(
      bar(
        'read',
        entry.atUs,
        endUs,
        readLabel(entry.fragment),
        readWords(entry.fragment, offsetText(entry.atUs), ends.peer),
      ),
    );
    skipped = null;
  }
  if (skipped !== null) bars.push(skippedBar(skipped, endUs ?? 0, endUs ?? 0, 'read'));
  return { id, name, bars, empty: emptiness(group, 'read') };
}

function overlap(
  pause: { readonly fromUs: number; readonly toUs: number | null },
  fromUs: number,
  toUs: number,
): number {
  return Math.max(0, Math.min(pause.toUs ?? toUs, toUs) - Math.max(pause.fromUs, fromUs));
}

function readGapWords(us: number, offUs: number, next: ReadFragment, ends: Ends): string {
  const length = lengthText(us);
  if (offUs * 2 > us) return `${length} between two reads: reads were off for ${lengthText(offUs)} of it.`;
  if (next.waited === null || next.waited === undefined)
    return `${length} between two reads. The line does not say whether bytes lay in the kernel in it: no time of arrival on this connection.`;
  return `${length} in which no bytes of the message came: ${ends.peer}, or the network to it, was not sending.`;
}

function gapBar(fromUs: number, toUs: number, reading: string): Bar {
  return bar('gap', fromUs, toUs, `gap ${lengthText(toUs - fromUs)}`, reading);
}

function waitedBar(entry: PlacedRead, arrivedUs: number, waitedUs: number): Bar {
  const reading = `The newest of these ${entry.fragment.bytes} bytes lay in the kernel for ${lengthText(waitedUs)} before the worker read them: its loop was busy, or reads were off.`;
  return bar('waited', arrivedUs, entry.atUs, `in the kernel ${lengthText(waitedUs)}`, reading);
}

function skippedBar(skipped: SkippedFragments, fromUs: number, toUs: number, noun: string): Bar {
  const what = `${counted(skipped.count, noun)} more, ${skipped.bytes} bytes`;
  return bar(
    'skipped',
    fromUs,
    toUs,
    `+${counted(skipped.count, noun)}`,
    `${what}: a line keeps the first and the last of a long message.`,
  );
}

function readLabel(fragment: ReadFragment): string {
  const marks = fragment.marks.map(({ mark }) => mark).join(',');
  return `${fragment.bytes} B${marks === '' ? '' : ` ${marks}`}`;
}

function writesLane(id: Lane['id'], name: string, group: Writes, ends: Ends): Lane {
  const bars: Bar[] = [];
  let endUs: number | null = null;
  let skipped: SkippedFragments | null = null;
  for (const entry of group ?? []) {
    if (isSkipped(entry)) {
      skipped = entry;
      continue;
    }
    const { fragment, atUs } = entry;
    if (skipped !== null) bars.push(skippedBar(skipped, endUs ?? atUs, atUs, 'write'));
    else if (endUs !== null && atUs > endUs) bars.push(betweenWrites(endUs, atUs, fragment.blocked, ends));
    endUs = atUs + (microseconds(fragment.took, fragment.unit) ?? 0);
    const label = `${fragment.bytes} B${fragment.blocked > 0 ? ` blocked ${fragment.blocked}` : ''}`;
    bars.push(bar('write', atUs, endUs, label, writeWords(fragment, offsetText(atUs), ends.peer)));
    skipped = null;
  }
  if (skipped !== null) bars.push(skippedBar(skipped, endUs ?? 0, endUs ?? 0, 'write'));
  return { id, name, bars, empty: emptiness(group, 'written') };
}

function betweenWrites(fromUs: number, toUs: number, blocked: number, ends: Ends): Bar {
  const length = lengthText(toUs - fromUs);
  if (blocked === 0)
    return gapBar(fromUs, toUs, `${length} between two writes: there was nothing to write yet.`);
  const reading = `${length} in which bytes for ${ends.peer} waited for room in the socket (${counted(blocked, 'time')}): ${ends.peer} reads slowly, or the network to it is slow.`;
  return bar('blocked', fromUs, toUs, `blocked ${length}`, reading);
}

function pausesLane(id: Lane['id'], name: string, group: Reads, ends: Ends): Lane[] {
  const pauses = pausesOf(group ?? []);
  if (pauses.length === 0) return [];
  const other = ends.peer === 'the client' ? 'the upstream' : 'the client';
  const bars = pauses.map(({ fromUs, toUs, nextReadUs, deepest, connectionId, finestUs }): Bar => {
    const side = `reads of C${connectionId} from ${ends.peer}`;
    const nested = deepest > 1 ? `, ${deepest} times over` : '';
    if (toUs === null) {
      const until = nextReadUs ?? Number.MAX_SAFE_INTEGER;
      const reading = `Flow control switched ${side} off here${nested}; the line does not say when they were switched on again.`;
      return { ...bar('paused', fromUs, until, 'off', reading), open: 'end' };
    }
    const length = lengthText(toUs - fromUs, finestUs);
    const reading = `Flow control kept ${side} off for ${length}${nested}: ${other} did not take what was there for it, a buffer stood above its limit.`;
    return bar('paused', fromUs, toUs, `off ${length}`, reading);
  });
  return [{ id, name, bars, empty: null }];
}
