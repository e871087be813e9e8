/**
 * Bars as cells of one line of text, and the lines of numbers below them.
 *
 * Every bar has a cell, however short it is; where bars share cells, the more telling kind is drawn over the others.
 */
import { lengthText } from './printable.ts';
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
const MAX_LABEL_LINES = 2;
/** So far to the right of its place may the label of a phase stand to share a line with the one before it. */
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

interface PlacedLabel {
  readonly text: string;
  readonly from: number;
  /** Labels that fit inside their bars come first, then those of reads and writes, then the rest. */
  readonly rank: number;
  readonly shift: number;
}

/** The bars' labels below them where they do not touch; what finds no room is only said in words further down. */
export function labelLines(bars: readonly Bar[], axis: Axis, width: number): string[] {
  const labels = bars.map((bar) => placedLabel(bar, axis, width)).filter(({ text }) => text.length <= width);
  const lines: string[] = [];
  for (const label of labels.sort((a, b) => a.rank - b.rank || a.from - b.from)) {
    for (let row = 0; row < MAX_LABEL_LINES; row += 1) {
      const line = (lines[row] ?? '').padEnd(width);
      const from = freePlace(line, label, width);
      if (from === null) continue;
      lines[row] = line.slice(0, from) + label.text + line.slice(from + label.text.length);
      break;
    }
  }
  return lines;
}

function placedLabel(bar: Bar, axis: Axis, width: number): PlacedLabel {
  const isPhase = bar.kind === 'phase';
  const text = isPhase ? `${bar.label} ${lengthText(bar.toUs - bar.fromUs)}` : bar.label;
  const left = columnOf(bar.fromUs, axis, width);
  const room = endColumn(bar, axis, width) - left - text.length;
  const from = Math.max(0, Math.min(left + Math.max(0, room >> 1), width - text.length));
  const carries = bar.kind === 'read' || bar.kind === 'write';
  return { text, from, rank: room >= 0 ? 0 : carries ? 1 : 2, shift: isPhase ? MAX_SHIFT : 0 };
}

/** Null: taken, with a blank or two to the neighbours. */
function freePlace(line: string, { text, from, shift }: PlacedLabel, width: number): number | null {
  for (let at = from; at <= from + shift && at + text.length <= width; at += 1) {
    if (line.slice(Math.max(0, at - 2), at + text.length + 2).trim() === '') return at;
  }
  return null;
}
