/**
 * Draws a waterfall for a terminal: facts, lanes of bars over one axis with their numbers below them, the ledger, the line in words.
 *
 *                      0         5 ms      10 ms     15 ms     20 ms
 *   phases             ▒█▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
 *                      pool  upstream  response
 *   upstream → proxy     █·····································█
 *
 * Texts come in printable (`printable.ts`); colours only when asked for.
 */
import { styleText } from 'node:util';
import { axisTicks } from './axis.ts';
import { lengthText, shortened } from './printable.ts';
import { labelLines, trackOf, type Glyphs } from './track.ts';
import type { Lane, Waterfall } from './waterfall.ts';

export interface TerminalStyle {
  readonly columns: number;
  readonly ascii: boolean;
  readonly colours: boolean;
}

type Colour = Parameters<typeof styleText>[0];

const LEAST_COLUMNS = 40;
const MOST_COLUMNS = 240;
const NAME_COLUMNS = 19;
/** Length, share and blanks of a ledger's row; a bar of fewer cells says nothing. */
const LEDGER_NUMBERS = 19;
const LEAST_LEDGER_BAR = 6;

const UNICODE: Glyphs = {
  read: '█',
  write: '█',
  waited: '░',
  gap: '·',
  blocked: '╳',
  skipped: '≈',
  paused: '▬',
  phase: ['▒', '█'],
};
const ASCII: Glyphs = {
  read: '#',
  write: '#',
  waited: '%',
  gap: '.',
  blocked: 'x',
  skipped: '~',
  paused: '-',
  phase: ['=', '#'],
};
const LEGEND: readonly (readonly [keyof Omit<Glyphs, 'phase'>, string])[] = [
  ['read', 'read or write'],
  ['waited', 'in the kernel'],
  ['gap', 'nothing'],
  ['blocked', 'socket full'],
  ['paused', 'reads off'],
  ['skipped', 'left out'],
];

export function renderTerminal(waterfall: Waterfall, style: TerminalStyle): string {
  const columns = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, style.columns));
  const paint = painter(style.colours);
  const lines = [
    paint('bold', shortened(waterfall.title, columns)),
    ...factLines(waterfall, columns, paint),
    '',
    ...chart(waterfall, columns, style.ascii ? ASCII : UNICODE, paint),
    ...ledgerLines(waterfall, columns, style.ascii ? '#' : '█', paint),
    ...waterfall.remarks.flatMap((remark) => ['', ...wrapped(remark, columns)]),
    ...tokenLines(waterfall, columns, paint),
  ];
  const text = lines.map((line) => line.trimEnd()).join('\n');
  return style.ascii ? asciiOf(text) : text;
}

type Paint = (colour: Colour, text: string) => string;

function painter(colours: boolean): Paint {
  if (!colours) return (_, text) => text;
  return (colour, text) => styleText(colour, text, { validateStream: false });
}

function factLines({ facts }: Waterfall, columns: number, paint: Paint): string[] {
  const width = Math.max(...facts.map(({ name }) => name.length));
  return facts.flatMap(({ name, value }) =>
    wrapped(value, columns - width - 2).map(
      (part, index) => `${paint('dim', (index === 0 ? name : '').padEnd(width))}  ${part}`,
    ),
  );
}

function chart(waterfall: Waterfall, columns: number, glyphs: Glyphs, paint: Paint): string[] {
  const width = columns - NAME_COLUMNS;
  const lines = [' '.repeat(NAME_COLUMNS) + paint('dim', axisLine(waterfall, width))];
  for (const lane of waterfall.lanes) lines.push(...laneLines(lane, waterfall, width, glyphs, paint));
  const kinds = new Set(waterfall.lanes.flatMap(({ bars }) => bars.map(({ kind }) => kind)));
  const legend = LEGEND.filter(([kind]) => kinds.has(kind) || (kind === 'read' && kinds.has('write')));
  const shown = legend.map(([kind, words]) => `${glyphs[kind]} ${words}`).join('   ');
  return [
    ...lines,
    '',
    ...wrapped(shown, width).map((line) => ' '.repeat(NAME_COLUMNS) + paint('dim', line)),
  ];
}

function axisLine({ fromUs, toUs }: Waterfall, width: number): string {
  let line = '';
  for (const { atUs, label } of axisTicks(fromUs, toUs, Math.floor(width / 12))) {
    const column = Math.floor(((atUs - fromUs) / (toUs - fromUs)) * width);
    if (column + label.length > width || (line !== '' && column <= line.length)) continue;
    line = line.padEnd(column) + label;
  }
  return line;
}

