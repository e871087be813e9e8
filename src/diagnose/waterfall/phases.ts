/**
 * The phases of a request on its axis: what it was waiting for from one of its milestones to the next.
 *
 *   0 --receive-- f2 --filters-- --pool-- f3 --upstream-- f4 --response-- f4 + f5
 *
 * From the six numbers where the line has them (`requirements.md`, 4.3; filters = f4 - f2 - f6), otherwise from the first and last
 * stamps of the groups, which cannot tell filters from the pool. Numbers that are truncated one by one may cross by a millisecond:
 * every phase begins where the one before it ends.
 */
import type { LogRecord } from '../record.ts';
import { isSkipped, microseconds } from './clock.ts';
import type { Placed, Times } from './clock.ts';
import { lengthText } from './printable.ts';
import type { SixNumbers } from '../../observe/grammar/instrumented-line.ts';
import type { SkippedFragments, ReadFragment, WriteFragment } from '../../observe/grammar/fragments.ts';
import type { Bar, Lane } from './waterfall.ts';

interface Phase {
  readonly name: string;
  readonly segment: string;
  readonly untilUs: number;
  readonly words: string;
}

export function phasesLane(record: LogRecord, times: Times): Lane {
  const phases = record.six === null ? fromGroups(times) : fromNumbers(record);
  const bars: Bar[] = [];
  let atUs = 0;
  for (const { name, segment, untilUs, words } of phases) {
    if (untilUs <= atUs) continue;
    const length = lengthText(untilUs - atUs);
    const reading = `${length}: ${words}`;
    bars.push({ kind: 'phase', fromUs: atUs, toUs: untilUs, label: name, reading, segment, open: null });
    atUs = untilUs;
  }
  const empty = bars.length > 0 ? null : 'all of them shorter than the line can tell';
  return { id: 'phases', name: 'phases', bars, empty };
}

function us(ms: number | null): number | null {
  return ms === null ? null : ms * 1000;
}

function fromNumbers(record: LogRecord): Phase[] {
  const { six, totalUs } = record;
  if (six === null) return [];
  const received = us(six.requestDuration);
  const sent = us(six.requestTxDuration);
  const answered = us(six.responseDuration);
  const total = us(six.duration) ?? totalUs ?? 0;
  const phases: Phase[] = [];
  if (received !== null) phases.push(receive(received));
  if (sent === null && answered === null)
    return received === null ? [receive(total, false)] : [...phases, unsent(total)];
  phases.push(...untilSent(six));
  if (answered === null)
    return [...phases, phase('upstream', 'upstream', total, 'waiting for a response that did not come.')];
  const delivered = answered + (us(six.responseTxDuration) ?? 0);
  phases.push(
    phase(
      'upstream',
      'upstream',
      answered,
      'from the request sent to the first byte of the response: the upstream was working.',
    ),
    phase(
      'response',
      'body',
      delivered,
      'from the first byte of the response to the last one sent to the client.',
    ),
  );
  // Six truncated numbers: the sum may miss the total by one.
  if (total - delivered > 1000)
    phases.push(phase('rest', 'proxy', total, 'after the last byte that the line knows of.'));
  return phases;
}

function unsent(untilUs: number): Phase {
  const words =
    'nothing was sent to an upstream: filters, the router, or the wait for a connection; then the proxy answered, or gave up.';
  return phase('proxy', 'proxy', untilUs, words);
}

/** From the request received to the request sent. */
function untilSent(six: SixNumbers): Phase[] {
  const received = us(six.requestDuration);
  const sent = us(six.requestTxDuration);
  const answered = us(six.responseDuration);
  const service = us(six.upstreamServiceTime);
  if (sent === null) return [];
  if (received === null || answered === null || service === null)
    return [
      phase(
        'filters or pool',
        'pool',
        sent,
        'from the last byte of the request to its last byte on its way upstream: filters, the wait for a connection, connecting. Without a service time the line cannot tell them apart.',
      ),
    ];
  const filters = Math.max(0, answered - received - service);
  return [
    phase(
      'filters',
      'filter',
      Math.min(received + filters, sent),
      'HTTP filters on the request’s way, from its last byte to the router (response duration less request duration less service time).',
    ),
    phase(
      'pool',
      'pool',
      sent,
      'from the router to the last byte of the request on its way upstream: waiting for a connection, connecting, the handshake.',
    ),
  ];
}

function receive(untilUs: number, whole = true): Phase {
  const words = whole ? 'receiving the request, to its last byte.' : 'the request never arrived whole.';
  return phase('receive', 'client', untilUs, words);
}

function phase(name: string, segment: string, untilUs: number, words: string): Phase {
  return { name, segment, untilUs, words };
}

type Group = readonly (Placed<ReadFragment | WriteFragment> | SkippedFragments)[] | null;

/** For lines without the numbers. */
function fromGroups(times: Times): Phase[] {
  const received = lastEnd(times.downstreamReads);
  const sending = firstAt(times.upstreamWrites);
  const sent = lastEnd(times.upstreamWrites);
  const answered = firstAt(times.upstreamReads);
  const delivered = Math.max(lastEnd(times.upstreamReads) ?? 0, lastEnd(times.downstreamWrites) ?? 0);
  const phases: Phase[] = [];
  if (received !== null) phases.push(receive(received));
  if (sending !== null)
    phases.push(
      phase(
        'filters or pool',
        'filter',
        sending,
        'between the last read of the request and its first write upstream: filters, or the wait for a connection. The line is cut and cannot tell them apart.',
      ),
    );
  if (sent !== null)
    phases.push(phase('send', 'flow.upstream', sent, 'writing the request to the upstream.'));
  if (answered !== null)
    phases.push(
      phase('upstream', 'upstream', answered, 'from the request sent to the first byte of the response.'),
    );
  phases.push(
    phase(
      'response',
      'body',
      delivered,
      'from the first byte of the response to the last one that the line knows of.',
    ),
  );
  return phases;
}

function firstAt(group: Group): number | null {
  for (const entry of group ?? []) if (!isSkipped(entry)) return entry.atUs;
  return null;
}

function lastEnd(group: Group): number | null {
  let endUs: number | null = null;
  for (const entry of group ?? [])
    if (!isSkipped(entry)) endUs = entry.atUs + (microseconds(entry.fragment.took, entry.fragment.unit) ?? 0);
  return endUs;
}
