/**
 * A table of a report as HTML: unit and direction in the heading, the range beside each median, a box of its own to scroll in.
 *
 * A column with ranges is two columns of HTML, so that medians stand below each other. The best figure of a column is marked where
 * that is more than luck: it has a range, and the range overlaps no other's.
 */
import { markup, NOTHING } from '../../src/diagnose/page/html.ts';
import type { Html } from '../../src/diagnose/page/html.ts';
import { cellText, directionText, isExact, isMeasured, rangeText, roundsText } from './figures.ts';
import { repeatText } from './repeat.ts';
import type { Cell, Column, Table } from './report.ts';

/** Characters from which on a name or a text is broken into lines. */
const LONG = 28;

/** What a column's cells have in common. */
interface Layout {
  readonly column: Column;
  /** Text alone: aligned left and wrapped. */
  readonly text: boolean;
  readonly exact: boolean;
  readonly ranged: boolean;
  readonly best: number | undefined;
}

/** `notes`: list items under the table, already markup. */
export function tableFigure(table: Table, notes: readonly Html[]): Html {
  const layouts = table.columns.map((column, index) => layoutOf(table, column, index));
  const rows = table.body.map(({ name, cells }, row) => {
    const long = name.length > LONG ? markup` class="long"` : NOTHING;
    const data = layouts.map((layout, index) => cellOf(cells[index] ?? null, layout, row));
    return markup`<tr><th scope="row"${long}>${name}</th>${data}</tr>`;
  });
  const nothing = markup`<tr><td class="quiet" colspan="1000">No rows.</td></tr>`;
  const marked = layouts.some(({ best }) => best !== undefined)
    ? 'Marked: the best of its column, whose range overlaps no other.'
    : '';
  const remark = [roundsText(table) ?? '', repeatText(table) ?? '', marked]
    .filter((each) => each !== '')
    .join(' ');
  return markup`<figure class="table">
    <figcaption>${table.title}</figcaption>
    <div class="scroll" tabindex="0" role="region" aria-label="${table.title}"><table>
      <thead><tr><th scope="col">${table.rows}</th>${layouts.map(heading)}</tr></thead>
      <tbody>${rows.length === 0 ? nothing : rows}</tbody>
    </table></div>
    ${remark === '' ? NOTHING : markup`<p class="remark">${remark}</p>`}
    ${notes.length === 0 ? NOTHING : markup`<ul class="notes">${notes}</ul>`}
  </figure>
`;
}

function layoutOf(table: Table, column: Column, index: number): Layout {
  const cells = table.body.map(({ cells }) => cells[index] ?? null);
  return {
    column,
    text:
      cells.some((cell) => typeof cell === 'string') &&
      cells.every((cell) => typeof (cell ?? '') === 'string'),
    exact: isExact(table, index),
    ranged: cells.some((cell) => isMeasured(cell) && rangeText(cell) !== ''),
    best: bestRow(table, column, index),
  };
}

function heading({ column, text, ranged }: Layout): Html {
  const lines = [column.unit ?? '', directionText(column)].filter((line) => line !== '');
  const attributes = text ? markup` class="text"` : ranged ? markup` colspan="2"` : NOTHING;
  const below = lines.map((line) => markup`<span class="unit">${line}</span>`);
  return markup`<th scope="col"${attributes}>${column.name}${below}</th>`;
}

function cellOf(cell: Cell, { text, exact, ranged, best }: Layout, row: number): Html {
  if (text) {
    const words = cellText(cell, exact);
    return markup`<td class="${words.length > LONG ? 'text long' : 'text'}">${words}</td>`;
  }
  const range = ranged
    ? markup`<td class="range">${cell !== null && isMeasured(cell) ? rangeText(cell) : ''}</td>`
    : NOTHING;
  if (best === row && isMeasured(cell))
    return markup`<td><b class="best">${cellText(cell, exact)}</b><span class="spoken"> (best)</span></td>${range}`;
  return markup`<td>${cellText(cell, exact)}</td>${range}`;
}

/** Row whose figure is the best beyond doubt; `undefined` where ranges overlap or there is nothing to choose from. */
export function bestRow(table: Table, { better }: Column, index: number): number | undefined {
  if (better === undefined || !areRivals(table)) return undefined;
  const sign = better === 'lower' ? 1 : -1;
  const figures = table.body.flatMap(({ cells }, row) => {
    const cell = cells[index] ?? null;
    if (cell === null || typeof cell === 'string') return [];
    const { low, high, rounds } = isMeasured(cell) ? cell : { low: cell, high: cell, rounds: 1 };
    if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
    const [from, to] = sign > 0 ? [low, high] : [-high, -low];
    return [{ row, from, to, ranged: rounds > 1 }];
  });
  const [first, ...others] = figures.sort((a, b) => a.from - b.from || a.to - b.to);
  if (first === undefined || others.length === 0 || !first.ranged) return undefined;
  return others.every(({ from }) => from > first.to) ? first.row : undefined;
}

/** Rows named by numbers, as `1500` or `30/200`, are sizes of one thing. */
function areRivals({ ranked, body }: Table): boolean {
  return ranked ?? body.some(({ name }) => !/^\s*\d/.test(name));
}
