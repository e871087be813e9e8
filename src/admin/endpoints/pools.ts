/** `/pools`: each worker's connection pools. Shows why there are workers x hosts of them, and where requests wait. */
import type { Endpoint } from '../endpoint.ts';
import { FORMAT_PARAMETER, formatOf, jsonReply, textReply, unknownFormat } from '../endpoint.ts';
import { textTable } from '../text-table.ts';

export const pools: Endpoint = {
  path: '/pools',
  help: 'print upstream connection pools of each worker',
  mutates: false,
  parameters: [FORMAT_PARAMETER],
  async handle({ context, query }) {
    const format = formatOf(query);
    if (format === 'unknown') return unknownFormat('/pools');
    const all = await context.pools();
    if (format === 'json') return jsonReply({ pools: all });
    const rows = all.map((pool) => [
      pool.worker,
      pool.cluster,
      pool.host,
      pool.protocol,
      String(pool.active),
      String(pool.idle),
      String(pool.connecting),
      String(pool.pending),
    ]);
    return textReply(
      textTable(['worker', 'cluster', 'host', 'protocol', 'active', 'idle', 'connecting', 'pending'], rows),
    );
  },
};
