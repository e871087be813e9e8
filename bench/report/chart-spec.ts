/**
 * A chart of a report as a Vega-Lite specification of a given width.
 *
 * `bars` lie on their side where the groups' names would not fit below them; on a logarithmic axis, which has no zero that a bar could
 * begin at, each figure is a point. `lines` have a band from the lowest to the highest round. Every figure says itself in words.
 * Series are numbers here and colours are variables of the page's style: no name of a series reaches the specification.
 */
import type { TopLevelSpec } from 'vega-lite';
import { printable, shortened } from '../../src/diagnose/waterfall/printable.ts';
import { measuredText } from './figures.ts';
import type { Axis, Chart, Point } from './report.ts';

/** Colours, shapes and dashes that tell series apart; the ones beyond begin again. */
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
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
] as const;
/** Of a character at 12 px: Vega has no fonts to measure with. */
const CHARACTER_PX = 7;
const LINES_TALL = 300;
const BARS_TALL = 280;
const BAND_PX = 18;
const MOST_LABEL_CHARACTERS = 26;
/** Up to so many different x have a mark each. */
const MOST_MARKS = 9;

/** One point, as the specification's data hold it. */
export interface Datum {
  readonly x: number | string;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Index of the series. */
  readonly series: number;
  readonly words: string;
}

/** Points that can be drawn: finite, and above zero where the axis is logarithmic. */
export function drawable(chart: Chart): Datum[] {
  return chart.series.flatMap(({ name, points }, series) =>
    points.flatMap((point) => {
      const { x, y, low = y, high = y } = point;
      const bad = !fits(y, chart.y) || (chart.form === 'lines' && typeof x === 'number' && !fits(x, chart.x));
      if (bad) return [];
      // A range that touches zero ends at the figure itself: there is no such place on the axis.
      const from = fits(low, chart.y) ? low : y;
      const words = printable(
        `${name}, ${chart.x.label} ${wordsOf(x, chart.x)}: ${figureOf(point, chart.y)}`,
      );
      return [
        {
          x: typeof x === 'string' ? printable(x) : x,
          y,
          low: from,
          high: fits(high, chart.y) ? high : y,
          series,
          words,
        },
      ];
    }),
  );
}

function fits(value: number, { scale }: Axis): boolean {
  return Number.isFinite(value) && (scale !== 'log' || value > 0);
}

function wordsOf(value: number | string, { unit }: Axis): string {
  const text = typeof value === 'number' ? value.toLocaleString('en') : value;
  return unit === undefined ? text : `${text} ${unit}`;
}

function figureOf({ y, low = y, high = y }: Point, { unit }: Axis): string {
  const text = measuredText({ median: y, low, high, rounds: low === high ? 1 : 2 });
  return unit === undefined ? text : `${text} ${unit}`;
}

export function chartSpec(chart: Chart, data: readonly Datum[], width: number): TopLevelSpec {
  const spec = chart.form === 'lines' && data.every(({ x }) => typeof x === 'number') ? lines : bars;
  return {
    ...spec(chart, data, width),
    data: { values: [...data] },
    autosize: { type: 'fit-x', contains: 'padding' },
    width,
    background: 'transparent',
    padding: { left: 0, right: 4, top: 8, bottom: 5 },
    config: {
      font: 'inherit',
      axis: {
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: 'normal',
        titleColor: 'var(--quiet)',
        labelColor: 'var(--quiet)',
        domainColor: 'var(--line)',
        tickColor: 'var(--line)',
        gridColor: 'var(--grid)',
        labelPadding: 6,
        titlePadding: 10,
      },
      view: { stroke: null },
    },
  } as TopLevelSpec;
}

function title({ label, unit, scale }: Axis): string {
  const words = [unit, scale === 'log' ? 'log scale' : undefined].filter((part) => part !== undefined);
  return printable(words.length === 0 ? label : `${label} (${words.join(', ')})`);
}

function extent(data: readonly Datum[]): [number, number] {
  return [
    Math.min(...data.map(({ low, y }) => Math.min(low, y))),
    Math.max(...data.map(({ high, y }) => Math.max(high, y))),
  ];
}

/** The scale of figures: from zero where it is linear, as a length must; around the figures where it is logarithmic. */
function figureScale(axis: Axis, data: readonly Datum[]): object {
  if (axis.scale !== 'log') return { zero: true, nice: true };
  const [low, high] = extent(data);
  return { type: 'log', domain: [low / 1.25, high * 1.25], nice: false };
}

function figureAxis(axis: Axis, data: readonly Datum[], across: boolean, width: number): object {
  const [low, high] = extent(data);
  const format = high < 1e6 ? ',.3~r' : '.3~s';
  const count = across ? Math.max(3, Math.floor(width / 110)) : 6;
  const marks =
    axis.scale === 'log' ? { values: decadeMarks(low / 1.25, high * 1.25) } : { tickCount: count };
  return { title: title(axis), format, ...marks, domain: false, ticks: false, labelOverlap: 'greedy' };
}

/** 1, 2 and 5 of each power of ten; over many powers only these. */
function decadeMarks(low: number, high: number): number[] {
  const steps = high / low < 2000 ? [1, 2, 5] : [1];
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
    for (const step of steps) marks.push(step * 10 ** power);
  return marks.filter((mark) => mark >= low && mark <= high);
}

function color(): object {
  const numbers = Array.from({ length: SERIES_STYLES }, (_, index) => index);
  const range = numbers.map((index) => `var(--series-${index})`);
  return { field: 'style', type: 'nominal', legend: null, scale: { domain: numbers, range } };
}

