/**
 * A chart of a report as a Vega-Lite specification of a given width.
 *
 * Series are numbers here and colours are variables of the page's style: no name of a series reaches the specification.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { Chart } from '../report.ts';
import { bars } from './bars.ts';
import type { Datum } from './data.ts';
import { lines } from './lines.ts';

/** `lines` over something that is no number are drawn as bars. */
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
