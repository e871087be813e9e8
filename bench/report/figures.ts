/**
 * Figures as text, the same in the terminal and on the page: three significant digits, thousands apart, the range of the rounds
 * beside the median.
 *
 * A figure that is not finite (a division by nothing, or `null` in a file) is no figure: it prints as a dash.
 */
import type { Cell, Column, Measured, Table } from './report.ts';

export const DASH = '–';
const DIGITS = 3;
/** Below this the digits would hide behind zeros. */
const SMALLEST_PLAIN = 1e-4;
/** From here on a number is read by its exponent. */
const LARGEST_PLAIN = 1e15;

export function isMeasured(cell: Cell): cell is Measured {
  return typeof cell === 'object' && cell !== null;
}

/** `12.3`, `0.0456`, `12,300`; trailing zeros say how exact it is. */
export function figureText(value: number): string {
  if (!Number.isFinite(value)) return DASH;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < SMALLEST_PLAIN || size >= LARGEST_PLAIN) return value.toExponential(DIGITS - 1);
  // Rounded first: 9.996 is 10.0, not 10.00.
  const rounded = Number(value.toPrecision(DIGITS));
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  return grouped(rounded.toFixed(Math.max(0, DIGITS - 1 - magnitude)));
}

/** Columns whose figures are whole and without rounds were set or counted: they stay exact. */
export function isExact({ body }: Table, index: number): boolean {
  return body.every(({ cells }) => {
    const cell = cells[index] ?? null;
    return typeof cell === 'number' ? Number.isSafeInteger(cell) : !isMeasured(cell);
  });
}

/** What a cell says without its range. */
export function cellText(cell: Cell, exact: boolean): string {
  if (cell === null) return DASH;
  if (typeof cell === 'string') return cell;
  if (isMeasured(cell)) return figureText(cell.median);
  return exact ? grouped(String(cell)) : figureText(cell);
}

/** `11.9-12.8`; '' where one round has no range. `to` between negative figures, whose sign looks like the dash. */
export function rangeText({ low, high, rounds }: Measured): string {
  if (rounds < 2 || !Number.isFinite(low) || !Number.isFinite(high)) return '';
  const between = low < 0 || high < 0 ? ' to ' : '-';
  return `${figureText(low)}${between}${figureText(high)}`;
}

/** `12.3 (11.9-12.8)`. */
export function measuredText(figure: Measured): string {
  const range = rangeText(figure);
  return range === '' ? figureText(figure.median) : `${figureText(figure.median)} (${range})`;
}

/** How the figures of a table came about; `undefined` where none was measured in rounds. */
export function roundsText(table: Table): string | undefined {
  const rounds = table.body.flatMap(({ cells }) => cells.filter(isMeasured).map((cell) => cell.rounds));
  if (rounds.length === 0) return undefined;
  const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
  if (most <= 1) return 'One round: no range.';
  const count = least === most ? String(most) : `${least} to ${most}`;
  return `Median of ${count} rounds (lowest-highest).${least <= 1 ? ' No range: one round.' : ''}`;
}

/** `lower is better`; '' where neither is. */
export function directionText({ better }: Column): string {
  return better === undefined ? '' : `${better} is better`;
}

/** `4 s`, `1 min 35 s`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return DASH;
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? figureText(seconds) : String(whole)} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${figureText(mebibytes)} MiB` : `${figureText(mebibytes / 1024)} GiB`;
}

function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}