function shape(): object {
  const scale = { domain: SHAPES.map((_, index) => index), range: [...SHAPES] };
  return { field: 'style', type: 'nominal', legend: null, scale };
}

const STYLE = { calculate: `datum.series % ${SERIES_STYLES}`, as: 'style' };

function bars(chart: Chart, data: readonly Datum[], width: number): object {
  const log = chart.y.scale === 'log';
  const groups = [...new Set(data.map(({ x }) => String(x)))];
  const longest = Math.max(...groups.map((name) => name.length));
  const series = [...new Set(data.map((each) => each.series))];
  const wide =
    (longest + 2) * CHARACTER_PX * groups.length > width - 60 ||
    series.length * groups.length * 10 > width - 60;
  const [along, across, offset, end] = wide
    ? (['x', 'y', 'yOffset', 'x2'] as const)
    : (['y', 'x', 'xOffset', 'y2'] as const);
  const most = Math.min(MOST_LABEL_CHARACTERS, Math.floor((width * 0.35) / CHARACTER_PX));
  const extentPx = Math.min(most, longest) * CHARACTER_PX;
  const group = {
    field: 'group',
    type: 'ordinal',
    sort: null,
    scale: {
      domain: groups,
      paddingInner: log ? 0.5 : series.length === 1 ? 0.35 : 0.22,
      paddingOuter: 0.15,
    },
    axis: {
      title: title(chart.x),
      labelAngle: 0,
      ticks: false,
      labelLimit: 0,
      ...(wide
        ? { labelExpr: `truncate(datum.label, ${most}, 'center')`, minExtent: extentPx, maxExtent: extentPx }
        : {}),
      ...(wide
        ? {
            titleAngle: 0,
            titleAlign: 'left',
            titleAnchor: 'start',
            titleX: 0,
            titleY: -6,
            titleBaseline: 'bottom',
          }
        : {}),
    },
  };
  const value = (field: string): object => ({
    field,
    type: 'quantitative',
    scale: figureScale(chart.y, data),
    axis: figureAxis(chart.y, data, wide, width),
  });
  const inner = { scale: { domain: series, paddingInner: 0.12 } };
  const shared = {
    [across]: group,
    [offset]: { field: 'series', type: 'ordinal', sort: null, ...inner },
    description: { field: 'words' },
  };
  const whisker = { [along]: value('low'), [end]: { field: 'high' } };
  const size = Math.max(
    3,
    Math.min(24, (wide ? BAND_PX : (width - 60) / groups.length / series.length) * 0.8),
  );
  const figures = {
    mark: log ? { type: 'point', filled: true, size: 90, opacity: 1 } : { type: 'bar' },
    encoding: { [along]: value('y'), color: color(), ...(log ? { shape: shape() } : {}) },
  };
  const ranged = { transform: [{ filter: 'datum.low < datum.high' }] };
  const ink = { color: { value: 'var(--ink)' } };
  const whiskers = [
    { ...ranged, mark: { type: 'rule', strokeWidth: 1.5 }, encoding: { ...whisker, ...ink } },
    ...['low', 'high'].map((field) => ({
      ...ranged,
      mark: { type: 'tick', thickness: 1.5, size: Math.min(8, size) },
      encoding: { [along]: value(field), ...ink },
    })),
  ];
  return {
    transform: [STYLE, { calculate: 'toString(datum.x)', as: 'group' }],
    height: wide ? groups.length * Math.max(series.length * BAND_PX, 26) : BARS_TALL,
    encoding: shared,
    // A bar would hide the lower half of its range, the range would hide a point.
    layer: log ? [...whiskers, figures] : [figures, ...whiskers],
  };
}

function lines(chart: Chart, data: readonly Datum[], width: number): object {
  const places = [...new Set(data.map(({ x }) => Number(x)))].sort((a, b) => a - b);
  const marked = places.length <= MOST_MARKS ? { values: places } : { tickCount: Math.floor(width / 90) };
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: chart.x.scale === 'log' ? { type: 'log', nice: false } : { zero: false, nice: false },
    axis: {
      title: title(chart.x),
      ...marked,
      format: ',~r',
      grid: false,
      labelOverlap: 'greedy',
      labelFlush: true,
    },
  };
  const value = (field: string): object => ({
    field,
    type: 'quantitative',
    scale: figureScale(chart.y, data),
    axis: figureAxis(chart.y, data, false, width),
  });
  const banded = chart.series
    .map((_, index) => index)
    .filter((index) => data.some((each) => each.series === index && each.low < each.high));
  const used = [...new Set(data.map(({ series }) => series))];
  const dash = {
    field: 'series',
    type: 'nominal',
    legend: null,
    scale: { domain: used, range: used.map((index) => [...(DASHES[index % DASHES.length] ?? [1, 0])]) },
  };
  return {
    transform: [STYLE],
    height: LINES_TALL,
    encoding: { x, color: color(), detail: { field: 'series', type: 'nominal' } },
    layer: [
      {
        transform: [{ filter: { field: 'series', oneOf: banded } }],
        mark: { type: 'area', opacity: 0.16, aria: false },
        encoding: { y: value('low'), y2: { field: 'high' } },
      },
      { mark: { type: 'line', strokeWidth: 2, aria: false }, encoding: { y: value('y'), strokeDash: dash } },
      {
        mark: { type: 'point', filled: true, size: 55, opacity: 1 },
        encoding: { y: value('y'), shape: shape(), description: { field: 'words' } },
      },
    ],
  };
}

/** A name for a legend or a label: bounded, since whoever sent a request may have chosen it. */
export function legendName(name: string): string {
  return shortened(name, 120);
}
