/**
 * The talk's sixth case: a filter holds its request up. It waits (for an answer from elsewhere, say) and gives the thread back
 * meanwhile, so only its own requests are slow; `busy-loop` shows the filter that does not.
 */
import { startDemoService } from '../../server/demo-service.ts';
import { AUDIT_FILTER, auditConfig } from '../audit-filter.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

const ASKED_MS = 300;
const DEADLINE_MS = 5;
const CLIENTS = 4;

export const SLOW_FILTER: Lab = {
  name: 'slow-filter',
  part: 'filters',
  summary: 'an HTTP filter waits 300 ms before it lets a request go on',
  pitfall: true,
  steps: [
    `${CLIENTS} clients send requests that the filter \`audit\` wants to look up elsewhere, which takes ${ASKED_MS} ms`,
    'four times each',
  ],
  concurrency: 1,
  config: (variant) => ({
    filters: auditConfig('wait', variant === 'broken' ? 60_000 : DEADLINE_MS),
  }),
  files: { 'audit.js': AUDIT_FILTER },
  startService: () => startDemoService('service'),
  rounds: 4,
  traffic,
  expects: { cause: 'slow-filter', subject: 'audit' },
  lines: [/"GET \/ /],
  lookAt:
    'the time between the stamp of the first group (request read) and that of the second (request written): nothing but filters and the ' +
    'pool lies between them; `paused.audit` in the ledger has the name of the filter and says that it waited',
  seen: {
    broken: '300 ms per request in `paused.audit`; the upstream service time is 1 ms',
    fixed: 'the filter gives up after 5 ms: the request goes on without its answer',
  },
  fix: 'Give whatever the filter waits for a deadline, and decide what happens without an answer. The setting is the filter’s own.',
};

async function traffic(run: LabRun): Promise<void> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(get('/', [`x-audit-ms: ${ASKED_MS}`]));
      client.close();
    }),
  );
}
