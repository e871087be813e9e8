/**
 * A report for the terminal: the set-up, then every section with its tables in aligned columns. Medians stand right-aligned below
 * each other and their ranges beside them, so that a column can be read down.
 *
 * Names may come from anywhere (a contender's version, a log line): what could steer a terminal is written out.
 */
import { printable } from '../../src/diagnose/waterfall/printable.ts';
import { cellText, directionText, isExact, isMeasured, rangeText, roundsText } from './figures.ts';
import { repeatText } from './repeat.ts';
import type { Cell, Report, Section, Table } from './report.ts';
import { setUpFacts } from './set-up-text.ts';

/** Paragraphs are broken here; tables and listings are as wide as they are. */
const WIDTH = 100;
const HEADING_WIDTH = 18;
const GAP = '  ';

export function reportText(report: Report): string {
  const title = printable(report.title);
  const facts = setUpFacts(report);
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = [title, '='.repeat(widthOf(title)), ''];
  for (const [name, text] of facts)
    lines.push(...wrapped(`${name.padEnd(width)}${GAP}${printable(text)}`, width + GAP.length));
  if (report.sections.length === 0) lines.push('', 'No section: nothing was measured.');
  for (const section of report.sections) lines.push('', '', ...sectionLines(section));
  return lines.join('\n');
}

function sectionLines(section: Section): string[] {
  const title = printable(section.title);
  const lines = [title, '-'.repeat(widthOf(title))];
  for (const paragraph of section.text) lines.push(...wrapped(printable(paragraph)), '');
  if (section.parts.length === 0 && section.text.length === 0) lines.push('Nothing was measured here.');
  for (const part of section.parts) {
    if (lines.at(-1) !== '') lines.push('');
    if (part.kind === 'table') lines.push(...tableLines(part), ...noteLines(part.notes));
    else if (part.kind === 'listing')
      lines.push(printable(part.title), ...part.lines.map((line) => `  ${printable(line)}`.trimEnd()));
    else lines.push(`Chart "${printable(part.title)}": in the page.`, ...noteLines(part.notes));
  }
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function noteLines(notes: readonly string[] = []): string[] {
  return notes.flatMap((note) => wrapped(`* ${printable(note)}`, 2));
}

export function tableLines(table: Table): string[] {
  const title = printable(table.title);
  if (table.body.length === 0) return [title, '  (no rows)'];
  const headings = table.columns.map(({ name }) => wrapped(printable(name), 0, HEADING_WIDTH));
  const tall = Math.max(1, ...headings.map((lines) => lines.length));
  const columns = table.columns.map((column, index) => {
    const cells = table.body.map(({ cells }) => cells[index] ?? null);
    const { side, body } = cellLines(cells, isExact(table, index));
    const name = headings[index] ?? [];
    const above = Array.from({ length: tall - name.length }, () => '');
    return padded([...above, ...name, printable(column.unit ?? ''), directionText(column), ...body], side);
  });
  const above = Array.from({ length: tall - 1 }, () => '');
  const names = [...above, table.rows, '', '', ...table.body.map(({ name }) => name)];
  const lines = padded(names.map(printable), 'left').map((name, row) =>
    `${name}${GAP}${columns.map((column) => column[row] ?? '').join(GAP)}`.trimEnd(),
  );
  const head = lines.slice(0, tall + 2).filter((line) => line !== '');
  const rounds = roundsText(table);
  const repeat = repeatText(table);
  return [
    title,
    ...head,
    '-'.repeat(Math.max(...lines.map(widthOf))),
    ...lines.slice(tall + 2),
    ...(rounds === undefined ? [] : [`* ${rounds}`]),
    ...(repeat === undefined ? [] : wrapped(`* ${printable(repeat)}`, 2)),
  ];
}

/** The cells of a column as texts of one width, and the side that they and their heading keep to. */
function cellLines(cells: readonly Cell[], exact: boolean): { side: 'left' | 'right'; body: string[] } {
  const text = cells.every((cell) => typeof cell === 'string' || cell === null);
  const side = text ? 'left' : 'right';
  const figures = padded(
    cells.map((cell) => printable(cellText(cell, exact))),
    side,
  );
  const ranges = padded(
    cells.map((cell) => (isMeasured(cell) && rangeText(cell) !== '' ? ` (${rangeText(cell)})` : '')),
    'right',
  );
  return { side, body: figures.map((figure, row) => `${figure}${ranges[row] ?? ''}`) };
}

function padded(texts: readonly string[], side: 'left' | 'right'): string[] {
  const width = Math.max(0, ...texts.map(widthOf));
  return texts.map((text) => {
    const room = ' '.repeat(width - widthOf(text));
    return side === 'left' ? text + room : room + text;
  });
}

/** Columns of a terminal: East Asian characters take two, combining marks none. */
function widthOf(text: string): number {
  const marks = text.match(/\p{M}/gu)?.length ?? 0;
  const wide =
    text.match(
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu,
    )?.length ?? 0;
  return Array.from(text).length - marks + wide;
}

function wrapped(text: string, indent = 0, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent) + word;
    } else line = line === '' && lines.length === 0 ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
