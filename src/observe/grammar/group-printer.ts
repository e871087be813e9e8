/**
 * Prints the recorded reads and writes of a stream as the groups of the instrumented access log (`access-log.md`).
 *
 *   reads    [C56:R:<21:36.106>0,0,96]H,D,E
 *   writes   [C58~C58:S:0,<21:36.242>0,1271]d
 *
 * Runs once per group and log line: plain concatenation, no intermediate arrays. `lines.ts` holds the inverse.
 */
import type { FragmentLog } from '../fragment-log.ts';
import { KEPT_FIRST } from '../fragment-log.ts';
import { stampMicros, stampMs } from '../instant.ts';

/** `ms`: whole milliseconds, truncated, as in the talk. `us`: microseconds, stamps with three more digits. */
export type TimeUnit = 'ms' | 'us';

const MARK_LETTERS = ['', 'H', 'D', 'E'] as const;
const MAX_MARKS = 3;

/** A length in the unit; `-` for one that is not known. */
function lengthText(us: number, unit: TimeUnit): string {
  if (us < 0) return '-';
  return '' + (unit === 'us' ? us : us < 1000 ? 0 : Math.floor(us / 1000));
}

function stampText(epochUs: number, unit: TimeUnit): string {
  return unit === 'us' ? stampMicros(epochUs) : stampMs(epochUs);
}

/** In front of the fragment: nothing, a dash, or what was left out between the first ones and the last ones. */
function joint(log: FragmentLog, index: number): string {
  if (index === 0) return '';
  if (index !== KEPT_FIRST || log.skippedCount === 0) return '-';
  return `-(+${log.skippedCount},${log.skippedBytes})-`;
}

/** `startUs`: epoch microseconds of the stream's start. */
export function printReads(log: FragmentLog, startUs: number, unit: TimeUnit): string {
  let text = '';
  for (let index = 0; index < log.count; index += 1) {
    text +=
      joint(log, index) +
      '[C' +
      log.connectionAt(index) +
      (log.secureAt(index) ? ':S:' : ':R:') +
      stampText(startUs + log.atUs(index), unit) +
      lengthText(log.tookUs(index), unit) +
      ',' +
      lengthText(log.waitedUs(index), unit) +
      ',' +
      log.bytesAt(index) +
      ']' +
      printMarks(log, index, startUs, unit);
  }
  return text;
}

function printMarks(log: FragmentLog, index: number, startUs: number, unit: TimeUnit): string {
  let text = '';
  for (let position = 0; position < MAX_MARKS; position += 1) {
    const code = log.markAt(index, position);
    if (code === 0) break;
    text += (position === 0 ? '' : ',') + (MARK_LETTERS[code] ?? '');
    if (log.hasResumes) {
      const resume = log.findResume(index, position);
      if (resume >= 0) {
        const after = lengthText(log.resumeAfterUs(resume), unit);
        text += '+' + after + stampText(startUs + log.resumeAtUs(resume), unit);
      }
    }
    const pauses = log.pausesAt(index, position);
    if (pauses > 0) text += '!' + pauses;
  }
  return text;
}

/** `created`: the connection that the pool opened for this request, 0 = none; -1 for the downstream side, which has no pool. */
export function printWrites(log: FragmentLog, created: number, startUs: number, unit: TimeUnit): string {
  const head = created < 0 ? '[C' : '[C' + created + '~C';
  let text = '';
  for (let index = 0; index < log.count; index += 1) {
    text +=
      joint(log, index) +
      head +
      log.connectionAt(index) +
      (log.secureAt(index) ? ':S:' : ':R:') +
      log.blockedAt(index) +
      ',' +
      stampText(startUs + log.atUs(index), unit) +
      lengthText(log.tookUs(index), unit) +
      ',' +
      log.bytesAt(index) +
      (log.drainedAt(index) ? ']d' : ']');
  }
  return text;
}
