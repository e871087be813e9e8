/**
 * A table of a report as HTML: units and direction in the heading, the range small beside each median, a box of its own to scroll in.
 *
 * The best figure of a column is marked where that is more than luck: it has a range, and the range overlaps no other's.
 */
import { markup, NOTHING } from '../../src/diagnose/page/html.ts';
import type { Html } from '../../src/diagnose/page/html.ts';
import { DASH, figureText, isMeasured, numberText, rangeText, roundsText, unitText } from './figures.ts';
import type { Cell, Column, Table } from './report.ts';

/** `notes`: list items under the table, already markup. */
export function tableFigure(table: Table, notes: readonly Html[]): Html {
  const best = table.columns.map((column, index) => bestRow(table, column, index));
  const texts = table.columns.map((_, index) =>
    table.body.every(({ cells }) => typeof (cells[index] ?? '') === 'string'),
  );
  const rounds = roundsText(table);
  const remarks = [
    ...(rounds === undefined ? [] : [rounds]),
    ...(best.some((row) => row !== undefined)
      ? ['Marked: the best of its column, whose range overlaps no other.']
      : []),
  ].join(' ');
  const rows = table.body.map(
    ({ name, cells }, row) =>
      markup`<tr><th scope="row">${name}</th>${table.columns.map((column, index) => cellOf(cells[index] ?? null, column, best[index] === row, texts[index] === true))}</tr>`,
  );
  const nothing = markup`<tr><td class="quiet" colspan="${table.columns.length + 1}">No rows.</td></tr>`;
  return markup`<figure class="table">
    <figcaption>${table.title}</figcaption>
    <div class="scroll" tabindex="0" role="region" aria-label="${table.title}"><table>
      <thead><tr><th scope="col">${table.rows}</th>${table.columns.map((column, index) => heading(column, texts[index] === true))}</tr></thead>
      <tbody>${rows.length === 0 ? nothing : rows}</tbody>
    </table></div>
    ${remarks === '' ? NOTHING : markup`<p class="remark">${remarks}</p>`}
    ${notes.length === 0 ? NOTHING : markup`<ul class="notes">${notes}</ul>`}
  </figure>`;
}

function heading(column: Column, text: boolean): Html {
  const unit = unitText(column);
  return markup`<th scope="col"${text ? markup` class="text"` : NOTHING}>${column.name}${unit === '' ? NOTHING : markup`<span class="unit">${unit}</span>`}</th>`;
}

function cellOf(cell: Cell, column: Column, best: boolean, text: boolean): Html {
  if (typeof cell === 'string')
    return text ? markup`<td class="text">${cell}</td>` : markup`<td>${cell}</td>`;
  if (cell === null)
    return markup`<td class="quiet${text ? ' text' : ''}"><span aria-label="not measured">${DASH}</span></td>`;
  if (!isMeasured(cell)) return markup`<td>${numberText(cell, column)}</td>`;
  const range = rangeText(cell);
  const median = best
    ? markup`<b>${figureText(cell.median)}</b><span class="spoken"> (best)</span>`
    : markup`${figureText(cell.median)}`;
  return markup`<td${best ? markup` class="best"` : NOTHING}>${median}${range === '' ? NOTHING : markup`<span class="range">${range}</span>`}</td>`;
}

/** Row whose figure is the best beyond doubt; `undefined` where ranges overlap or there is nothing to choose from. */
export function bestRow(table: Table, { better }: Column, index: number): number | undefined {
  if (better === undefined || table.ranked === false) return undefined;
  const sign = better === 'lower' ? 1 : -1;
  const figures = table.body.flatMap(({ cells }, row) => {
    const cell = cells[index] ?? null;
    if (typeof cell === 'number')
      return Number.isFinite(cell) ? [{ row, from: sign * cell, to: sign * cell, ranged: false }] : [];
    if (!isMeasured(cell) || !Number.isFinite(cell.median)) return [];
    const ends = [sign * cell.low, sign * cell.high];
    return [{ row, from: Math.min(...ends), to: Math.max(...ends), ranged: cell.rounds > 1 }];
  });
  const [first, ...others] = figures.sort((a, b) => a.from - b.from || a.to - b.to);
  if (first === undefined || others.length === 0 || !first.ranged) return undefined;
  return others.every(({ from }) => from > first.to) ? first.row : undefined;
}
