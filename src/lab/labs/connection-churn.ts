/** Every request pays for a connection of its own, because the cluster allows one request per connection. */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';
import { get } from '../lab-client.ts';

const CLIENTS = 4;
const REQUESTS_EACH = 15;

export const CONNECTION_CHURN: Lab = {
  name: 'connection-churn',
  part: 'pools',
  summary: 'no upstream connection is used twice: every request opens one',
  pitfall: false,
  steps: [`${CLIENTS} clients send ${REQUESTS_EACH} requests each on one connection, three times over`],
  concurrency: 1,
  config: (variant) => ({
    cluster: protocolOptions(variant === 'broken' ? '{ max_requests_per_connection: 1 }' : '{}'),
  }),
  startService: () => startDemoService('service'),
  rounds: 3,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'new-connections' },
  lines: [/"GET \/ /],
  lookAt:
    'the second group: `[C9~C9:` created and used are the same in every line, and the number grows from line to line; reused ones show ' +
    '`[C0~C…`',
  seen: {
    broken: 'the reuse ratio is 0 %: as many connections as requests, each with its `connect`',
    fixed: 'a handful of connections carry all requests',
  },
  fix:
    'Let connections live: no `max_requests_per_connection` on the cluster, no `connection: close` from the service, a keep-alive ' +
    'time of the service that is longer than the pauses. With TLS every one of these would have cost a handshake too.',
};

function protocolOptions(common: string): string {
  return `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    common_http_protocol_options: ${common}
    explicit_http_config:
      http_protocol_options: {}`;
}

async function traffic(run: LabRun): Promise<void> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      for (let request = 0; request < REQUESTS_EACH; request += 1) await client.ask(get('/'));
      client.close();
    }),
  );
}
