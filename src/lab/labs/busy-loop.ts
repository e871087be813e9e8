/**
 * One request's filter computes for 300 ms on the worker's thread. It pays 300 ms; so does every request that shares the worker, though
 * it did nothing: its answer lies in the kernel and nobody reads it.
 */
import { delay } from '../../base/clock.ts';
import { startDemoService } from '../../server/demo-service.ts';
import { AUDIT_FILTER, auditConfig } from '../audit-filter.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

const BUSY_MS = 300;
const SERVICE_MS = 60;
const NEIGHBOURS = 12;
const BEFORE_MS = 20;

export const BUSY_LOOP: Lab = {
  name: 'busy-loop',
  part: 'threads',
  summary: 'the filter of one request computes for 300 ms: its neighbours on the worker pay',
  pitfall: true,
  steps: [
    `${NEIGHBOURS} neighbours wait for a service that takes ${SERVICE_MS} ms`,
    `meanwhile one request has the filter \`audit\` work for ${BUSY_MS} ms; four rounds, all on one worker`,
  ],
  concurrency: 1,
  config: (variant) => ({ filters: auditConfig(variant === 'broken' ? 'compute' : 'wait', 60_000) }),
  files: { 'audit.js': AUDIT_FILTER },
  startService: () => startDemoService('service'),
  rounds: 4,
  traffic,
  expects: { cause: 'loop-busy' },
  lines: [/"GET \/slow/, /"GET \/ /],
  lookAt:
    'the third group of a neighbour: the second number behind `>` is how long the newest of these bytes had waited in the kernel; ' +
    '`loop` in the ledger is that time. The last two numbers are loop turns: the culprit spent the turn in `filter.audit`',
  seen: {
    broken: `neighbours take ${BUSY_MS} ms instead of ${SERVICE_MS}, in \`loop\`; the one culprit per round has it in \`filter.audit\``,
    fixed: `the filter waits instead (its work is done elsewhere): neighbours take ${SERVICE_MS} ms, only the audited request takes longer`,
  },
  fix:
    'A filter must not compute for long on the worker: move the work to a service or a worker thread of its own and wait for it, or cut it ' +
    'into pieces. More workers (`--concurrency`) make fewer neighbours, not a shorter wait. The watchdogs (`miss_timeout`) count such turns.',
};

async function traffic(run: LabRun): Promise<void> {
  const neighbours = Array.from({ length: NEIGHBOURS }, async () => {
    const client = await run.client();
    await client.ask(get(`/slow?delay=${SERVICE_MS}`));
    client.close();
  });
  await delay(BEFORE_MS);
  const culprit = await run.client();
  await culprit.ask(get('/', [`x-audit-ms: ${BUSY_MS}`]));
  culprit.close();
  await Promise.all(neighbours);
}
