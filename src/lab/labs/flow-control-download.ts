/**
 * The talk's fifth case, seen from the client: it reads slowly, the proxy's write buffer rises above its high watermark, and the
 * reads from the upstream are switched off. The answer is larger than all buffers of the kernel together, else nothing would pause.
 */
import { delay } from '../../base/clock.ts';
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

const ANSWER_BYTES = 16 * 1024 * 1024;
const SMALL_BYTES = 32 * 1024;
const LARGE_BYTES = 32 * 1024 * 1024;
const PAUSE_MS = 500;

export const FLOW_CONTROL_DOWNLOAD: Lab = {
  name: 'flow-control-download',
  part: 'flow control',
  summary: 'a client reads its answer slowly: reads from the upstream are switched off meanwhile',
  pitfall: true,
  steps: [
    `a client asks for ${ANSWER_BYTES / 1024 / 1024} MiB and does not read for ${PAUSE_MS} ms, three times over`,
    'then it reads as fast as it can',
  ],
  concurrency: 1,
  config(variant) {
    const limit = `per_connection_buffer_limit_bytes: ${variant === 'broken' ? SMALL_BYTES : LARGE_BYTES}`;
    return { listener: limit, cluster: limit };
  },
  startService: () => startDemoService('service'),
  rounds: 3,
  traffic,
  expects: { cause: 'flow-control' },
  lines: [/"GET \/large/],
  lookAt:
    'the third group: `!1` after a mark says that reads of this upstream connection were switched off, `+ms<time>` that they were ' +
    'switched on again; the fourth group counts the writes to the client that the kernel did not take; `flow.downstream` in the ledger',
  seen: {
    broken:
      'half a second in `flow.downstream`: the upstream had the bytes ready and was not read, because of the client',
    fixed:
      'no `!`: the whole answer fits into the buffer and the upstream connection is free early. The client is as slow as before, and ' +
      'the time is now in `deliver`: memory bought the upstream its freedom, not the client its speed',
  },
  fix:
    'Find out why the client reads slowly. Where its slowness must not hold the upstream, raise `per_connection_buffer_limit_bytes` of ' +
    'listener and cluster towards the size of the answers: that much memory per slow connection.',
};

async function traffic(run: LabRun): Promise<void> {
  const client = await run.client();
  client.pause();
  client.write(get(`/large?length=${ANSWER_BYTES}`));
  await delay(PAUSE_MS);
  const answer = client.answer();
  client.resume();
  await answer;
  client.close();
}
