/**
 * The first stage for a text line: one walk over its bytes into `LineFacts`, without a string, an expression or an object.
 *
 *   base : f1, f2, f3, f4, f5, f6 : (thread) "reads" "writes" "reads" n n "writes" ledger verdict turns
 *
 * What a format does not print may be missing from the right. Anything else (JSON, cut lines, a start time of one's own form) makes it
 * give up: `parseRecord` then says what the line is. A test holds the two to the same facts.
 */
import { stampDistance, HOUR_US } from '../record-times.ts';
import { BROKEN, ByteCursor } from './byte-cursor.ts';
import type { LineFacts } from './line-facts.ts';
import type { NameTable } from './name-table.ts';
import { scanBase } from './scan-base.ts';
import { groupScale, scanReads, scanWrites } from './scan-groups.ts';
import { FILTER, SEGMENT_NAMES } from './segments.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const DASH = 0x2d;
const EQUALS = 0x3d;
const PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const F = 0x66;

const SECOND_US = 1_000_000;
const FILTER_PREFIX = Buffer.from('filter.');
const PAUSED_PREFIX = Buffer.from('paused.');
const FIRST_LETTERS = SEGMENT_NAMES.map((name) => name.charCodeAt(0));

export interface Names {
  readonly flags: NameTable;
  readonly clusters: NameTable;
  /** Segments of filters with their prefix: `filter.lua`, `paused.lua`. */
  readonly filters: NameTable;
}

const cursor = new ByteCursor();

/** `facts.bytes`, `from` and `to` are set, the rest is reset. The byte at `to` is a line feed. */
export function scanLine(facts: LineFacts, names: Names): boolean {
  cursor.bytes = facts.bytes;
  cursor.at = facts.from;
  if (!scanBase(cursor, facts, names.flags, names.clusters)) return false;
  if (ended()) return facts.totalUs >= 0;
  if (!scanSix(facts) || !scanThread(facts) || !scanGroups(facts)) return false;
  if (facts.totalUs < 0) return false;
  if (ended()) return true;
  if (!cursor.take(SPACE) || !cursor.take(QUOTE) || !scanWrites(cursor, facts.downstreamWrites)) return false;
  if (!cursor.take(QUOTE)) return false;
  if (ended()) return true;
  if (!cursor.take(SPACE) || !scanLedger(facts, names.filters)) return false;
  return scanTurns(facts);
}

function ended(): boolean {
  const byte = cursor.peek();
  return byte === LINE_FEED || (byte === RETURN && cursor.bytes[cursor.at + 1] === LINE_FEED);
}

function scanSix(facts: LineFacts): boolean {
  if (!cursor.take(SPACE) || !cursor.take(COLON) || !cursor.take(SPACE)) return false;
  const total = cursor.length();
  if (total === BROKEN) return false;
  facts.requestDuration = next();
  facts.requestTx = next();
  facts.responseDuration = next();
  facts.responseTx = next();
  facts.serviceTime = next();
  if (facts.requestDuration === BROKEN || facts.requestTx === BROKEN) return false;
  if (facts.responseDuration === BROKEN || facts.responseTx === BROKEN) return false;
  facts.hasSix = true;
  if (facts.totalUs < 0 && total >= 0) facts.totalUs = total * 1000;
  return facts.serviceTime !== BROKEN;
}

function next(): number {
  return cursor.take(COMMA) && cursor.take(SPACE) ? cursor.length() : BROKEN;
}

function scanThread(facts: LineFacts): boolean {
  if (!cursor.take(SPACE) || !cursor.take(COLON) || !cursor.take(SPACE) || !cursor.take(PAREN)) return false;
  facts.threadId = cursor.number();
  return facts.threadId >= 0 && cursor.take(CLOSE_PAREN);
}

function scanGroups(facts: LineFacts): boolean {
  if (!cursor.take(SPACE) || !cursor.take(QUOTE) || !scanReads(cursor, facts.downstreamReads)) return false;
  if (!cursor.take(QUOTE)) return false;
  if (facts.downstreamReads.count > 0 && groupScale() === 1) refineStart(facts);
  if (!cursor.take(SPACE) || !cursor.take(QUOTE) || !scanWrites(cursor, facts.upstreamWrites)) return false;
  if (!cursor.take(QUOTE) || !cursor.take(SPACE) || !cursor.take(QUOTE)) return false;
  if (!scanReads(cursor, facts.upstreamReads) || !cursor.take(QUOTE)) return false;
  for (let tail = 0; tail < 2; tail += 1) if (!cursor.take(SPACE) || cursor.length() === BROKEN) return false;
  return true;
}

function refineStart(facts: LineFacts): void {
  const distance = stampDistance(facts.startUs % HOUR_US, facts.downstreamReads.firstAt);
  if (Math.abs(distance) < SECOND_US) facts.startUs += distance;
}

/** `client=120,filter.lua=9003,proxy=88`, or `-`. */
function scanLedger(facts: LineFacts, filters: NameTable): boolean {
  if (cursor.peek() === DASH) {
    cursor.at += 1;
    return true;
  }
  let sum = 0;
  do {
    const from = cursor.at;
    if (!toEquals()) return false;
    const to = cursor.at;
    cursor.at += 1;
    const us = cursor.number();
    if (us < 0) return false;
    sum += us;
    const index = segmentAt(from, to);
    if (index >= 0) facts.us[index] = us;
    else if (isFilter(from)) facts.addFilter(filters.idOf(cursor.bytes, from, to), us, FILTER);
    else return false;
  } while (cursor.take(COMMA));
  facts.hasLedger = true;
  facts.totalUs = sum;
  return cursor.peek() === SPACE || ended();
}

function toEquals(): boolean {
  let { at } = cursor;
  const { bytes } = cursor;
  let byte = bytes[at] ?? LINE_FEED;
  while (byte !== EQUALS && byte !== COMMA && byte !== QUOTE && byte !== LINE_FEED) {
    at += 1;
    byte = bytes[at] ?? LINE_FEED;
  }
  cursor.at = at;
  return byte === EQUALS;
}

/** Index of a segment with a fixed name, by comparing bytes; -1: none. */
function segmentAt(from: number, to: number): number {
  const { bytes } = cursor;
  const first = bytes[from] ?? 0;
  for (let index = 0; index < FIRST_LETTERS.length; index += 1) {
    if (FIRST_LETTERS[index] !== first) continue;
    const name = SEGMENT_NAMES[index] ?? '';
    if (name.length !== to - from) continue;
    let same = 1;
    while (same < name.length && name.charCodeAt(same) === bytes[from + same]) same += 1;
    if (same === name.length) return index;
  }
  return -1;
}

function isFilter(from: number): boolean {
  const { bytes } = cursor;
  const prefix = bytes[from] === F ? FILTER_PREFIX : PAUSED_PREFIX;
  for (let at = 0; at < prefix.length; at += 1) if (bytes[from + at] !== prefix[at]) return false;
  return true;
}

/** The verdict is derived; the turns are the line's last word. */
function scanTurns(facts: LineFacts): boolean {
  const end = facts.to - (cursor.bytes[facts.to - 1] === RETURN ? 1 : 0);
  let at = end - 1;
  while (at > cursor.at && cursor.bytes[at] !== SPACE) at -= 1;
  cursor.at = at + 1;
  const start = cursor.number();
  if (start >= 0 && cursor.take(DASH)) {
    const last = cursor.number();
    if (last >= 0 && cursor.at === end) {
      facts.turnStart = start;
      facts.turnEnd = last;
    }
  }
  return true;
}
