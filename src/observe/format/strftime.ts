/**
 * Times in a format of strftime's directives and Envoy's additions: `%s` epoch seconds, `%3f` `%6f` `%9f` (or `%f`) fractions.
 *
 * What changes only with the second is rendered once a second and kept; a line costs the fraction.
 */
import { isoMs, threeDigits } from '../instant.ts';
import { FormatError } from './operator.ts';

/** Text of an epoch time in microseconds. */
export type TimeText = (epochUs: number) => string;
type Directive = (date: Date, local: boolean) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`;
}

/** The date's fields of UTC read from a date that was moved by the zone's offset. */
function zoneText(date: Date, local: boolean, colon: boolean): string {
  const minutes = local ? -date.getTimezoneOffset() : 0;
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon ? ':' : ''}${two(size % 60)}`;
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** Each gets the date shifted so that its UTC fields read right, except `z`, `Ez`, `s`, which get the true one. */
const DIRECTIVES: Readonly<Record<string, Directive>> = {
  Y: (d) => `${d.getUTCFullYear()}`,
  y: (d) => two(d.getUTCFullYear() % 100),
  m: (d) => two(d.getUTCMonth() + 1),
  d: (d) => two(d.getUTCDate()),
  e: (d) => `${d.getUTCDate()}`.padStart(2),
  H: (d) => two(d.getUTCHours()),
  I: (d) => two(d.getUTCHours() % 12 || 12),
  M: (d) => two(d.getUTCMinutes()),
  S: (d) => two(d.getUTCSeconds()),
  p: (d) => (d.getUTCHours() < 12 ? 'AM' : 'PM'),
  j: (d) => `${dayOfYear(d)}`.padStart(3, '0'),
  a: (d) => (DAYS[d.getUTCDay()] ?? '').slice(0, 3),
  A: (d) => DAYS[d.getUTCDay()] ?? '',
  b: (d) => (MONTHS[d.getUTCMonth()] ?? '').slice(0, 3),
  h: (d) => (MONTHS[d.getUTCMonth()] ?? '').slice(0, 3),
  B: (d) => MONTHS[d.getUTCMonth()] ?? '',
  u: (d) => `${d.getUTCDay() || 7}`,
  w: (d) => `${d.getUTCDay()}`,
  T: (d) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`,
  R: (d) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`,
  F: (d) => `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`,
  D: (d) => `${two(d.getUTCMonth() + 1)}/${two(d.getUTCDate())}/${two(d.getUTCFullYear() % 100)}`,
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
};

const TRUE_DIRECTIVES: Readonly<Record<string, Directive>> = {
  s: (d) => `${Math.floor(d.getTime() / 1000)}`,
  z: (d, local) => zoneText(d, local, false),
  Ez: (d, local) => zoneText(d, local, true),
  Z: (d, local) => (local ? zoneText(d, local, false) : 'UTC'),
};

const TOKEN = /%(E?[A-Za-z%]|[1-9]f)|[^%]+|%/g;

/** A rendered-per-second part, or the number of fraction digits. */
type Part = ((date: Date, shifted: Date) => string) | number;

/** `format` null: ISO-8601 UTC with milliseconds, `2026-11-21T06:00:00.000Z` (local: with the zone's offset). Throws `FormatError`. */
export function compileTime(format: string | null, local: boolean): TimeText {
  if (format === null || format === '') {
    if (!local) return isoMs;
    return compileTime('%Y-%m-%dT%H:%M:%S.%3f%z', true);
  }
  return cachedBySecond(mergeParts(parseParts(format, local)), local);
}

function parseParts(format: string, local: boolean): Part[] {
  const parts: Part[] = [];
  for (const [token, name] of format.matchAll(TOKEN)) {
    if (name === undefined) {
      if (token === '%') throw new FormatError(`a lone % in the time format ${JSON.stringify(format)}`);
      parts.push(() => token);
      continue;
    }
    const fraction = name === 'f' ? 9 : name.endsWith('f') ? Number(name.slice(0, -1)) : 0;
    const plainDirective = DIRECTIVES[name];
    const trueDirective = TRUE_DIRECTIVES[name];
    if (fraction > 0) parts.push(fraction);
    else if (plainDirective !== undefined) parts.push((_, shifted) => plainDirective(shifted, local));
    else if (trueDirective !== undefined) parts.push((date) => trueDirective(date, local));
    else
      throw new FormatError(
        `no such directive %${name} in time formats (nodeproxy knows strftime's common ones)`,
      );
  }
  return parts;
}

/** Neighbours that change with the second become one. */
function mergeParts(parts: readonly Part[]): Part[] {
  const merged: Part[] = [];
  for (const part of parts) {
    const before = merged.at(-1);
    if (typeof part === 'number' || typeof before !== 'function') merged.push(part);
    else merged[merged.length - 1] = (date, shifted) => before(date, shifted) + part(date, shifted);
  }
  return merged;
}

function fractionText(us: number, digits: number): string {
  const ms = Math.floor(us / 1000);
  if (digits === 3) return threeDigits(ms);
  return (threeDigits(ms) + threeDigits(us - ms * 1000) + '000').slice(0, digits);
}

function cachedBySecond(parts: readonly Part[], local: boolean): TimeText {
  let cachedSecond = Number.NaN;
  const rendered: string[] = parts.map(() => '');
  const render = (second: number): void => {
    const date = new Date(second * 1000);
    const shifted = local ? new Date(date.getTime() - date.getTimezoneOffset() * 60_000) : date;
    for (const [index, part] of parts.entries()) {
      if (typeof part === 'function') rendered[index] = part(date, shifted);
    }
    cachedSecond = second;
  };
  return (epochUs) => {
    const second = Math.floor(epochUs / 1_000_000);
    if (second !== cachedSecond) render(second);
    let text = '';
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index];
      text +=
        typeof part === 'number' ? fractionText(epochUs - second * 1_000_000, part) : (rendered[index] ?? '');
    }
    return text;
  };
}
