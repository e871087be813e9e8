/** The service thinks before it answers: the proxy waits for the first byte and does nothing else. The case that is not the proxy. */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

const THINKING_MS = 400;
const CLIENTS = 4;

export const SLOW_UPSTREAM: Lab = {
  name: 'slow-upstream',
  part: 'HTTP flow',
  summary: 'the service takes 400 ms before the first byte of its answer',
  pitfall: false,
  steps: [`${CLIENTS} clients ask one after the other, four times each`],
  behaviour: {
    broken: `the service answers after ${THINKING_MS} ms`,
    fixed: 'the service answers at once',
  },
  concurrency: 1,
  config: () => ({}),
  startService: () => startDemoService('service'),
  rounds: 4,
  traffic,
  expects: { cause: 'slow-upstream-first-byte' },
  lines: [/"GET \//],
  lookAt:
    'of the six numbers the third (request sent) is near 0 and the fourth (first byte) is the whole total, as is the sixth, the upstream ' +
    'service time; `upstream` in the ledger',
  seen: {
    broken: '400 ms in `upstream`, and nothing anywhere else: the proxy is not to blame, the line proves it',
    fixed: 'a few milliseconds in all',
  },
  fix:
    'Change the service. In the proxy a `timeout` of the route bounds the wait, `LEAST_REQUEST` sends less to slow hosts, ' +
    '`per_try_timeout` with a retry asks another one.',
};

async function traffic(run: LabRun): Promise<void> {
  const path = run.variant === 'fixed' ? '/' : `/slow?delay=${THINKING_MS}`;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(get(path));
      client.close();
    }),
  );
}
