/** `/stats/prometheus`: the exposition, text 0.0.4, sent family by family. */
import type { StatsView } from '../../api/stats.ts';
import { PROMETHEUS_CONTENT_TYPE, PrometheusText } from '../../observe/stats/prometheus.ts';
import type { AdminReply, AdminRequest, Endpoint } from '../endpoint.ts';
import { hasFlag, textReply } from '../endpoint.ts';
import { nameFilter } from '../name-filter.ts';

/** Names are extracted once per view and kept from scrape to scrape. */
const writers = new WeakMap<StatsView, PrometheusText>();

export const statsPrometheus: Endpoint = {
  path: '/stats/prometheus',
  help: 'print server stats in prometheus format',
  mutates: false,
  parameters: [
    { name: 'usedonly', description: 'only stats that were written', kind: 'flag' },
    { name: 'filter', description: 'regular expression (RE2), anywhere in the name', kind: 'text' },
  ],
  handle: prometheusReply,
};

export function prometheusReply({ context, query }: AdminRequest): AdminReply {
  const filter = nameFilter(query.get('filter'), 'partial');
  if ('error' in filter) return textReply(`${filter.error}\n`, 400);
  let writer = writers.get(context.stats);
  if (writer === undefined) {
    writer = new PrometheusText(context.stats);
    writers.set(context.stats, writer);
  }
  const body = writer.pieces({ usedOnly: hasFlag(query, 'usedonly'), accepts: filter.test });
  return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body };
}
