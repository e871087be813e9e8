/**
 * Instants of a stream as whole microseconds since its start, and their texts.
 *
 * All of a line is computed from these integers: a clock value is rounded once, here. So differences telescope, and
 * `floor(b - a)` is `floor(b) - floor(a)` or one less, as in the talk's lines (`requirements.md`, 4.3).
 */

import type { LineWriter } from './line-writer.ts';

/** Stands for an instant or a length that is not known. */
export const UNKNOWN = -1;

const US_PER_MS = 1000;
const US_PER_SECOND = 1_000_000;
const CLOSE = 0x3e;
const ZULU = 0x5a;

/** Whole microseconds from `startAt` to `at`, both ms of the monotonic clock. May be negative. */
export function offsetUs(startAt: number, at: number): number {
  return Math.round((at - startAt) * US_PER_MS);
}

/** A length in ms as whole microseconds; `UNKNOWN` stays. */
export function lengthUs(ms: number): number {
  return ms < 0 ? UNKNOWN : Math.round(ms * US_PER_MS);
}

/** Epoch microseconds of a monotonic instant. */
export function wallUs(wallOffset: number, at: number): number {
  return Math.round((wallOffset + at) * US_PER_MS);
}

/** `007` … of 0 to 999. */
export const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, n) =>
  String(n).padStart(3, '0'),
);

export function threeDigits(n: number): string {
  return THREE_DIGITS[n] ?? '000';
}

/** `mm:ss.` of the second shown last: stamps of one line, and of lines written one after another, share it. */
let stampSecond = Number.NaN;
let stampPrefix = '';

function prefixOf(second: number): string {
  if (second !== stampSecond) {
    const inHour = ((second % 3600) + 3600) % 3600;
    const minutes = String(Math.floor(inHour / 60)).padStart(2, '0');
    const seconds = String(inHour % 60).padStart(2, '0');
    stampPrefix = `<${minutes}:${seconds}.`;
    stampSecond = second;
  }
  return stampPrefix;
}

/** `<mm:ss.mmm>` of an epoch microsecond, `<mm:ss.mmmuuu>` with `micros`; the hour stands in the line's start time. */
export function writeStamp(out: LineWriter, epochUs: number, micros: boolean): void {
  const second = Math.floor(epochUs / US_PER_SECOND);
  const us = epochUs - second * US_PER_SECOND;
  out.text(prefixOf(second));
  if (micros) out.digits(us, 6);
  else out.digits(us / US_PER_MS, 3);
  out.byte(CLOSE);
}

/** The same for ISO-8601 UTC: `2026-11-21T06:00:00.` of the second shown last. */
let isoSecond = Number.NaN;
let isoPrefix = '';

function isoPrefixOf(second: number): string {
  if (second !== isoSecond) {
    isoPrefix = new Date(second * US_PER_MS).toISOString().slice(0, -4);
    isoSecond = second;
  }
  return isoPrefix;
}

/** `2026-11-21T06:00:00.000Z` of an epoch microsecond. */
export function isoMs(epochUs: number): string {
  const second = Math.floor(epochUs / US_PER_SECOND);
  const ms = Math.floor((epochUs - second * US_PER_SECOND) / US_PER_MS);
  return isoPrefixOf(second) + threeDigits(ms) + 'Z';
}

export function writeIsoMs(out: LineWriter, epochUs: number): void {
  const second = Math.floor(epochUs / US_PER_SECOND);
  out.text(isoPrefixOf(second));
  out.digits((epochUs - second * US_PER_SECOND) / US_PER_MS, 3);
  out.byte(ZULU);
}
