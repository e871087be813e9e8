/** `/dispatcher`: turns of each thread's event loop and how late it comes to its work. */
import type { Endpoint } from '../endpoint.ts';
import { FORMAT_PARAMETER, formatOf, jsonReply, textReply, unknownFormat } from '../endpoint.ts';
import { textTable } from '../text-table.ts';

export const dispatcher: Endpoint = {
  path: '/dispatcher',
  help: 'print turns and lag of each event loop',
  mutates: false,
  parameters: [FORMAT_PARAMETER],
  async handle({ context, query }) {
    const format = formatOf(query);
    if (format === 'unknown') return unknownFormat('/dispatcher');
    const all = await context.dispatchers();
    // JSON has no NaN: it becomes null.
    if (format === 'json') return jsonReply({ dispatchers: all });
    const rows = all.map((loop) => [
      loop.name,
      String(loop.turns),
      milliseconds(loop.lagP50Ms),
      milliseconds(loop.lagP99Ms),
      milliseconds(loop.turnP50Ms),
      milliseconds(loop.turnP99Ms),
    ]);
    return textReply(
      textTable(['thread', 'turns', 'lag p50 ms', 'lag p99 ms', 'turn p50 ms', 'turn p99 ms'], rows),
    );
  },
};

function milliseconds(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(3);
}