function laneLines(lane: Lane, waterfall: Waterfall, width: number, glyphs: Glyphs, paint: Paint): string[] {
  const name = lane.name.padEnd(NAME_COLUMNS);
  if (lane.empty !== null) return [name + paint('dim', lane.empty)];
  const track = trackOf(lane.bars, waterfall, width, glyphs)
    .map(({ text, bar }) => (bar === null ? text : paint(colourOf(bar.kind, bar.segment), text)))
    .join('');
  const labels = labelLines(lane.bars, waterfall, width);
  return [name + track, ...labels.map((line) => ' '.repeat(NAME_COLUMNS) + paint('dim', line))];
}

const KIND_COLOURS: Readonly<Record<string, Colour>> = {
  read: 'cyan',
  write: 'cyan',
  waited: 'red',
  gap: 'dim',
  blocked: 'magenta',
  skipped: 'dim',
  paused: 'yellow',
};
const SEGMENT_COLOURS: Readonly<Record<string, Colour>> = {
  client: 'blue',
  loop: 'red',
  filter: 'magenta',
  paused: 'magenta',
  pool: 'cyan',
  connect: 'cyan',
  handshake: 'cyan',
  upstream: 'yellow',
  body: 'green',
  flow: 'magentaBright',
  deliver: 'blueBright',
};

function colourOf(kind: string, segment: string | null): Colour {
  if (segment === null) return KIND_COLOURS[kind] ?? 'white';
  return SEGMENT_COLOURS[segment.split('.', 1)[0] ?? ''] ?? 'white';
}

function ledgerLines({ ledger }: Waterfall, columns: number, glyph: string, paint: Paint): string[] {
  if (ledger === null || ledger.length === 0) return [];
  const total = ledger.reduce((sum, { us }) => sum + us, 0) || 1;
  const longest = Math.max(...ledger.map(({ segment }) => segment.length));
  const names = Math.min(Math.max(NAME_COLUMNS - 2, longest + 2), columns - LEDGER_NUMBERS - 2);
  const width = columns - names - LEDGER_NUMBERS - 2;
  let before = 0;
  const rows = ledger.map(({ segment, us }) => {
    const from = Math.min(width - 1, Math.floor((before / total) * width));
    before += us;
    const cells = Math.max(1, Math.round((before / total) * width) - from);
    const share = `${Math.round((us / total) * 100)} %`;
    const numbers = `  ${shortened(segment, names).padEnd(names)}${lengthText(us).padStart(10)}${share.padStart(7)}`;
    if (width < LEAST_LEDGER_BAR) return numbers;
    return `${numbers}  ${' '.repeat(from)}${paint(colourOf('phase', segment), glyph.repeat(cells))}`;
  });
  return ['', paint('bold', 'Where the time went (ledger)'), ...rows];
}

function tokenLines({ tokens }: Waterfall, columns: number, paint: Paint): string[] {
  const lines: string[] = [];
  let part = '';
  for (const token of tokens) {
    if (token.part !== part) lines.push('', paint('bold', token.part));
    part = token.part;
    if (token.token.length <= 18) {
      const rows = wrapped(token.words, columns - 22);
      lines.push(
        ...rows.map(
          (row, index) => `  ${paint('cyan', (index === 0 ? token.token : '').padEnd(18))}  ${row}`,
        ),
      );
    } else {
      lines.push(
        `  ${paint('cyan', token.token)}`,
        ...wrapped(token.words, columns - 6).map((row) => `      ${row}`),
      );
    }
  }
  return lines;
}

/** Breaks at blanks; a word longer than the width is cut. */
function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (let word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push('');
    else if (last !== '') word = `${last} ${word}`;
    for (; word.length > width; word = word.slice(width)) lines.splice(-1, 1, word.slice(0, width), '');
    lines[lines.length - 1] = word;
  }
  return lines;
}

const ASCII_TEXTS: Readonly<Record<string, string>> = {
  '→': '->',
  '…': '...',
  µ: 'u',
  '−': '-',
  '’': "'",
  '×': 'x',
};

function asciiOf(text: string): string {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x7f) return character;
    return ASCII_TEXTS[character] ?? `\\u{${code.toString(16)}}`;
  }).join('');
}
