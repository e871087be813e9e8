// @ts-check
/**
 * Draws one waterfall into an element: lanes of bars over an axis, a line of words for the bar under the pointer or the keyboard, the
 * shares of the ledger, the log line token by token. Runs in the reader's browser, inlined into the page.
 *
 * Every text goes in as `textContent`; places are set through the style object, which a policy against inline styles allows.
 *
 * @import { PageBar, PageLane, PageWaterfall } from './page-data.ts'
 */

/**
 * @param {string} tag
 * @param {string} className
 * @param {string | (Node | string)[]} content
 */
export function element(tag, className, content = '') {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...(typeof content === 'string' ? [content] : content));
  return made;
}

/** @param {PageWaterfall} waterfall */
export function drawWaterfall(waterfall) {
  const words = element('p', 'words', 'Point at a bar, or walk through them with the arrow keys.');
  words.setAttribute('aria-live', 'polite');
  const chart = element('div', 'chart', [drawAxis(waterfall), ...waterfall.lanes.map(drawLane)]);
  chart.setAttribute('role', 'group');
  chart.setAttribute('aria-label', `Waterfall of ${waterfall.title}`);
  readOut(chart, words);
  walkable(chart);
  new ResizeObserver(() => settle(chart)).observe(chart);
  return element('div', 'waterfall', [
    drawFacts(waterfall),
    chart,
    words,
    ...waterfall.remarks.map((remark) => element('p', 'remark', remark)),
    ...drawShares(waterfall),
    drawTokens(waterfall),
  ]);
}

/** @param {PageWaterfall} waterfall */
function drawFacts({ facts }) {
  const pairs = facts.map(({ name, value }) =>
    element('div', '', [element('dt', '', name), element('dd', '', value)]),
  );
  return element('dl', 'facts', pairs);
}

/** @param {PageWaterfall} waterfall */
function drawAxis({ ticks }) {
  const marks = ticks.map(({ left, label }) => {
    const tick = element('span', left > 90 ? 'tick last' : 'tick', label);
    tick.style.left = `${left}%`;
    return tick;
  });
  const axis = element('div', 'lane axis', [element('div', 'name'), element('div', 'track', marks)]);
  axis.setAttribute('aria-hidden', 'true');
  return axis;
}

/** @param {PageLane} lane */
function drawLane(lane) {
  const bars = element('div', 'bars', lane.bars.map(drawBar));
  const labels = element(
    'div',
    'labels',
    lane.bars.map((bar) => element('span', '', bar.label)),
  );
  labels.setAttribute('aria-hidden', 'true');
  const content = lane.empty === null ? [bars, labels] : [element('span', 'empty', lane.empty)];
  const made = element('div', `lane lane-${lane.id}`, [
    element('div', 'name', lane.name),
    element('div', 'track', content),
  ]);
  made.setAttribute('role', 'group');
  made.setAttribute('aria-label', lane.name);
  return made;
}

/** @param {PageBar} bar */
function drawBar(bar) {
  const family = bar.family === null ? '' : ` s-${bar.family}`;
  const made = element('button', `bar k-${bar.kind}${family}${bar.open === null ? '' : ` open-${bar.open}`}`);
  made.setAttribute('type', 'button');
  made.setAttribute('aria-label', bar.reading);
  made.tabIndex = -1;
  made.style.left = `${bar.left}%`;
  made.style.width = `${bar.width}%`;
  return made;
}

/**
 * Bars of a chart, lane by lane.
 * @param {HTMLElement} chart
 * @returns {HTMLElement[][]}
 */
function barsOf(chart) {
  const lanes = Array.from(chart.querySelectorAll('.bars'), (lane) =>
    Array.from(lane.querySelectorAll('.bar'), (bar) => /** @type {HTMLElement} */ (bar)),
  );
  return lanes.filter((bars) => bars.length > 0);
}

/**
 * @param {HTMLElement} chart
 * @param {HTMLElement} words
 */
function readOut(chart, words) {
  /** @param {Event} event */
  const show = (event) => {
    const bar = event.target instanceof HTMLElement ? event.target.closest('.bar') : null;
    if (bar === null) return;
    for (const other of chart.querySelectorAll('.bar.shown')) other.classList.remove('shown');
    bar.classList.add('shown');
    words.textContent = bar.getAttribute('aria-label');
  };
  for (const kind of ['pointerover', 'focusin', 'click']) chart.addEventListener(kind, show);
}

/**
 * One stop for the tab key; arrows move along a lane and from lane to lane, to the bar nearest in time.
 * @param {HTMLElement} chart
 */
