/**
 * The base of a text line, Istio's default: notes where each column stands and reads the numbers in it.
 *
 *   [2023-11-28T02:21:36.106Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 12 1089 1033 "-" … outbound|9000||… … - default
 */
import { BROKEN, type ByteCursor } from './byte-cursor.ts';
import type { LineFacts } from './line-facts.ts';
import type { NameTable } from './name-table.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const DOT = 0x2e;
const COLON = 0x3a;
const ZULU = 0x5a;

const HOUR_PREFIX_BYTES = 14;
const SECOND_US = 1_000_000;

/** `2023-11-28T02:` of the hour read last, and its epoch microseconds. */
const knownHour = Buffer.alloc(HOUR_PREFIX_BYTES);
let knownHourUs = -1;

/** Only the default form, `2023-11-28T02:21:36.106Z]`: other ones are the slow path's. */
function startTime(cursor: ByteCursor, facts: LineFacts): boolean {
  const { bytes, at } = cursor;
  const hourUs = hourOf(bytes, at);
  if (hourUs < 0) return false;
  cursor.at = at + HOUR_PREFIX_BYTES;
  const minutes = cursor.twoDigits();
  if (minutes < 0 || minutes > 59 || !cursor.take(COLON)) return false;
  const seconds = cursor.twoDigits();
  if (seconds < 0 || seconds > 59 || !cursor.take(DOT)) return false;
  const fractionAt = cursor.at;
  let us = cursor.number();
  const digits = cursor.at - fractionAt;
  if (digits === 3) us *= 1000;
  else if (digits !== 6) return false;
  if (!cursor.take(ZULU)) return false;
  facts.startUs = hourUs + (minutes * 60 + seconds) * SECOND_US + us;
  return true;
}

function hourOf(bytes: Buffer, from: number): number {
  if (knownHourUs >= 0) {
    let same = 0;
    while (same < HOUR_PREFIX_BYTES && bytes[from + same] === knownHour[same]) same += 1;
    if (same === HOUR_PREFIX_BYTES) return knownHourUs;
  }
  const text = bytes.toString('latin1', from, from + HOUR_PREFIX_BYTES);
  if (!/^\d{4}-\d\d-\d\dT\d\d:$/.test(text)) return -1;
  const ms = Date.parse(`${text}00:00Z`);
  if (Number.isNaN(ms)) return -1;
  knownHour.write(text, 'latin1');
  knownHourUs = ms * 1000;
  return knownHourUs;
}

function requestLine(cursor: ByteCursor, columns: Int32Array): boolean {
  const { bytes } = cursor;
  const from = cursor.at;
  let firstSpace = -1;
  let lastSpace = -1;
  let at = from;
  for (; ; at += 1) {
    const byte = bytes[at] ?? LINE_FEED;
    if (byte === QUOTE) break;
    if (byte === LINE_FEED) return false;
    if (byte !== SPACE) continue;
    if (firstSpace < 0) firstSpace = at;
    lastSpace = at;
  }
  if (lastSpace <= firstSpace) return false;
  set(columns, 1, from, firstSpace);
  set(columns, 2, firstSpace + 1, lastSpace);
  set(columns, 3, lastSpace + 1, at);
  cursor.at = at + 1;
  return true;
}

function set(columns: Int32Array, column: number, from: number, to: number): void {
  columns[column * 2] = from;
  columns[column * 2 + 1] = to;
}

function words(cursor: ByteCursor, columns: Int32Array, first: number, last: number): boolean {
  for (let column = first; column <= last; column += 1) {
    if (!cursor.take(SPACE)) return false;
    const from = cursor.at;
    if (!cursor.word()) return false;
    set(columns, column, from, cursor.at);
  }
  return true;
}

function quotes(cursor: ByteCursor, columns: Int32Array, first: number, last: number): boolean {
  for (let column = first; column <= last; column += 1) {
    if (!cursor.take(SPACE) || !cursor.take(QUOTE)) return false;
    const from = cursor.at;
    if (!cursor.quoted()) return false;
    set(columns, column, from, cursor.at);
    cursor.at += 1;
  }
  return true;
}

function number(cursor: ByteCursor, columns: Int32Array, column: number): number {
  if (!cursor.take(SPACE)) return BROKEN;
  const from = cursor.at;
  const value = cursor.length();
  set(columns, column, from, cursor.at);
  return value;
}

/** Leaves the cursor behind the route's name. False: not such a line, or one for the slow path. */
export function scanBase(
  cursor: ByteCursor,
  facts: LineFacts,
  flags: NameTable,
  clusters: NameTable,
): boolean {
  const { columns } = facts;
  if (!cursor.take(OPEN)) return false;
  set(columns, 0, cursor.at, cursor.at + 24);
  if (!startTime(cursor, facts) || !cursor.take(CLOSE)) return false;
  if (!cursor.take(SPACE) || !cursor.take(QUOTE) || !requestLine(cursor, columns)) return false;
  facts.code = number(cursor, columns, 4);
  if (facts.code < 0 || !words(cursor, columns, 5, 7) || !quotes(cursor, columns, 8, 8)) return false;
  facts.received = number(cursor, columns, 9);
  facts.sent = number(cursor, columns, 10);
  const duration = number(cursor, columns, 11);
  facts.serviceTime = number(cursor, columns, 12);
  if (facts.received < 0 || facts.sent < 0 || duration === BROKEN || facts.serviceTime === BROKEN)
    return false;
  facts.totalUs = duration < 0 ? -1 : duration * 1000;
  if (!quotes(cursor, columns, 13, 17) || !words(cursor, columns, 18, 23)) return false;
  facts.flagsId = flags.idOf(facts.bytes, columns[10] ?? 0, columns[11] ?? 0);
  facts.clusterId = clusters.idOf(facts.bytes, columns[36] ?? 0, columns[37] ?? 0);
  return true;
}
