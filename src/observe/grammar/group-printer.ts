/**
 * Prints the recorded reads and writes of a stream as the groups of the instrumented access log (`access-log.md`).
 *
 *   reads    [C56:R:<21:36.106>0,0,96]H,D,E
 *   writes   [C58~C58:S:0,<21:36.242>0,1271]d
 *
 * Runs once per group and log line, straight into the line's bytes. `instrumented-line.ts` holds the inverse.
 */
import type { FragmentLog } from '../fragment-log.ts';
import { KEPT_FIRST } from '../fragment-log.ts';
import { writeStamp } from '../instant.ts';
import type { LineWriter } from '../line-writer.ts';

/** `ms`: whole milliseconds, truncated, as in the talk. `us`: microseconds, stamps with three more digits. */
export type TimeUnit = 'ms' | 'us';

const US_PER_MS = 1000;
const COMMA = 0x2c;
const DASH = 0x2d;
const CLOSE = 0x5d;
const DRAINED = 0x64;
const PLUS = 0x2b;
const EXCLAMATION = 0x21;
/** No mark, H, D, E. */
const MARKS = [0, 0x48, 0x44, 0x45] as const;
const MAX_MARKS = 3;

/** A length in the unit; `-` for one that is not known. */
function writeLength(out: LineWriter, us: number, unit: TimeUnit): void {
  if (us < 0) out.byte(DASH);
  else out.number(unit === 'us' ? us : Math.floor(us / US_PER_MS));
}

/** In front of the fragment: nothing, a dash, or what was left out between the first ones and the last ones. */
function writeJoint(out: LineWriter, log: FragmentLog, index: number): void {
  if (index === 0) return;
  out.byte(DASH);
  if (index === KEPT_FIRST && log.skippedCount > 0) out.text(`(+${log.skippedCount},${log.skippedBytes})-`);
}

/** `startUs`: epoch microseconds of the stream's start. */
export function writeReads(out: LineWriter, log: FragmentLog, startUs: number, unit: TimeUnit): void {
  for (let index = 0; index < log.count; index += 1) {
    writeJoint(out, log, index);
    out.text('[C');
    out.number(log.connectionAt(index));
    out.text(log.secureAt(index) ? ':S:' : ':R:');
    writeStamp(out, startUs + log.atUs(index), unit === 'us');
    writeLength(out, log.tookUs(index), unit);
    out.byte(COMMA);
    writeLength(out, log.waitedUs(index), unit);
    out.byte(COMMA);
    out.number(log.bytesAt(index));
    out.byte(CLOSE);
    writeMarks(out, log, index, startUs, unit);
  }
}

function writeMarks(out: LineWriter, log: FragmentLog, index: number, startUs: number, unit: TimeUnit): void {
  for (let position = 0; position < MAX_MARKS; position += 1) {
    const code = log.markAt(index, position);
    if (code === 0) break;
    if (position > 0) out.byte(COMMA);
    out.byte(MARKS[code as 1 | 2 | 3]);
    const resume = log.hasResumes ? log.findResume(index, position) : -1;
    if (resume >= 0) {
      out.byte(PLUS);
      writeLength(out, log.resumeAfterUs(resume), unit);
      writeStamp(out, startUs + log.resumeAtUs(resume), unit === 'us');
    }
    const pauses = log.pausesAt(index, position);
    if (pauses > 0) {
      out.byte(EXCLAMATION);
      out.number(pauses);
    }
  }
}

/** `created`: the connection that the pool opened for this request, 0 = none; -1 for the downstream side, which has no pool. */
export function writeWrites(
  out: LineWriter,
  log: FragmentLog,
  created: number,
  startUs: number,
  unit: TimeUnit,
): void {
  for (let index = 0; index < log.count; index += 1) {
    writeJoint(out, log, index);
    out.text('[C');
    if (created >= 0) {
      out.number(created);
      out.text('~C');
    }
    out.number(log.connectionAt(index));
    out.text(log.secureAt(index) ? ':S:' : ':R:');
    out.number(log.blockedAt(index));
    out.byte(COMMA);
    writeStamp(out, startUs + log.atUs(index), unit === 'us');
    writeLength(out, log.tookUs(index), unit);
    out.byte(COMMA);
    out.number(log.bytesAt(index));
    out.byte(CLOSE);
    if (log.drainedAt(index)) out.byte(DRAINED);
  }
}