function walkable(chart) {
  const first = barsOf(chart)[0]?.[0];
  if (first !== undefined) first.tabIndex = 0;
  chart.addEventListener('keydown', (event) => {
    const next = neighbour(barsOf(chart), document.activeElement, event.key);
    if (next === undefined) return;
    event.preventDefault();
    for (const bar of barsOf(chart).flat()) bar.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

/**
 * @param {HTMLElement[][]} lanes
 * @param {Element | null} from
 * @param {string} key
 */
function neighbour(lanes, from, key) {
  const row = lanes.findIndex((bars) => bars.some((bar) => bar === from));
  const lane = lanes[row];
  if (lane === undefined) return undefined;
  const at = lane.findIndex((bar) => bar === from);
  if (key === 'ArrowRight') return lane[at + 1] ?? lanes[row + 1]?.[0];
  if (key === 'ArrowLeft') return lane[at - 1] ?? lanes[row - 1]?.at(-1);
  if (key === 'Home') return lane[0];
  if (key === 'End') return lane.at(-1);
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return undefined;
  const left = from === null ? 0 : from.getBoundingClientRect().left;
  const other = lanes[row + (key === 'ArrowDown' ? 1 : -1)] ?? [];
  /** @param {HTMLElement} bar */
  const distance = (bar) => Math.abs(bar.getBoundingClientRect().left - left);
  return [...other].sort((a, b) => distance(a) - distance(b))[0];
}

/**
 * Gives bars that would hide each other a place side by side, and labels a line where they do not touch.
 * @param {HTMLElement} chart
 */
function settle(chart) {
  for (const lane of chart.querySelectorAll('.lane')) {
    const track = lane.querySelector('.bars');
    const labels = lane.querySelector('.labels');
    if (!(track instanceof HTMLElement) || !(labels instanceof HTMLElement)) continue;
    const bars = Array.from(track.children, (bar) => /** @type {HTMLElement} */ (bar));
    const width = track.clientWidth;
    spread(
      bars.filter((bar) => bar.matches('.k-read, .k-write')),
      width,
    );
    placeLabels(bars, labels, width);
  }
}

const BESIDE_PX = 5;

/**
 * @param {HTMLElement[]} bars
 * @param {number} width
 */
function spread(bars, width) {
  for (let begin = 0; begin < bars.length;) {
    const from = bars[begin]?.offsetLeft ?? 0;
    let end = begin + 1;
    while (end < bars.length && (bars[end]?.offsetLeft ?? 0) - from < BESIDE_PX) end += 1;
    const leftwards = from > width / 2;
    for (let at = begin; at < end; at += 1) {
      const bar = bars[at];
      if (bar === undefined) continue;
      const steps = leftwards ? at - end + 1 : at - begin;
      // A bar at the very end is wider than what is left of the track.
      const over = Math.max(0, bar.offsetLeft + bar.offsetWidth - width);
      bar.style.transform = `translateX(${steps * BESIDE_PX - over}px)`;
    }
    begin = end;
  }
}

const LABEL_LINE_PX = 15;
const LABEL_SPACE_PX = 8;
const MOST_LABEL_LINES = 2;

/**
 * Labels that find room inside the width of their bars come first, then those of reads and writes, then the rest.
 * @param {HTMLElement[]} bars
 * @param {HTMLElement} labels
 * @param {number} width
 */
function placeLabels(bars, labels, width) {
  const spans = Array.from(labels.children, (span) => /** @type {HTMLElement} */ (span));
  for (const span of spans) span.hidden = false;
  const places = spans.map((span, index) => {
    const [left, own, wide] = [bars[index]?.offsetLeft ?? 0, bars[index]?.offsetWidth ?? 0, span.offsetWidth];
    const middle = own > wide ? left + (own - wide) / 2 : left;
    const thin = bars[index]?.matches('.k-read, .k-write') === true;
    const from = Math.max(0, Math.min(middle, width - wide));
    return { span, from, to: from + wide, rank: own > wide ? 0 : thin ? 1 : 2 };
  });
  /** @type {{ from: number, to: number }[][]} */
  const lines = [];
  for (const { span, from, to } of places.sort((a, b) => a.rank - b.rank || a.from - b.from)) {
    let line = 0;
    while (lines[line]?.some((taken) => from < taken.to + LABEL_SPACE_PX && taken.from < to + LABEL_SPACE_PX))
      line += 1;
    span.hidden = line >= MOST_LABEL_LINES || to - from > width;
    if (span.hidden) continue;
    lines[line] = [...(lines[line] ?? []), { from, to }];
    span.style.left = `${from}px`;
    span.style.top = `${line * LABEL_LINE_PX}px`;
  }
  labels.style.height = `${lines.length * LABEL_LINE_PX}px`;
}

/** @param {PageWaterfall} waterfall */
function drawShares({ shares }) {
  if (shares.length === 0) return [];
  const parts = shares.map(({ family, share }) => {
    const part = element('span', `s-${family}`);
    part.style.width = `${share}%`;
    return part;
  });
  const bar = element('div', 'stack', parts);
  bar.setAttribute('aria-hidden', 'true');
  const rows = shares.map(({ segment, family, length, share, words }) =>
    element('li', '', [
      element('i', `swatch s-${family}`),
      element('b', '', segment),
      element('span', 'number', `${length} · ${share.toFixed(share < 10 ? 1 : 0)} %`),
      element('span', 'quiet', words),
    ]),
  );
  return [bar, element('ul', 'shares', rows)];
}

/** @param {PageWaterfall} waterfall */
function drawTokens({ tokens, line }) {
  const rows = tokens.map(({ part, token, words }, index) =>
    element('tr', part === tokens[index - 1]?.part ? '' : 'begins', [
      element('th', '', part === tokens[index - 1]?.part ? '' : part),
      element('td', '', [element('code', '', token)]),
      element('td', '', words),
    ]),
  );
  return element('details', '', [
    element('summary', '', 'The line, token by token'),
    element('pre', 'line', line),
    element('div', 'scroll', [element('table', 'tokens', [element('tbody', '', rows)])]),
  ]);
}
