/**
 * One line of a log, whatever its format, as a `LogRecord`: the seam that the engine, the page and `logs show` share.
 *
 *   text   nodeproxy's and the talk's instrumented lines (also cut ones), Istio's and Envoy's plain ones
 *   JSON   an object of operators' values (`json-fields.ts`); or a container runtime's wrapper around one of the above
 *
 * For the few lines that are shown or that the byte scanner (`scan/`) gives up on, not for every line of a large file.
 * Never throws: what cannot be read comes back with the reason.
 */
import { parseReads, parseWrites } from '../observe/grammar/fragments.ts';
import type { ReadGroup, WriteGroup } from '../observe/grammar/fragments.ts';
import { parseBaseFields, parseInstrumentedLine } from '../observe/grammar/instrumented-line.ts';
import type { BaseFields, SixNumbers } from '../observe/grammar/instrumented-line.ts';
import { fieldsOfJson } from './json-fields.ts';
import { parseEnvoyDefault } from './envoy-default.ts';
import { epochUs, groupsSpanUs, refineStart, resolutionOf } from './record-times.ts';
import type { LedgerEntry, LogRecord, LoopTurns } from './record.ts';

export type UnreadableReason =
  | 'empty line'
  | 'binary bytes'
  | 'line too long'
  | 'broken JSON'
  | 'JSON without fields of an access log'
  | 'cut access-log line'
  | 'not an access-log line';

export interface Unreadable {
  readonly reason: UnreadableReason;
  readonly file: string;
  readonly lineNumber: number;
  readonly text: string;
}

export function isUnreadable(record: LogRecord | Unreadable): record is Unreadable {
  return 'reason' in record;
}

/** What a line says before its times are put together. */
export interface LineContent {
  readonly format: 'text' | 'json';
  readonly base: BaseFields | null;
  readonly six: SixNumbers | null;
  readonly threadId: number | null;
  readonly downstreamReads: ReadGroup | null;
  readonly upstreamWrites: WriteGroup | null;
  readonly upstreamReads: ReadGroup | null;
  readonly downstreamWrites: WriteGroup | null;
  readonly ledger: readonly LedgerEntry[] | null;
  readonly loopTurns: LoopTurns | null;
}

/** Docker's and Kubernetes' runtimes put `time stream F ` before a line, or the line into an object. */
const RUNTIME_PREFIX = /^\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [FP] /;
const SPACE = 0x20;
const REPLACEMENT = 0xfffd;
/** Tab, line feed, form feed, carriage return, escape (colours). */
const TEXT_CONTROLS = [0x09, 0x0a, 0x0c, 0x0d, 0x1b];
const BEGINS_LIKE_ACCESS_LOG = /^\[\d{4}-\d\d-\d\dT|\[C\d+(?:~C\d+)?:[RS]:/;
/** A filter's name is its configuration's; the other ones are words. */
const SEGMENT = '(?:(?:filter|paused)\\.[^=,"]+|[a-z]+(?:\\.[a-z]+)?)=\\d+';
const LEDGER = new RegExp(`(?:^| )(${SEGMENT}(?:,${SEGMENT})*)(?= |$)`);
const TURNS = / (\d+)-(\d+)$/;
const DOWNSTREAM_WRITES = /^ "([^"]*)"/;

export function parseRecord(text: string, file: string, lineNumber: number): LogRecord | Unreadable {
  const line = text.trim();
  const found = line === '' ? 'empty line' : contentOf(line.replace(RUNTIME_PREFIX, ''));
  if (typeof found === 'string') return { reason: found, file, lineNumber, text };
  return { file, lineNumber, text, ...found, ...timesOf(found), flags: flagsOf(found.base) };
}

function contentOf(line: string): LineContent | UnreadableReason {
  if (line.startsWith('{')) return contentOfJson(line);
  return contentOfText(line) ?? reasonOf(line);
}

function reasonOf(line: string): UnreadableReason {
  if (isBinary(line)) return 'binary bytes';
  return BEGINS_LIKE_ACCESS_LOG.test(line) ? 'cut access-log line' : 'not an access-log line';
}

