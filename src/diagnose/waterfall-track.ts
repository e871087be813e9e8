/** Bars as cells of one line of text, and the lines of numbers below them. */
import { lengthText } from './waterfall-printable.ts';
import type { Bar, Waterfall } from './waterfall.ts';

export interface Glyphs {
  readonly read: string;
  readonly write: string;
  readonly waited: string;
  readonly gap: string;
  readonly blocked: string;
  readonly skipped: string;
  readonly paused: string;
  /** In turn, so that neighbours can be told apart without colours. */
  readonly phase: readonly [string, string];
}

/** A run of equal cells; `bar` null: empty ones. */
export interface Run {
  readonly text: string;
  readonly bar: Bar | null;
}

/** What is drawn over what: a read of no length must be seen inside the gaps around it. */
const LAYERS: readonly Bar['kind'][] = [
  'gap',
  'paused',
  'skipped',
  'blocked',
  'waited',
  'phase',
  'write',
  'read',
];
const MAX_LABEL_LINES = 3;
/** So far to the right of its place may a label stand to share a line with the one before it. */
const MAX_SHIFT = 14;

type Axis = Pick<Waterfall, 'fromUs' | 'toUs'>;

export function trackOf(bars: readonly Bar[], axis: Axis, width: number, glyphs: Glyphs): Run[] {
  const cells: (Bar | null)[] = Array.from({ length: width }, () => null);
  const drawn = [...bars].sort(
    (a, b) => LAYERS.indexOf(a.kind) - LAYERS.indexOf(b.kind) || b.toUs - b.fromUs - (a.toUs - a.fromUs),
  );
  for (const bar of drawn) cells.fill(bar, columnOf(bar.fromUs, axis, width), endColumn(bar, axis, width));
  const runs: Run[] = [];
  for (const bar of cells) {
    const last = runs.at(-1);
    const text = bar === null ? ' ' : glyphOf(bar, bars, glyphs);
    if (last !== undefined && last.bar === bar) runs[runs.length - 1] = { text: last.text + text, bar };
    else runs.push({ text, bar });
  }
  return runs;
}

function glyphOf(bar: Bar, bars: readonly Bar[], glyphs: Glyphs): string {
  if (bar.kind !== 'phase') return glyphs[bar.kind];
  return glyphs.phase[bars.indexOf(bar) % 2 === 0 ? 0 : 1];
}

function columnOf(us: number, { fromUs, toUs }: Axis, width: number): number {
  return Math.min(width - 1, Math.floor(((us - fromUs) / (toUs - fromUs)) * width));
}

/** Behind its last cell; every bar has one. */
function endColumn(bar: Bar, { fromUs, toUs }: Axis, width: number): number {
  const from = columnOf(bar.fromUs, { fromUs, toUs }, width);
  return Math.max(from + 1, Math.round(((bar.toUs - fromUs) / (toUs - fromUs)) * width));
}

/** The bars' labels below them, moved aside where two would touch; what finds no room is only said in words further down. */
export function labelLines(bars: readonly Bar[], axis: Axis, width: number): string[] {
  const lines: string[] = [];
  for (const bar of bars) {
    const label = bar.kind === 'phase' ? `${bar.label} ${lengthText(bar.toUs - bar.fromUs)}` : bar.label;
    if (label.length > width) continue;
    const place = Math.min(columnOf(bar.fromUs, axis, width), width - label.length);
    for (let row = 0; row < MAX_LABEL_LINES; row += 1) {
      const line = lines[row] ?? '';
      const column = line === '' ? place : Math.max(place, line.length + 2);
      if (column > place + MAX_SHIFT || column + label.length > width) continue;
      lines[row] = line.padEnd(column) + label;
      break;
    }
  }
  return lines;
}
