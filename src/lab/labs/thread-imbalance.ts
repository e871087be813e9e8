/**
 * The talk's second case: the kernel spreads new connections over the workers by a hash of their addresses. With few long-lived
 * connections the dice are often unlucky; so that the lab is unlucky every time, its client throws them until they are.
 */
import type { Lab, LabRun } from '../lab.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';
import { startDemoService } from '../../server/demo-service.ts';
import type { LabClient } from '../lab-client.ts';
import { get } from '../lab-client.ts';

const CONNECTIONS = 12;
const REQUESTS_EACH = 20;
/** The chance that so many throws give no twelve of a kind is nil. */
const MOST_THROWS = 120;

export const THREAD_IMBALANCE: Lab = {
  name: 'thread-imbalance',
  part: 'threads',
  summary: 'twelve long-lived connections fall to one of two workers, the other one idles',
  pitfall: true,
  steps: [`${CONNECTIONS} connections send ${REQUESTS_EACH} requests each, at the same time`],
  behaviour: {
    broken:
      'the client opens connections until the kernel has given twelve to the same worker, and drops the others',
    fixed: 'the client opens twelve connections: the listener hands each to the worker that has the fewest',
  },
  concurrency: 2,
  config: (variant) => ({
    ...(variant === 'fixed' ? { listener: 'connection_balance_config:\n  exact_balance: {}' } : {}),
    route: 'response_headers_to_add:\n  - header: { key: x-thread, value: "%THREAD_ID%" }',
  }),
  startService: () => startDemoService('service'),
  rounds: 1,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'thread-imbalance' },
  lines: [/"GET \//],
  lookAt:
    'the number in brackets, `(4711)`: the Linux thread id of the worker, as `top -H` shows it. Count lines by it, or let ' +
    '`nodeproxy logs threads` do it',
  seen: {
    broken: 'one thread has nearly all requests, the other the few that the client threw away',
    fixed: 'six connections and half of the requests for each',
  },
  fix:
    'Set `connection_balance_config: { exact_balance: {} }` on listeners that have few, long-lived connections (other proxies, gRPC ' +
    'clients). It costs a lock per accepted connection, so not where they come by the thousand.',
};

async function traffic(run: LabRun): Promise<void> {
  const clients: LabClient[] = [];
  let wanted: string | null = null;
  for (let thrown = 0; thrown < MOST_THROWS && clients.length < CONNECTIONS; thrown += 1) {
    const client = await run.client();
    const { head } = await client.ask(get('/'));
    const thread = /^x-thread: *(\d+)/im.exec(head)?.[1] ?? '';
    wanted ??= thread;
    if (run.variant === 'fixed' || thread === wanted) clients.push(client);
    else client.close();
  }
  await Promise.all(
    clients.map(async (client) => {
      for (let request = 0; request < REQUESTS_EACH; request += 1) await client.ask(get('/'));
      client.close();
    }),
  );
}
