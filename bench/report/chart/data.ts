/** The points of a chart as the specifications hold them: one list, without what cannot be drawn, each point with its words. */
import { printable } from '../../../src/diagnose/waterfall/printable.ts';
import { measuredText } from '../figures.ts';
import type { Axis, Chart, Point } from '../report.ts';

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

/** Lowest and highest figure with the ranges. */
export function extent(data: readonly Datum[]): [number, number] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const { low, y, high } of data) {
    lowest = Math.min(lowest, low, y);
    highest = Math.max(highest, high, y);
  }
  return [lowest, highest];
}

export function different<T>(values: Iterable<T>): T[] {
  return [...new Set(values)];
}
