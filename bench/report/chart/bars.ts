/**
 * Groups of bars beside each other, lying where the groups' names would not fit below them.
 *
 * A bar must begin at zero, and a logarithmic axis has none: there each figure is a point.
 */
import { shortened } from '../../../src/diagnose/waterfall/printable.ts';
import type { Chart } from '../report.ts';
import {
  CHARACTER_PX,
  color,
  figureChannel,
  shape,
  STYLE,
  title,
  TITLE_MARGIN_PX,
  titleText,
} from './axes.ts';
import { different } from './data.ts';
import type { Datum } from './data.ts';

const TALL_PX = 280;
/** Of one lying bar, and of a lying group at least. */
const BAND_PX = 18;
const GROUP_PX = 26;
/** What axis and margins take of the width, roughly: enough to choose by. */
const MARGIN_PX = 60;
const THINNEST_BAR_PX = 10;
const MOST_LABEL_CHARACTERS = 26;
const WHISKER_PX = 8;

export function bars(chart: Chart, data: readonly Datum[], width: number): object {
  const groups = different(data.map(({ x }) => String(x)));
  const series = different(data.map((each) => each.series));
  const lying = mustLie(groups, series.length, width);
  const [along, across, offset, end] = lying
    ? (['x', 'y', 'yOffset', 'x2'] as const)
    : (['y', 'x', 'xOffset', 'y2'] as const);
  const log = chart.y.scale === 'log';
  const figure = figureChannel(chart.y, data, lying, width);
  const figures = {
    mark: log ? { type: 'point', filled: true, size: 90, opacity: 1 } : { type: 'bar' },
    encoding: { [along]: figure('y'), color: color(), ...(log ? { shape: shape() } : {}) },
  };
  const ranged = { transform: [{ filter: 'datum.low < datum.high' }] };
  const ink = { color: { value: 'var(--ink)' } };
  const bar = lying ? BAND_PX : (width - MARGIN_PX) / groups.length / series.length;
  const whiskers = [
    {
      ...ranged,
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { [along]: figure('low'), [end]: { field: 'high' }, ...ink },
    },
    ...['low', 'high'].map((field) => ({
      ...ranged,
      mark: { type: 'tick', thickness: 1.5, size: Math.max(3, Math.min(WHISKER_PX, bar * 0.6)) },
      encoding: { [along]: figure(field), ...ink },
    })),
  ];
  const gap = log ? 0.5 : series.length === 1 ? 0.35 : 0.22;
  return {
    transform: [STYLE, { calculate: 'toString(datum.x)', as: 'group' }],
    height: lying ? groups.length * Math.max(series.length * BAND_PX, GROUP_PX) : TALL_PX,
    encoding: {
      [across]: {
        field: 'group',
        type: 'ordinal',
        sort: null,
        scale: { domain: groups, paddingInner: gap, paddingOuter: 0.15 },
        axis: groupAxis(chart, groups, lying, width),
      },
      [offset]: {
        field: 'series',
        type: 'ordinal',
        sort: null,
        scale: { domain: series, paddingInner: 0.12 },
      },
      description: { field: 'words' },
    },
    // A bar would hide the lower half of its range, the range would hide a point.
    layer: log ? [...whiskers, figures] : [figures, ...whiskers],
  };
}

function mustLie(groups: readonly string[], series: number, width: number): boolean {
  const room = width - MARGIN_PX;
  const names = (longest(groups) + 2) * CHARACTER_PX * groups.length;
  return names > room || series * groups.length * THINNEST_BAR_PX > room;
}

function groupAxis(chart: Chart, groups: readonly string[], lying: boolean, width: number): object {
  const shared = { labelAngle: 0, ticks: false, labelLimit: 0 };
  if (!lying) return { ...shared, title: title(chart.x, width - TITLE_MARGIN_PX) };
  const most = Math.min(MOST_LABEL_CHARACTERS, Math.floor((width * 0.42) / CHARACTER_PX));
  const left = Math.min(most, longest(groups)) * CHARACTER_PX;
  const above = {
    title: shortened(titleText(chart.x), Math.floor(width / CHARACTER_PX)),
    titleAngle: 0,
    titleAlign: 'left',
    titleAnchor: 'start',
    titleX: -left,
    titleY: -6,
    titleBaseline: 'bottom',
  };
  const labelExpr = `truncate(datum.label, ${most}, 'center')`;
  return { ...shared, ...above, labelExpr, minExtent: left, maxExtent: left };
}

function longest(names: readonly string[]): number {
  return Math.max(...names.map((name) => name.length));
}
