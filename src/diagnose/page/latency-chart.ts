/**
 * The distribution of latency: requests per bucket over a logarithmic axis, the slow part apart, percentiles above.
 *
 * Places are percent and heights pixels, so that the drawing takes any width without its text changing size.
 */
import type { LatencyBucket, Report } from '../report.ts';
import { markup, NOTHING, type Html } from './html.ts';
import { count, lengthText, plural } from './words.ts';

const HEIGHT = 150;
const TOP = 34;
const BOTTOM = 22;
const TALL = TOP + HEIGHT + BOTTOM;
/** A bucket with a single request must be seen beside one with a million. */
const LEAST_HEIGHT = 2;

interface Column extends LatencyBucket {
  readonly fromUs: number;
}

export function latencyChart(report: Report): Html {
  const columns = columnsOf(report.histogram);
  const first = columns[0];
  const last = columns.at(-1);
  if (first === undefined || last === undefined) return NOTHING;
  const low = Math.log(first.fromUs);
  const span = Math.max(0.1, Math.log(last.upToUs) - low);
  const place = (us: number): number =>
    Math.max(0, Math.min(100, ((Math.log(Math.max(us, first.fromUs)) - low) / span) * 100));
  const highest = Math.max(...columns.map((column) => column.count));
  return markup`<figure>
    <svg class="plot" height="${TALL}" role="img" aria-label="${summary(report)}">
      ${decades(first.fromUs, last.upToUs).map((us) => gridLine(place(us), us))}
      <line class="grid" x1="0" x2="100%" y1="${TOP}" y2="${TOP}" /><text x="2" y="${TOP - 4}">${count(highest)}</text>
      ${columns.map((column) => columnRect(column, place, highest, report.slowFromUs))}
      ${percentileMarks(report, place)}
      <line class="base" x1="0" x2="100%" y1="${TOP + HEIGHT}" y2="${TOP + HEIGHT}" />
    </svg>
    <figcaption>
      Requests by total time, logarithmic axis.
      <i class="swatch slow"></i> ${lengthText(report.slowFromUs)} and more: counted as slow.
    </figcaption>
    <details>
      <summary>As a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>up to</th>
              <th>requests</th>
            </tr>
          </thead>
          <tbody>
            ${columns.map(
              (column) =>
                markup`<tr>
                  <td>${lengthText(column.upToUs)}</td>
                  <td>${count(column.count)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}

/** From the first to the last bucket that holds something; each begins where the one before it ends. */
function columnsOf(buckets: readonly LatencyBucket[]): Column[] {
  const finite = buckets.filter(({ upToUs }) => Number.isFinite(upToUs) && upToUs > 0);
  const ratio = Math.max(1.05, (finite[1]?.upToUs ?? 2) / (finite[0]?.upToUs ?? 1));
  const columns = finite.map((bucket, index): Column => {
    const before = finite[index - 1]?.upToUs ?? bucket.upToUs / ratio;
    return { ...bucket, fromUs: Math.max(before, bucket.upToUs / 10) };
  });
  const first = columns.findIndex((column) => column.count > 0);
  return first < 0 ? [] : columns.slice(first, columns.findLastIndex((column) => column.count > 0) + 1);
}

function columnRect(
  column: Column,
  place: (us: number) => number,
  highest: number,
  slowFromUs: number,
): Html {
  if (column.count === 0) return NOTHING;
  const x = place(column.fromUs);
  const width = Math.max(0.15, place(column.upToUs) - x - 0.12);
  const height = Math.max(LEAST_HEIGHT, (column.count / highest) * HEIGHT);
  const name = column.upToUs > slowFromUs ? 'column slow' : 'column';
  return markup`<rect
    class="${name}"
    x="${x.toFixed(3)}%"
    width="${width.toFixed(3)}%"
    y="${(TOP + HEIGHT - height).toFixed(1)}"
    height="${height.toFixed(1)}"
    ><title>
      ${`${lengthText(column.fromUs)} to ${lengthText(column.upToUs)}: ${plural(column.count, 'request')}`}
    </title></rect
  >`;
}

function percentileMarks({ latency }: Report, place: (us: number) => number): Html[] {
  const marks: readonly (readonly [string, number])[] = [
    ['p50', latency.p50],
    ['p90', latency.p90],
    ['p99', latency.p99],
    ['p99.9', latency.p999],
  ];
  let free = -100;
  return marks.map(([name, us]) => {
    const x = place(us);
    // Names that would run into each other: the second stands a line higher.
    const lower = x - free >= 9;
    free = x;
    const y = lower ? TOP - 6 : TOP - 20;
    const anchor = x > 92 ? 'end' : x < 4 ? 'start' : 'middle';
    return markup`<line
        class="mark"
        x1="${x.toFixed(3)}%"
        x2="${x.toFixed(3)}%"
        y1="${y + 3}"
        y2="${TOP + HEIGHT}"
      /><text class="mark" x="${x.toFixed(3)}%" y="${y}" text-anchor="${anchor}"
        >${name}<title>${lengthText(us)}</title></text
      >`;
  });
}

/** 1, 10, 100 …; within less than two decades 2 and 5 as well. */
function decades(fromUs: number, toUs: number): number[] {
  const steps = toUs / fromUs < 100 ? [1, 2, 5] : [1];
  const marks: number[] = [];
  for (let power = 1; power <= toUs; power *= 10)
    for (const step of steps) if (step * power >= fromUs && step * power <= toUs) marks.push(step * power);
  return marks;
}

function gridLine(x: number, us: number): Html {
  const anchor = x > 94 ? 'end' : x < 3 ? 'start' : 'middle';
  return markup`<line
      class="grid"
      x1="${x.toFixed(3)}%"
      x2="${x.toFixed(3)}%"
      y1="${TOP}"
      y2="${TOP + HEIGHT + 4}"
    /><text x="${x.toFixed(3)}%" y="${TALL - 4}" text-anchor="${anchor}">${lengthText(us)}</text>`;
}

function summary({ latency, requests }: Report): string {
  const { p50, p90, p99, max } = latency;
  return `Distribution of ${plural(requests, 'request')}: half within ${lengthText(p50)}, 90 % within ${lengthText(p90)}, 99 % within ${lengthText(p99)}, longest ${lengthText(max)}`;
}
