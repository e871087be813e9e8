/**
 * `/stats`: every counter and gauge as `name: value`, sorted, then the histograms; or the same as JSON, as the exposition, or on a
 * page with the form that it was asked by.
 * A page is of one moment: the view is refreshed once, at its start.
 */
import type { HistogramView, ScalarView } from '../../api/stats.ts';
import { nameFilter } from '../name-filter.ts';
import type { AdminReply, AdminRequest, Endpoint } from '../endpoint.ts';
import { hasFlag, htmlReply, jsonReply, textReply } from '../endpoint.ts';
import { escapeHtml, formFields, frameOf } from '../html.ts';
import { prometheusReply } from './stats-prometheus.ts';
import { HISTOGRAM_MODES, histogramsJson, histogramText } from './stats-histograms.ts';
import type { HistogramMode } from './stats-histograms.ts';

const TYPES = ['All', 'Counters', 'Gauges', 'Histograms', 'TextReadouts'] as const;
const FORMATS = ['text', 'html', 'json', 'prometheus'] as const;
const HIDDEN = ['exclude', 'include', 'showonly'] as const;
/** Lines per piece of a text answer. */
const LINES_PER_PIECE = 2000;

interface Selection {
  readonly type: (typeof TYPES)[number];
  readonly hidden: (typeof HIDDEN)[number];
  readonly mode: HistogramMode;
  readonly usedOnly: boolean;
  readonly test: (name: string) => boolean;
}

export const stats: Endpoint = {
  path: '/stats',
  help: 'print server stats',
  mutates: false,
  parameters: [
    { name: 'usedonly', description: 'only stats that were written', kind: 'flag' },
    { name: 'filter', description: 'regular expression (RE2), anywhere in the name', kind: 'text' },
    { name: 'format', description: 'form of the answer', kind: FORMATS },
    { name: 'type', description: 'only stats of this type', kind: TYPES },
    { name: 'histogram_buckets', description: 'form of the histograms', kind: HISTOGRAM_MODES },
    { name: 'hidden', description: 'stats per host', kind: HIDDEN },
  ],
  handle(request) {
    const format = oneOf(FORMATS, request.query.get('format'), 'text');
    if (format === null) return textReply(`usage: /stats?format=(${FORMATS.join('|')})\n`, 400);
    if (format === 'prometheus') return prometheusReply(request);
    const selection = readSelection(request.query);
    if ('error' in selection) return textReply(`${selection.error}\n`, 400);
    request.context.stats.refresh();
    if (format === 'json') return jsonPage(request, selection);
    const text = textPage(request, selection);
    return format === 'html' ? htmlReply(htmlPage(request, text)) : textReply(text);
  },
};

function readSelection(query: URLSearchParams): Selection | { readonly error: string } {
  const type = oneOf(TYPES, query.get('type'), 'All');
  if (type === null) return { error: `usage: /stats?type=(${TYPES.join('|')})` };
  const mode = oneOf(HISTOGRAM_MODES, query.get('histogram_buckets'), 'summary');
  if (mode === null) return { error: `usage: /stats?histogram_buckets=(${HISTOGRAM_MODES.join('|')})` };
  const hidden = oneOf(HIDDEN, query.get('hidden'), 'exclude');
  if (hidden === null) return { error: `usage: /stats?hidden=(${HIDDEN.join('|')})` };
  const filter = nameFilter(query.get('filter'), 'partial');
  if ('error' in filter) return filter;
  return { type, mode, hidden, usedOnly: hasFlag(query, 'usedonly'), test: filter.test };
}

/** The default for an absent or empty value, null for an unknown one. */
function oneOf<T extends string>(values: readonly T[], given: string | null, absent: T): T | null {
  if (given === null || given === '') return absent;
  return values.find((value) => value === given) ?? null;
}

function isShown(view: ScalarView | HistogramView, selection: Selection): boolean {
  if (selection.hidden === 'exclude' ? view.hidden : selection.hidden === 'showonly' && !view.hidden)
    return false;
  return (!selection.usedOnly || view.used) && selection.test(view.name);
}

function scalarsOf({ context }: AdminRequest, selection: Selection): ScalarView[] {
  const { type } = selection;
  const counters = type === 'All' || type === 'Counters' ? context.stats.counters() : [];
  const gauges = type === 'All' || type === 'Gauges' ? context.stats.gauges() : [];
  return [...counters, ...gauges]
    .filter((view) => isShown(view, selection))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function histogramsOf({ context }: AdminRequest, selection: Selection): HistogramView[] {
  if (selection.type !== 'All' && selection.type !== 'Histograms') return [];
  return context.stats.histograms().filter((view) => isShown(view, selection));
}

async function* textPage(request: AdminRequest, selection: Selection): AsyncGenerator<string> {
  const scalars = scalarsOf(request, selection).map((view) => `${view.name}: ${view.value}\n`);
  // Taken before the first piece, so that a slow reader sees the numbers of one moment.
  const histograms = histogramsOf(request, selection).map((view) => histogramText(view, selection.mode));
  const lines = [...scalars, ...histograms];
  for (let from = 0; from < lines.length; from += LINES_PER_PIECE) {
    yield lines.slice(from, from + LINES_PER_PIECE).join('');
  }
}

/** The text, below the form that asks for it again or otherwise. */
async function* htmlPage({ query }: AdminRequest, text: AsyncIterable<string>): AsyncGenerator<string> {
  const [before, behind] = frameOf(
    'nodeproxy stats',
    '<h1><a href="./">nodeproxy</a> <small>stats</small></h1>',
  );
  const fields = formFields('stats', stats.parameters ?? [], query);
  yield `${before}<article class="wide"><form action="stats" method="get">${fields}<button class="look">Refresh</button></form></article>
<article class="wide"><pre>`;
  for await (const piece of text) yield escapeHtml(piece);
  yield `</pre></article>\n${behind}`;
}

function jsonPage(request: AdminRequest, selection: Selection): AdminReply {
  const entries: unknown[] = scalarsOf(request, selection).map(({ name, value }) => ({ name, value }));
  const histograms = histogramsOf(request, selection);
  if (histograms.length > 0) entries.push({ histograms: histogramsJson(histograms, selection.mode) });
  return jsonReply({ stats: entries });
}
