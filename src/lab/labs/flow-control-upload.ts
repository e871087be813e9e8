/**
 * The same from the other side: the upstream reads slowly, the proxy's buffer towards it rises above its high watermark, and the reads
 * from the client are switched off. The service here leaves each upload to the kernel for a while before it reads it.
 */
import { createServer } from 'node:http';
import { delay } from '../../base/clock.ts';
import type { Lab, LabRun, Service } from '../lab.ts';
import { uploadHead } from '../lab-client.ts';
import { listening } from '../service.ts';

const UPLOAD_BYTES = 16 * 1024 * 1024;
const SMALL_BYTES = 32 * 1024;
const LARGE_BYTES = 32 * 1024 * 1024;
const PAUSE_MS = 500;

export const FLOW_CONTROL_UPLOAD: Lab = {
  name: 'flow-control-upload',
  part: 'flow control',
  summary: 'an upstream reads an upload slowly: reads from the client are switched off meanwhile',
  pitfall: true,
  steps: [
    `a client uploads ${UPLOAD_BYTES / 1024 / 1024} MiB as fast as it is let, three times over`,
    `the service does not read for ${PAUSE_MS} ms, then as fast as it can, and answers`,
  ],
  concurrency: 1,
  config(variant) {
    const limit = `per_connection_buffer_limit_bytes: ${variant === 'broken' ? SMALL_BYTES : LARGE_BYTES}`;
    return { listener: limit, cluster: limit };
  },
  startService,
  rounds: 3,
  traffic,
  expects: { cause: 'flow-control' },
  lines: [/"POST \/upload/],
  lookAt:
    'the first group: `!1` says that reads of the client were switched off, `+ms<time>` that they were switched on again; the second ' +
    'group counts the writes to the upstream that the kernel did not take (`:3,<`); `flow.upstream` in the ledger',
  seen: {
    broken:
      'half a second in `flow.upstream`: the client had the bytes ready and was not read, because of the upstream',
    fixed:
      'no `!`: the proxy took the whole upload at once, and the wait is where it belongs, in `upstream`: the service had not read yet',
  },
  fix:
    'Find out why the service reads slowly. To take an upload off the client early, raise `per_connection_buffer_limit_bytes` of ' +
    'listener and cluster towards the size of the uploads: that much memory per upload.',
};

function startService(): Promise<Service> {
  const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
    void delay(request.method === 'POST' ? PAUSE_MS : 0).then(() => {
      request.on('end', () => response.end('taken\n'));
      request.resume();
    });
  });
  return listening(server);
}

async function traffic(run: LabRun): Promise<void> {
  const client = await run.client();
  await client.ask(
    Buffer.concat([Buffer.from(uploadHead('/upload', UPLOAD_BYTES)), Buffer.alloc(UPLOAD_BYTES, 'u')]),
  );
  client.close();
}
