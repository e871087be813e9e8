/**
 * The talk's first finding: a request that is nearly all head. The proxy takes heads of up to 60 KiB; servers behind it often take 8 or 16
 * and answer 431, as the service here does above 16 KiB (Node's own limit).
 */
import { createServer } from 'node:http';
import type { Lab, LabRun, Service } from '../lab.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';
import { get, uploadHead } from '../lab-client.ts';
import { listening } from '../service.ts';

const STATE_BYTES = 24 * 1024;
const SERVER_LIMIT_BYTES = 16 * 1024;
const CLIENTS = 4;

export const LARGE_HEADER: Lab = {
  name: 'large-header',
  part: 'limits',
  summary:
    'requests carry 24 KiB in a header: through the proxy, but above the limit of the server behind it',
  pitfall: true,
  steps: [`${CLIENTS} clients hand ${STATE_BYTES / 1024} KiB of state to the service, five times each`],
  behaviour: {
    broken: 'the state travels in the header `x-state` of a GET',
    fixed: 'the state travels in the body of a POST',
  },
  concurrency: 1,
  config: () => ({}),
  startService,
  rounds: 5,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'large-head' },
  lines: [/\/upload /],
  lookAt:
    'the first group: 24 KiB in brackets that carry `H` and no `D`, while the bytes received of the body (behind the flags) are 0',
  seen: {
    broken: '431 from the service, via_upstream: the proxy let the head pass, the server did not',
    fixed: 'a head of some hundred bytes, the state counts as body, and the service takes it',
  },
  fix:
    'Move the data from headers into the body. Until then raise the server’s limit (Node `--max-http-header-size`, nginx ' +
    '`large_client_header_buffers`, Tomcat `maxHttpHeaderSize`); the proxy’s own is `max_request_headers_kb`.',
};

/** Refuses as servers do, but keeps the connection: what a closed one would cost is another lab's matter. */
function startService(): Promise<Service> {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    const headBytes = request.rawHeaders.reduce((sum, text) => sum + text.length, 0);
    response.statusCode = headBytes > SERVER_LIMIT_BYTES ? 431 : 200;
    request.on('end', () => response.end());
    request.resume();
  });
  return listening(server);
}

async function traffic(run: LabRun): Promise<void> {
  const state = 's'.repeat(STATE_BYTES);
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(
        run.variant === 'fixed'
          ? `${uploadHead('/upload', STATE_BYTES)}${state}`
          : get('/upload', [`x-state: ${state}`]),
      );
      client.close();
    }),
  );
}
