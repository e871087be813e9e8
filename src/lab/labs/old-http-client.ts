/**
 * The talk's HTTP/1.0: nginx as a gateway speaks it to its upstreams unless told otherwise, and some old clients know nothing else. Like
 * Envoy the proxy refuses it with 426 until it is allowed.
 */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';

const OLD = 'GET / HTTP/1.0\r\nhost: lab\r\n\r\n';
const EACH = 10;

export const OLD_HTTP_CLIENT: Lab = {
  name: 'old-http-client',
  part: 'compatibility',
  summary: 'clients that speak HTTP/1.0 are answered 426: the listener does not accept it',
  pitfall: true,
  steps: [`one after the other, ${EACH} requests of HTTP/1.0 and ${EACH} of HTTP/1.1`],
  concurrency: 1,
  config: (variant) =>
    variant === 'broken' ? {} : { manager: 'http_protocol_options: { accept_http_10: true }' },
  startService: () => startDemoService('service'),
  rounds: EACH,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'failures', subject: '426' },
  lines: [/HTTP\/1\.0" /, /HTTP\/1\.1" /],
  lookAt:
    '`HTTP/1.0" 426 - low_version`: the proxy answered, no upstream is named, while the line of HTTP/1.1 beside it has one',
  seen: {
    broken: 'each request of HTTP/1.0 is answered 426, Upgrade Required, and its connection closed',
    fixed:
      'all are answered 200; the service is asked in HTTP/1.1, the old client gets its answer without chunks and a closed connection',
  },
  fix:
    'Have the client speak HTTP/1.1 (nginx: `proxy_http_version 1.1`, with `proxy_set_header Connection ""` for keep-alive). Where it ' +
    'cannot: `http_protocol_options.accept_http_10` of the HttpConnectionManager.',
};

async function traffic(run: LabRun): Promise<void> {
  for (const request of [OLD, get('/')]) {
    const client = await run.client();
    await client.ask(request);
    client.close();
  }
}
