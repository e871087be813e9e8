/**
 * A chart as a figure of the page: a legend in HTML, and the drawing as SVG made by Vega when the page is written. There are two
 * drawings, one for wide and one for narrow screens: one that is scaled down has text that nobody can read.
 *
 * The figures' words, which Vega writes for screen readers, become titles as well: a browser shows them without any script.
 */
import { Html, markup, NOTHING } from '../../../src/diagnose/page/html.ts';
import { shortened } from '../../../src/diagnose/waterfall/printable.ts';
import type { Chart } from '../report.ts';
import { CHARACTER_PX, SERIES_STYLES, SHAPES } from './axes.ts';
import { drawable } from './data.ts';
import type { Datum } from './data.ts';
import { chartSpec } from './spec.ts';

const WIDE_PX = 1024;
const NARROW_PX = 332;
const LONGEST_NAME = 120;

/** `notes` as list items; the caller knows how text becomes markup. */
export async function chartFigure(chart: Chart, notes: Html): Promise<Html> {
  const data = drawable(chart);
  const left = chart.series.reduce((sum, { points }) => sum + points.length, 0) - data.length;
  const omitted =
    left === 0
      ? NOTHING
      : markup`<p class="remark">${`${left} of the points cannot be drawn: not measured${chart.y.scale === 'log' || chart.x.scale === 'log' ? ', or not above zero on a logarithmic axis' : ''}.`}</p>`;
  const drawing =
    data.length === 0
      ? markup`<p class="quiet">Nothing to draw.</p>`
      : markup`<div class="wide">${await drawn(chart, data, WIDE_PX)}</div><div class="narrow">${await drawn(chart, data, NARROW_PX)}</div>`;
  return markup`<figure class="chart">
    <figcaption>${chart.title}</figcaption>
    ${legend(chart)}
    ${drawing}
    ${omitted}${notes}
  </figure>`;
}

function legend(chart: Chart): Html {
  if (chart.series.length < 2) return NOTHING;
  const bar = chart.form === 'bars' && chart.y.scale !== 'log';
  const items = chart.series.map(({ name }, index) => {
    const style = index % SERIES_STYLES;
    const path = bar ? BAR : PATHS[SHAPES[style] ?? 'circle'];
    return markup`<li><svg class="swatch" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="series-${style}" d="${path}"/></svg>${shortened(name, LONGEST_NAME)}</li>`;
  });
  return markup`<ul class="legend">${items}</ul>`;
}

const BAR = 'M-6-6H6V6H-6Z';
const PATHS: Readonly<Record<(typeof SHAPES)[number], string>> = {
  circle: 'M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z',
  square: 'M-5-5H5V5H-5Z',
  'triangle-up': 'M0-5L6 5H-6Z',
  diamond: 'M0-6L6 0L0 6L-6 0Z',
  cross: 'M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z',
  'triangle-down': 'M0 5L6-5H-6Z',
  'triangle-right': 'M6 0L-5 6V-6Z',
  'triangle-left': 'M-6 0L5 6V-6Z',
};

async function drawn(chart: Chart, data: readonly Datum[], width: number): Promise<Html> {
  // A tenth of a second and 30 MB that only a page with charts needs.
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  // Its own guess is for a font a third wider; it asks whatever function stands here, though its types do not say so.
  const { textMetrics } = vega as unknown as { readonly textMetrics: { width: typeof textWidth } };
  textMetrics.width = textWidth;
  const { spec } = compile(chartSpec(chart, data, width));
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return new Html(withTitles(await view.toSVG()));
  } finally {
    view.finalize();
  }
}

function textWidth(item: { readonly fontSize?: number }, text: string | number | null | undefined): number {
  return String(text ?? '').length * CHARACTER_PX * ((item.fontSize ?? 12) / 12);
}

/** Vega's own escaping holds: what stands in the attribute is copied as it is. */
function withTitles(svg: string): string {
  return svg
    .replace(
      /<(path|line) (aria-label="([^"]*)" role="graphics-symbol"[^>]*?)\/?>(?:<\/\1>)?/g,
      (_, element: string, attributes: string, words: string) =>
        `<${element} ${attributes}><title>${words}</title></${element}>`,
    )
    .replace('<svg ', '<svg role="group" ');
}
