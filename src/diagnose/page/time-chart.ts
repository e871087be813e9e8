/**
 * Time by segment over time: for each slice the mean time of a request, stacked by what it was spent on; below it requests and failures.
 *
 * Steps, not slopes: a slice says nothing about what lies between it and the next. Areas are drawn in units of their own and stretched
 * over the plot; texts stand beside them in pixels.
 */
import type { Report, TimeSlice } from '../report.ts';
import { axisTicks } from '../waterfall/axis.ts';
import { markup, NOTHING, type Html } from './html.ts';
import { compareSegments, familyOf } from './segments.ts';
import { lengthText, percent, plural, shortInstant } from './words.ts';

const HEIGHT = 190;
const COUNT_HEIGHT = 34;
const SPACE = 12;
const BOTTOM = 20;
const TALL = HEIGHT + SPACE + COUNT_HEIGHT + BOTTOM;
const MOST_LABELS = 5;
const MOST_LINES = 4;

/** A slice with its end, both 0 to 1000, and its stack in microseconds per request. */
interface Step {
  readonly slice: TimeSlice;
  readonly from: number;
  readonly to: number;
  readonly means: readonly { readonly segment: string; readonly us: number }[];
  readonly sum: number;
}

export function timeChart(report: Report): Html {
  const steps = stepsOf(report);
  if (steps.length === 0) return NOTHING;
  const highest = Math.max(1, ...steps.map(({ sum }) => sum));
  const busiest = Math.max(1, ...steps.map(({ slice }) => slice.requests));
  const lines = scale(highest);
  const names = new Set(steps.flatMap(({ means }) => means.map(({ segment }) => segment)));
  return markup`<figure>
    <svg class="plot" height="${TALL}" role="img" aria-label="Mean time of a request by segment, over time">
      ${lines.map(({ y }) => markup`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}" />`)}
      <svg y="0" width="100%" height="${HEIGHT}" viewBox="0 0 1000 ${HEIGHT}" preserveAspectRatio="none">
        ${[...names].sort(compareSegments).map((name) => areaOf(name, steps, highest))}
      </svg>
      <svg
        y="${HEIGHT + SPACE}"
        width="100%"
        height="${COUNT_HEIGHT}"
        viewBox="0 0 1000 ${COUNT_HEIGHT}"
        preserveAspectRatio="none"
      >
        ${steps.map((step) => countRects(step, busiest))}
      </svg>
      ${lines.map(({ y, label }) => markup`<text class="scale" x="2" y="${y - 3}">${label}</text>`)}
      ${steps.map(hoverRect)}
      <line class="base" x1="0" x2="100%" y1="${HEIGHT}" y2="${HEIGHT}" />
      ${timeLabels(report)}
    </svg>
    <figcaption>
      Above: mean time of a request by what it was spent on. Below: requests
      <i class="swatch s-count"></i>, failures <i class="swatch s-failed"></i>. Times are UTC.
    </figcaption>
    <ul class="legend">
      ${[...names].sort(compareSegments).map((name) => markup`<li><i class="swatch s-${familyOf(name)}"></i>${name}</li>`)}
    </ul>
    ${table(steps)}
  </figure>`;
}

function stepsOf({ slices, lastUs }: Report): Step[] {
  const first = slices[0]?.startUs;
  const last = slices.at(-1)?.startUs;
  if (first === undefined || last === undefined) return [];
  const usual = slices.length < 2 ? 1 : (last - first) / (slices.length - 1);
  const end = Math.max(last + usual, Math.min(lastUs ?? 0, last + usual));
  return slices.map((slice, index): Step => {
    const next = slices[index + 1]?.startUs ?? end;
    const means = slice.segments.map(({ segment, us }) => ({
      segment,
      us: us / Math.max(1, slice.requests),
    }));
    return {
      slice,
      from: ((slice.startUs - first) / (end - first)) * 1000,
      to: ((next - first) / (end - first)) * 1000,
      means,
      sum: means.reduce((sum, { us }) => sum + us, 0),
    };
  });
}

/** One closed path per segment: along its upper edge, back along its lower one. */
function areaOf(name: string, steps: readonly Step[], highest: number): Html {
  const edge = (us: number): string => (HEIGHT - (us / highest) * (HEIGHT - 14)).toFixed(2);
  let upper = '';
  let lower = '';
  for (const { from, to, means } of steps) {
    const below = means
      .filter(({ segment }) => compareSegments(segment, name) < 0)
      .reduce((sum, { us }) => sum + us, 0);
    const own = means.find(({ segment }) => segment === name)?.us ?? 0;
    upper += `${upper === '' ? 'M' : 'L'}${from.toFixed(2)} ${edge(below + own)}L${to.toFixed(2)} ${edge(below + own)}`;
    lower = `L${to.toFixed(2)} ${edge(below)}L${from.toFixed(2)} ${edge(below)}${lower}`;
  }
  return markup`<path class="area s-${familyOf(name)}" d="${upper}${lower}Z" />`;
}

function countRects({ slice, from, to }: Step, busiest: number): Html {
  const width = Math.max(0.5, to - from - Math.min(1, (to - from) * 0.1));
  const rect = (name: string, value: number): Html => {
    const height = value === 0 ? 0 : Math.max(1.5, (value / busiest) * COUNT_HEIGHT);
    return markup`<rect
      class="${name}"
      x="${from.toFixed(2)}"
      width="${width.toFixed(2)}"
      y="${(COUNT_HEIGHT - height).toFixed(2)}"
      height="${height.toFixed(2)}"
    />`;
  };
  return markup`${rect('s-count', slice.requests)}${rect('s-failed', slice.failures)}`;
}

function hoverRect(step: Step): Html {
  return markup`<rect
    class="hover"
    x="${(step.from / 10).toFixed(3)}%"
    width="${((step.to - step.from) / 10).toFixed(3)}%"
    y="0"
    height="${HEIGHT + SPACE + COUNT_HEIGHT}"
    ><title>${sliceText(step)}</title></rect
  >`;
}

function sliceText({ slice, means }: Step): string {
  const parts = [...means]
    .sort((a, b) => b.us - a.us)
    .filter(({ us }) => us >= 1)
    .map(({ segment, us }) => `${segment} ${lengthText(Math.round(us))}`);
  const head = `${shortInstant(slice.startUs, 0)}: ${plural(slice.requests, 'request')}, ${plural(slice.failures, 'failure')}, p50 ${lengthText(slice.p50)}, p99 ${lengthText(slice.p99)}`;
  return `${head}. Mean: ${parts.join(', ')}`;
}

interface ScaleLine {
  readonly y: number;
  readonly label: string;
}

function scale(highest: number): ScaleLine[] {
  return axisTicks(0, highest, MOST_LINES)
    .filter(({ atUs }) => atUs > 0)
    .map(({ atUs, label }) => ({ y: Math.round(HEIGHT - (atUs / highest) * (HEIGHT - 14)), label }));
}

function timeLabels({ slices, lastUs }: Report): Html[] {
  const first = slices[0]?.startUs ?? 0;
  const last = Math.max(lastUs ?? 0, slices.at(-1)?.startUs ?? 0);
  const many = Math.min(MOST_LABELS, Math.max(1, slices.length));
  return Array.from({ length: many }, (_, index) => {
    const part = many === 1 ? 0 : index / (many - 1);
    const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle';
    const name = index % 2 === 1 ? 'between' : '';
    return markup`<text class="${name}" x="${part * 100}%" y="${TALL - 4}" text-anchor="${anchor}"
      >${shortInstant(first + part * (last - first), last - first)}</text
    >`;
  });
}

function table(steps: readonly Step[]): Html {
  const rows = steps.map(({ slice, sum, means }) => {
    const [largest] = [...means].sort((a, b) => b.us - a.us);
    const most =
      largest === undefined || sum === 0 ? '-' : `${largest.segment}, ${percent(largest.us / sum)}`;
    return markup`<tr>
      <td>${shortInstant(slice.startUs, 0)}</td>
      <td>${plural(slice.requests, 'request')}</td>
      <td>${slice.failures}</td>
      <td>${lengthText(slice.p50)}</td>
      <td>${lengthText(slice.p99)}</td>
      <td>${most}</td>
    </tr>`;
  });
  return markup`<details>
    <summary>As a table</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>from</th>
            <th>requests</th>
            <th>failures</th>
            <th>p50</th>
            <th>p99</th>
            <th>most of it</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </details>`;
}
