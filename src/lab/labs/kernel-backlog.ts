/**
 * Bytes were there and nobody read them: the proxy's process got no processor for a while, as under the CPU quota of a container.
 * Pieces of an upload that arrived together are read late; no filter and no other request is to blame.
 */
import { kill } from 'node:process';
import { delay } from '../../base/clock.ts';
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { UNLOGGED } from '../config-text.ts';
import { get, uploadHead } from '../lab-client.ts';

const UPLOAD_BYTES = 10 * 1024;
const STOPPED_MS = 400;
/** Time to read the heads before the process stops. */
const BEFORE_MS = 40;
const CLIENTS = 6;

export const KERNEL_BACKLOG: Lab = {
  name: 'kernel-backlog',
  part: 'threads',
  summary: 'bytes wait in the kernel because the proxy got no processor (a CPU quota)',
  pitfall: true,
  steps: [
    `${CLIENTS} clients send the head of an upload of ${UPLOAD_BYTES / 1024} KiB and right after it the body, four times over`,
  ],
  behaviour: {
    broken: `the proxy's process stands still for ${STOPPED_MS} ms when the bodies come, as when its CPU quota is used up`,
    fixed: 'the process runs on',
  },
  concurrency: 1,
  config: () => ({}),
  startService: () => startDemoService('service'),
  rounds: 4,
  traffic,
  expects: { cause: 'read-late' },
  lines: [/"POST \/upload /],
  lookAt:
    'the first group, its last bracket: the second number behind `>` is how long its newest byte had waited in the kernel. `loop` in the ' +
    'ledger has that time, though no turn of the loop was long',
  seen: {
    broken:
      'uploads of 400 ms whose bytes had arrived within a few: they waited in the kernel, all at the same time',
    fixed: 'the same two reads, the second a few tens of milliseconds after the first, and 0 waited',
  },
  fix:
    'Give the proxy the processor it needs: raise the CPU limit of its container (`cpu.stat` counts `nr_throttled`), fewer workers than ' +
    'the quota has processors, nobody else on its cores.',
};

async function traffic(run: LabRun): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => run.client()));
  // Everything that is opened once is open before the process stops.
  await Promise.all(clients.map((client) => client.ask(get('/slow?delay=20', UNLOGGED))));
  for (const client of clients) client.write(uploadHead('/upload', UPLOAD_BYTES));
  await delay(BEFORE_MS);
  if (run.variant === 'broken') kill(run.proxyPid, 'SIGSTOP');
  try {
    for (const client of clients) client.write(Buffer.alloc(UPLOAD_BYTES, 'u'));
    if (run.variant === 'broken') await delay(STOPPED_MS);
  } finally {
    if (run.variant === 'broken') kill(run.proxyPid, 'SIGCONT');
  }
  await Promise.all(clients.map((client) => client.answer()));
  for (const client of clients) client.close();
}
