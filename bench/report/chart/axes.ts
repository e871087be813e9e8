/** Scales and axes of charts, and what tells series apart. Colours are variables of the page's style. */
import { printable, shortened } from '../../../src/diagnose/waterfall/printable.ts';
import type { Axis } from '../report.ts';
import { extent } from './data.ts';
import type { Datum } from './data.ts';

/** Colours and shapes that tell series apart; the ones beyond begin again. */
export const SERIES_STYLES = 8;
export const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
] as const;
/** Of a character at 12 px: Vega has no fonts to measure with. */
export const CHARACTER_PX = 7;
const MOST_TITLE_LINES = 3;
/** Height of the smallest drawing: a title beside it stands upright. */
const UPRIGHT_PX = 240;
/** Six digits: without a number of them Vega rounds marks to the distance between them, 1,500 to 2,000. */
export const NUMBER_FORMAT = ',.6~r';
/** What stands beside a title below the drawing. */
export const TITLE_MARGIN_PX = 90;
/** Space on a logarithmic axis beyond the figures, as a factor. */
const LOG_ROOM = 1.25;

export const STYLE = { calculate: `datum.series % ${SERIES_STYLES}`, as: 'style' };

export function titleText({ label, unit, scale }: Axis): string {
  const words = [unit, scale === 'log' ? 'log scale' : undefined].filter((part) => part !== undefined);
  return printable(words.length === 0 ? label : `${label} (${words.join(', ')})`);
}

/** In lines of so many pixels: what is wider would take the drawing's place. */
export function title(axis: Axis, widthPx: number): string[] {
  const text = titleText(axis);
  const most = Math.floor(widthPx / CHARACTER_PX);
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.slice(0, MOST_TITLE_LINES).map((line) => shortened(line, most));
}

/** The scale of figures: from zero where it is linear, as a length must; around the figures where it is logarithmic. */
function figureScale(axis: Axis, data: readonly Datum[]): object {
  if (axis.scale !== 'log') return { zero: true, nice: true };
  const [low, high] = extent(data);
  return { type: 'log', domain: [low / LOG_ROOM, high * LOG_ROOM], nice: false };
}

function figureAxis(axis: Axis, data: readonly Datum[], across: boolean, width: number): object {
  const [low, high] = extent(data);
  const format = high < 1e6 ? NUMBER_FORMAT : '.4~s';
  const count = across ? Math.max(3, Math.floor(width / 110)) : 6;
  const marks =
    axis.scale === 'log' ? { values: decadeMarks(low / LOG_ROOM, high * LOG_ROOM) } : { tickCount: count };
  return {
    title: title(axis, across ? width - TITLE_MARGIN_PX : UPRIGHT_PX),
    format,
    ...marks,
    domain: false,
    ticks: false,
    labelOverlap: 'greedy',
  };
}

/** A channel for one field of the data that holds figures. `across`: the axis lies. */
export function figureChannel(
  axis: Axis,
  data: readonly Datum[],
  across: boolean,
  width: number,
): (field: string) => object {
  const scale = figureScale(axis, data);
  const drawn = figureAxis(axis, data, across, width);
  return (field) => ({ field, type: 'quantitative', scale, axis: drawn });
}

/** 1, 2 and 5 of each power of ten; over many powers only these. */
function decadeMarks(low: number, high: number): number[] {
  const steps = high / low < 2000 ? [1, 2, 5] : [1];
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
    for (const step of steps) marks.push(step * 10 ** power);
  return marks.filter((mark) => mark >= low && mark <= high);
}

export function color(): object {
  const numbers = Array.from({ length: SERIES_STYLES }, (_, index) => index);
  const range = numbers.map((index) => `var(--series-${index})`);
  return { field: 'style', type: 'nominal', legend: null, scale: { domain: numbers, range } };
}

export function shape(): object {
  const scale = { domain: SHAPES.map((_, index) => index), range: [...SHAPES] };
  return { field: 'style', type: 'nominal', legend: null, scale };
}
