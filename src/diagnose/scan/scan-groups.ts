/**
 * The groups of reads and writes of a text line, folded into their facts while they are read. Where the cursor stops tells whether a
 * group was whole: the caller expects its closing quote. The full grammar is `observe/grammar/fragments.ts`.
 */
import { BROKEN, type ByteCursor } from './byte-cursor.ts';
import type { ReadFacts, WriteFacts } from './line-facts.ts';

const OPEN = 0x5b;
const CLOSE = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const DASH = 0x2d;
const TILDE = 0x7e;
const LESS = 0x3c;
const MORE = 0x3e;
const DOT = 0x2e;
const BANG = 0x21;
const PLUS = 0x2b;
const PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const QUOTE = 0x22;
const C = 0x43;
const D = 0x44;
const E = 0x45;
const H = 0x48;
const R = 0x52;
const S = 0x53;
const LOWER_D = 0x64;

const SECOND_US = 1_000_000;

/** 1000 or 1: the unit of the stamp read last, and so of the lengths beside it. */
let scale = 1000;

/** Unit of the group read last: 1 = microseconds. */
export function groupScale(): number {
  return scale;
}

/** `<mm:ss.mmm>` or with six digits: microseconds in the hour; negative if it is none. */
function stamp(cursor: ByteCursor): number {
  if (!cursor.take(LESS)) return BROKEN;
  const minutes = cursor.twoDigits();
  if (minutes < 0 || !cursor.take(COLON)) return BROKEN;
  const seconds = cursor.twoDigits();
  if (seconds < 0 || !cursor.take(DOT)) return BROKEN;
  const from = cursor.at;
  let us = cursor.number();
  const digits = cursor.at - from;
  if (digits === 3) {
    us *= 1000;
    scale = 1000;
  } else if (digits === 6) scale = 1;
  else return BROKEN;
  return cursor.take(MORE) ? (minutes * 60 + seconds) * SECOND_US + us : BROKEN;
}

function connection(cursor: ByteCursor): number {
  return cursor.take(C) ? cursor.number() : BROKEN;
}

/** 1 = TLS, 0 = raw. */
function security(cursor: ByteCursor): number {
  if (!cursor.take(COLON)) return BROKEN;
  const secure = cursor.take(S) ? 1 : cursor.take(R) ? 0 : BROKEN;
  return cursor.take(COLON) ? secure : BROKEN;
}

/** `(+n,bytes)`: fragments left out. Their bytes; the count through `skippedCount`. */
let skippedCount = 0;
function skipped(cursor: ByteCursor): number {
  if (!cursor.take(PAREN) || !cursor.take(PLUS)) return BROKEN;
  skippedCount = cursor.number();
  if (skippedCount < 0 || !cursor.take(COMMA)) return BROKEN;
  const bytes = cursor.number();
  return cursor.take(CLOSE_PAREN) ? bytes : BROKEN;
}

/** Between the quotes. An empty group is `-` or nothing. */
export function scanReads(cursor: ByteCursor, facts: ReadFacts): boolean {
  if (cursor.peek() === QUOTE) return true;
  if (cursor.peek() === DASH) {
    cursor.at += 1;
    return true;
  }
  for (;;) {
    if (cursor.peek() === PAREN && facts.count > 0) {
      const bytes = skipped(cursor);
      if (bytes < 0) return false;
      facts.bytes += bytes;
      facts.count += skippedCount;
    } else if (!scanRead(cursor, facts)) return false;
    if (!cursor.take(DASH)) return true;
  }
}

