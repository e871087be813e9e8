/**
 * The talk's background story: a gateway with many clients at once, uploads of 10 KiB that take seconds now and then and milliseconds
 * when tried again. Their bytes come in a few pieces, and between the pieces the worker is busy with the filter of others: each piece
 * lies in the kernel until it is its turn.
 */
import { delay } from '../../base/clock.ts';
import { startDemoService } from '../../server/demo-service.ts';
import { AUDIT_FILTER, auditConfig } from '../audit-filter.ts';
import type { Lab, LabRun } from '../lab.ts';
import { UNLOGGED } from '../config-text.ts';
import { get, uploadHead } from '../lab-client.ts';
import type { LabClient } from '../lab-client.ts';

const UPLOAD_BYTES = 10 * 1024;
const PIECES = 3;
const GAP_MS = 15;
/** First pieces are in and read before the others come. */
const BEFORE_MS = 50;
const UPLOADS = 20;
const AUDITED = 10;
/** Together 1.3 s on the one worker. */
const BUSY_MS = 130;
const WARM_MS = 60;

export const GATEWAY_UPLOAD: Lab = {
  name: 'gateway-upload',
  part: 'threads',
  summary: 'uploads of 10 KiB take more than a second under many clients, and milliseconds alone',
  pitfall: true,
  steps: [
    `${UPLOADS} clients upload ${UPLOAD_BYTES / 1024} KiB each, in ${PIECES} pieces`,
    `behind their first pieces ${AUDITED} other requests come, and the filter \`audit\` works on each for ${BUSY_MS} ms`,
    'one worker serves them all, on connections that were opened before',
  ],
  concurrency: 1,
  config: (variant) => ({ filters: auditConfig(variant === 'broken' ? 'compute' : 'wait', 60_000) }),
  files: { 'audit.js': AUDIT_FILTER },
  startService: () => startDemoService('service'),
  rounds: 1,
  traffic,
  expects: { cause: 'loop-busy' },
  lines: [/"POST \/upload /, /"GET \/ /],
  lookAt:
    'the first group of the upload: the stamps of its brackets are a second apart, as if the client were slow. The second number behind ' +
    '`>` says that it was not: so long the bytes had waited in the kernel. `loop` in the ledger has that time, `client` is small',
  seen: {
    broken:
      'uploads of more than a second, nearly all of it in `loop`; the audited requests took 130 ms each, in `filter.audit`',
    fixed: 'the same uploads in some 80 ms, in `client`: only its own gaps are left',
  },
  fix:
    'Take the work off the worker’s thread (see busy-loop). More workers divide the wait by their number. That the log has the times of ' +
    'reads and of the kernel is what tells this case from a slow client, without a capture of packets.',
};

async function traffic(run: LabRun): Promise<void> {
  const open = (count: number): Promise<LabClient[]> =>
    Promise.all(Array.from({ length: count }, () => run.client()));
  const [uploading, audited] = [await open(UPLOADS), await open(AUDITED)];
  const warm = get(`/slow?delay=${WARM_MS}`, UNLOGGED);
  await Promise.all([...uploading, ...audited].map((client) => client.ask(warm)));
  const uploads = uploading.map((client) => upload(client));
  await delay(BEFORE_MS);
  await Promise.all(audited.map((client) => client.ask(get('/', [`x-audit-ms: ${BUSY_MS}`]))));
  await Promise.all(uploads);
  for (const client of [...uploading, ...audited]) client.close();
}

async function upload(client: LabClient): Promise<void> {
  const size = Math.ceil(UPLOAD_BYTES / PIECES);
  const body = Buffer.alloc(UPLOAD_BYTES, 'u');
  client.write(uploadHead('/upload', UPLOAD_BYTES));
  client.write(body.subarray(0, size));
  await delay(BEFORE_MS);
  for (let piece = 1; piece < PIECES; piece += 1) {
    await delay(GAP_MS);
    client.write(body.subarray(piece * size, (piece + 1) * size));
  }
  await client.answer();
}
