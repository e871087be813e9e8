/**
 * The talk's first case: an upload of 10 KiB takes seconds, because its bytes arrive in pieces. The client (or its network) is slow; the
 * proxy reads each piece as it comes and can only wait for the next.
 */
import { delay } from '../../base/clock.ts';
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { uploadHead } from '../lab-client.ts';

const UPLOAD_BYTES = 10 * 1024;
const PIECES = 5;
/** Far above every threshold of the diagnosis, and above what a busy machine adds. */
const GAP_MS = 60;
const CLIENTS = 4;

export const FRAGMENTED_UPLOAD: Lab = {
  name: 'fragmented-upload',
  part: 'HTTP flow',
  summary: 'an upload of 10 KiB arrives in five pieces with gaps: the client or its network is slow',
  pitfall: true,
  steps: [
    `${CLIENTS} clients upload ${UPLOAD_BYTES} bytes each, four times over, to a service that answers at once`,
  ],
  behaviour: {
    broken: `the client writes ${PIECES} pieces, ${GAP_MS} ms apart`,
    fixed: 'the client writes head and body in one piece',
  },
  concurrency: 1,
  config: () => ({}),
  startService: () => startDemoService('service'),
  rounds: 4,
  traffic,
  expects: { cause: 'fragmented-request' },
  lines: [/"POST \/upload /],
  lookAt:
    'the first group: one bracket per read, its stamp in <>, its bytes last. The first carries H, the last D,E; the stamps are the gaps, ' +
    'and `client` in the ledger is their sum',
  seen: {
    broken:
      'about 240 ms per upload, nearly all of it in the segment `client`: the proxy waited for bytes that had not come yet',
    fixed: 'one read per upload, H,D,E in one bracket, a few milliseconds in all',
  },
  fix:
    'Nothing in the proxy can make the client faster: look at the sender and its network (small writes, Nagle with delayed ' +
    'acknowledgements, loss), send smaller requests. `request_timeout` bounds how long an upload may take.',
};

async function traffic(run: LabRun): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, () => upload(run)));
}

async function upload(run: LabRun): Promise<void> {
  const client = await run.client();
  const body = Buffer.alloc(UPLOAD_BYTES, 'u');
  const head = uploadHead('/upload', UPLOAD_BYTES);
  if (run.variant === 'fixed') {
    await client.ask(Buffer.concat([Buffer.from(head), body]));
  } else {
    client.write(head);
    for (let piece = 0; piece < PIECES; piece += 1) {
      if (piece > 0) await delay(GAP_MS);
      const size = UPLOAD_BYTES / PIECES;
      client.write(body.subarray(piece * size, (piece + 1) * size));
    }
    await client.answer();
  }
  client.close();
}
