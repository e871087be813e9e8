/** `/threads`: main, workers and log threads with their Linux ids, so that a line of `top -H` finds its log lines. */
import type { Endpoint } from '../endpoint.ts';
import { FORMAT_PARAMETER, formatOf, jsonReply, textReply, unknownFormat } from '../endpoint.ts';
import { textTable } from '../text-table.ts';

export const threads: Endpoint = {
  path: '/threads',
  help: 'print threads: Linux id, busy share, turns, connections',
  mutates: false,
  parameters: [FORMAT_PARAMETER],
  async handle({ context, query }) {
    const format = formatOf(query);
    if (format === 'unknown') return unknownFormat('/threads');
    const all = await context.threads();
    if (format === 'json') return jsonReply({ threads: all });
    const rows = all.map((thread) => [
      thread.name,
      thread.role,
      thread.tid === 0 ? '-' : String(thread.tid),
      thread.state,
      `${(thread.busy * 100).toFixed(1)}%`,
      String(thread.turns),
      String(thread.connections),
      String(thread.restarts),
    ]);
    return textReply(
      textTable(['thread', 'role', 'tid', 'state', 'busy', 'turns', 'connections', 'restarts'], rows),
    );
  },
};
