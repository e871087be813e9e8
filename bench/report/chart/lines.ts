/** Lines over numbers, each with a mark per figure and a band from the lowest to the highest round. */
import type { Chart } from '../report.ts';
import { color, figureChannel, NUMBER_FORMAT, shape, STYLE, title, TITLE_MARGIN_PX } from './axes.ts';
import { different } from './data.ts';
import type { Datum } from './data.ts';

const TALL_PX = 300;
/** Up to so many different x have a mark each on the axis. */
const MOST_MARKS = 9;
/** From here on symbols would run into each other. */
const DENSE = 60;
/** Beside colour and shape, for readers and printers without colours. */
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
] as const;

export function lines(chart: Chart, data: readonly Datum[], width: number): object {
  const places = different(data.map(({ x }) => Number(x))).sort((a, b) => a - b);
  const marks = places.length <= MOST_MARKS ? { values: places } : { tickCount: Math.floor(width / 90) };
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: chart.x.scale === 'log' ? { type: 'log', nice: false } : { zero: false, nice: false },
    axis: {
      title: title(chart.x, width - TITLE_MARGIN_PX),
      ...marks,
      format: NUMBER_FORMAT,
      grid: false,
      labelOverlap: 'greedy',
      labelFlush: true,
    },
  };
  const figure = figureChannel(chart.y, data, false, width);
  const banded = different(data.filter(({ low, high }) => low < high).map(({ series }) => series));
  return {
    transform: [STYLE],
    height: TALL_PX,
    encoding: { x, color: color(), detail: { field: 'series', type: 'nominal' } },
    layer: [
      {
        transform: [{ filter: { field: 'series', oneOf: banded } }],
        mark: { type: 'area', opacity: 0.16, aria: false },
        encoding: { y: figure('low'), y2: { field: 'high' } },
      },
      {
        mark: { type: 'line', strokeWidth: 2, aria: false },
        encoding: { y: figure('y'), strokeDash: dash(data) },
      },
      {
        mark: { type: 'point', filled: true, size: places.length < DENSE ? 55 : 12, opacity: 1 },
        encoding: { y: figure('y'), shape: shape(), description: { field: 'words' } },
      },
    ],
  };
}

function dash(data: readonly Datum[]): object {
  const domain = different(data.map(({ series }) => series));
  const range = domain.map((index) => [...(DASHES[index % DASHES.length] ?? [1, 0])]);
  return { field: 'series', type: 'nominal', legend: null, scale: { domain, range } };
}
