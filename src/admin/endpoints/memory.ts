/**
 * `/memory`: Envoy's fields for the process, and below them each thread's own heap, which Envoy has no counterpart of
 * (every thread is an isolate with a heap). Bytes as strings, as in proto JSON.
 */
import type { Endpoint } from '../endpoint.ts';
import { jsonReply } from '../endpoint.ts';

export const memory: Endpoint = {
  path: '/memory',
  help: 'print current allocation/heap usage',
  mutates: false,
  async handle({ context }) {
    const { rss, threads } = await context.memory();
    let used = 0;
    let total = 0;
    let external = 0;
    for (const thread of threads) {
      used += thread.heapUsed;
      total += thread.heapTotal;
      external += thread.external;
    }
    return jsonReply({
      allocated: String(used + external),
      heap_size: String(total + external),
      pageheap_unmapped: '0',
      pageheap_free: String(Math.max(0, total - used)),
      total_thread_cache: '0',
      total_physical_bytes: String(rss),
      threads: threads.map((thread) => ({
        name: thread.name,
        heap_used: String(thread.heapUsed),
        heap_total: String(thread.heapTotal),
        external: String(thread.external),
      })),
    });
  },
};