/** Control bytes that no line of text has, or what a decoder puts in place of bytes that are no text. */
function isBinary(line: string): boolean {
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === REPLACEMENT || (code < SPACE && !TEXT_CONTROLS.includes(code))) return true;
  }
  return false;
}

function contentOfText(line: string): LineContent | null {
  const parsed = parseInstrumentedLine(line);
  if (parsed !== null) {
    const { base, six, threadId, downstreamReads, upstreamWrites, upstreamReads, rest } = parsed;
    return {
      format: 'text',
      base,
      six,
      threadId,
      downstreamReads,
      upstreamWrites,
      upstreamReads,
      ...restOf(rest),
    };
  }
  const base = parseBaseFields(line) ?? parseEnvoyDefault(line);
  return base === null ? null : { ...NOTHING, format: 'text', base };
}

const NOTHING: LineContent = {
  format: 'text',
  base: null,
  six: null,
  threadId: null,
  downstreamReads: null,
  upstreamWrites: null,
  upstreamReads: null,
  downstreamWrites: null,
  ledger: null,
  loopTurns: null,
};

/** What `DIAGNOSTIC_FORMAT` prints behind the talk's line; each part may be absent. */
function restOf(rest: string): Pick<LineContent, 'downstreamWrites' | 'ledger' | 'loopTurns'> {
  const writes = DOWNSTREAM_WRITES.exec(rest);
  const behind = writes === null ? rest : rest.slice(writes[0].length);
  return {
    downstreamWrites: writes === null ? null : parseWrites(writes[1] ?? ''),
    ledger: parseLedger(LEDGER.exec(behind)?.[1] ?? ''),
    loopTurns: parseTurns(behind),
  };
}

/** `client=120,filter.lua=9003`; null if it has no segment. */
export function parseLedger(text: string): LedgerEntry[] | null {
  const entries: LedgerEntry[] = [];
  for (const [, segment = '', us] of text.matchAll(/([^=,]+)=(\d+)(?:,|$)/g))
    entries.push({ segment, us: Number(us) });
  return entries.length === 0 ? null : entries;
}

function parseTurns(text: string): LoopTurns | null {
  const turns = TURNS.exec(` ${text}`);
  return turns === null ? null : { start: Number(turns[1]), end: Number(turns[2]) };
}

function contentOfJson(line: string): LineContent | UnreadableReason {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return isBinary(line) ? 'binary bytes' : 'broken JSON';
  }
  const fields = fieldsOfJson(value);
  if (fields === null) return 'JSON without fields of an access log';
  if (fields.wrapped !== null) {
    const wrapped = fields.wrapped.trim();
    return wrapped === ''
      ? 'empty line'
      : wrapped.startsWith('{')
        ? contentOfJson(wrapped)
        : contentOf(wrapped);
  }
  const { base, six, threadId, groups, ledger, turns } = fields;
  return {
    format: 'json',
    base,
    six,
    threadId,
    downstreamReads: groups.downstreamRead === null ? null : parseReads(groups.downstreamRead),
    upstreamWrites: groups.upstreamWrite === null ? null : parseWrites(groups.upstreamWrite),
    upstreamReads: groups.upstreamRead === null ? null : parseReads(groups.upstreamRead),
    downstreamWrites: groups.downstreamWrite === null ? null : parseWrites(groups.downstreamWrite),
    ledger: ledger === null ? null : parseLedger(ledger),
    loopTurns: turns === null ? null : parseTurns(turns),
  };
}

function flagsOf(base: BaseFields | null): string[] {
  return base?.responseFlags == null ? [] : base.responseFlags.split(',');
}

/** The ledger knows the total to the microsecond, the line to the millisecond, a cut line only what its groups span. */
function timesOf(content: LineContent): Pick<LogRecord, 'startUs' | 'totalUs' | 'resolutionUs'> {
  const { base, six, ledger } = content;
  const ms = base?.duration ?? six?.duration ?? null;
  const summed = ledger === null ? null : ledger.reduce((sum, entry) => sum + entry.us, 0);
  return {
    startUs: refineStart(base === null ? null : epochUs(base.startTime), content),
    totalUs: summed ?? (ms === null ? groupsSpanUs(content) : ms * 1000),
    resolutionUs: resolutionOf(content),
  };
}
