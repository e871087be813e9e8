/** Numbers and instants as the page writes them. */
import { lengthText } from '../waterfall/printable.ts';

/** `1 234 567`: groups held together by narrow spaces. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `43 %`, `0.7 %`, `<0.1 %`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '<0.1 %';
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
}

/** `2023-11-28 02:21:36` of microseconds since the epoch, UTC. */
export function instant(us: number): string {
  return isoOf(us).slice(0, 19).replace('T', ' ');
}

/** `02:21:36`; with tenths in a span of seconds, with the day in one of days. */
export function shortInstant(us: number, spanUs: number): string {
  const text = isoOf(us);
  if (spanUs > 86_400_000_000) return text.slice(5, 16).replace('T', ' ');
  if (spanUs > 0 && spanUs < 10_000_000) return text.slice(11, 21);
  return spanUs > 600_000_000 ? text.slice(11, 16) : text.slice(11, 19);
}

function isoOf(us: number): string {
  const date = new Date(us / 1000);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString();
}

export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export { lengthText };