function scanRead(cursor: ByteCursor, facts: ReadFacts): boolean {
  if (!cursor.take(OPEN)) return false;
  const id = connection(cursor);
  const secure = security(cursor);
  const at = stamp(cursor);
  if (id < 0 || secure < 0 || at < 0) return false;
  const took = cursor.length();
  if (took === BROKEN || !cursor.take(COMMA)) return false;
  let waited = cursor.length();
  let bytes = waited;
  if (cursor.take(COMMA)) bytes = cursor.number();
  else waited = 0;
  if (bytes < 0 || waited === BROKEN || !cursor.take(CLOSE)) return false;
  const unit = scale;
  const waitedUs = waited > 0 ? waited * unit : 0;
  if (facts.count === 0) {
    facts.connection = id;
    facts.secure = secure === 1;
    facts.firstAt = at;
    facts.firstBytes = bytes;
    facts.waitedFirst = waitedUs;
  } else {
    if (facts.count === 1) {
      facts.secondAt = at;
      facts.waitedSecond = waitedUs;
    }
    facts.waitedRest += waitedUs;
  }
  if (took * unit > facts.longestTook) facts.longestTook = took * unit;
  facts.lastAt = at;
  facts.bytes += bytes;
  facts.count += 1;
  return scanMarks(cursor, facts, at);
}

function scanMarks(cursor: ByteCursor, facts: ReadFacts, at: number): boolean {
  let onlyHead = false;
  for (let marks = 0; ; marks += 1) {
    const mark = cursor.peek();
    if (mark !== H && mark !== D && mark !== E) {
      if (marks > 0) return false;
      break;
    }
    cursor.at += 1;
    onlyHead = marks === 0 && mark === H;
    if (!scanFlows(cursor, facts, at)) return false;
    if (!cursor.take(COMMA)) break;
  }
  // The first fragment decides; without a second one it means nothing (see `ReadFacts.headAlone`).
  if (facts.count === 1) facts.headAlone = onlyHead;
  return true;
}

function scanFlows(cursor: ByteCursor, facts: ReadFacts, at: number): boolean {
  for (;;) {
    if (cursor.take(BANG)) {
      const paused = cursor.number();
      if (paused < 0) return false;
      facts.paused = paused;
      facts.pausedAt = at;
    } else if (cursor.take(PLUS)) {
      const after = cursor.number();
      const end = stamp(cursor);
      if (after < 0 || end < 0) return false;
      const offUs = after * scale;
      facts.offUs += offUs;
      if (offUs >= facts.longestOffUs) {
        facts.longestOffUs = offUs;
        facts.longestOffEnd = end;
      }
    } else return true;
  }
}

export function scanWrites(cursor: ByteCursor, facts: WriteFacts): boolean {
  if (cursor.peek() === QUOTE) return true;
  if (cursor.peek() === DASH) {
    cursor.at += 1;
    return true;
  }
  for (;;) {
    if (cursor.peek() === PAREN && facts.count > 0) {
      const bytes = skipped(cursor);
      if (bytes < 0) return false;
      facts.bytes += bytes;
      facts.count += skippedCount;
    } else if (!scanWrite(cursor, facts)) return false;
    if (!cursor.take(DASH)) return true;
  }
}

function scanWrite(cursor: ByteCursor, facts: WriteFacts): boolean {
  if (!cursor.take(OPEN)) return false;
  let id = connection(cursor);
  let created = 0;
  if (cursor.take(TILDE)) {
    created = id;
    id = connection(cursor);
  }
  const secure = security(cursor);
  if (id < 0 || created < 0 || secure < 0) return false;
  const blocked = cursor.number();
  if (blocked < 0 || !cursor.take(COMMA)) return false;
  const at = stamp(cursor);
  if (at < 0) return false;
  const took = cursor.length();
  if (took === BROKEN || !cursor.take(COMMA)) return false;
  const bytes = cursor.number();
  if (bytes < 0 || !cursor.take(CLOSE)) return false;
  cursor.take(LOWER_D);
  if (facts.count === 0) {
    facts.created = created;
    facts.firstAt = at;
  }
  // A retry goes on over another connection: the last one has answered.
  facts.connection = id;
  facts.secure = secure === 1;
  if (took * scale > facts.longestTook) facts.longestTook = took * scale;
  facts.blocked += blocked;
  facts.lastAt = at;
  facts.bytes += bytes;
  facts.count += 1;
  return true;
}
