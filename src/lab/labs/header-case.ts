/**
 * The talk's header case: names of headers are the same in any case, so a proxy writes them in lower case. An application that looks its
 * headers up by their exact spelling no longer finds them.
 */
import { createServer } from 'node:http';
import type { Lab, LabRun, Service } from '../lab.ts';
import { get } from '../lab-client.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';
import { listening } from '../service.ts';

const HEADER = 'X-MyKey';
const CLIENTS = 4;
const EXTENSIONS = 'type.googleapis.com/envoy.extensions';
const HTTP_OPTIONS = 'upstreams.http.v3.HttpProtocolOptions';

/** Towards the client, and of what came from it. */
const PRESERVING = `header_key_format:
  stateful_formatter:
    name: preserve_case
    typed_config:
      "@type": ${EXTENSIONS}.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig`;

export const HEADER_CASE: Lab = {
  name: 'header-case',
  part: 'compatibility',
  summary: `an application looks for \`${HEADER}\` by its exact spelling, and the proxy writes \`${HEADER.toLowerCase()}\``,
  pitfall: true,
  steps: [
    `${CLIENTS} clients send \`${HEADER}: 1\`, five times each; the service answers 500 where it does not see it`,
  ],
  concurrency: 1,
  config: (variant) =>
    variant === 'broken'
      ? {}
      : {
          manager: `http_protocol_options:\n${indented(2, PRESERVING)}`,
          cluster: `typed_extension_protocol_options:
  envoy.extensions.${HTTP_OPTIONS}:
    "@type": ${EXTENSIONS}.${HTTP_OPTIONS}
    explicit_http_config:
      http_protocol_options:
${indented(8, PRESERVING)}`,
        },
  startService,
  rounds: 5,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'failures', subject: '500' },
  lines: [/"GET /],
  lookAt:
    '`500 - via_upstream`: the service’s own answer. The log shows how many bytes a head had, not how its names were spelt: this one is ' +
    'found by asking the service without the proxy, where it answers 200',
  seen: {
    broken: 'every request is answered 500 by the service, which without the proxy would answer 200',
    fixed: 'all are answered 200: names arrive as the client spelt them, requests and responses alike',
  },
  fix:
    'Look headers up without regard to case, as HTTP has it. Until then `header_key_format` with `preserve_case`, on the listener’s side ' +
    '(HttpConnectionManager) for what arrives, and on the cluster’s for what is sent.',
};

function indented(columns: number, text: string): string {
  return text.replaceAll(/^/gm, ' '.repeat(columns));
}

function startService(): Promise<Service> {
  const server = createServer((request, response) => {
    response.statusCode = request.rawHeaders.includes(HEADER) ? 200 : 500;
    response.end();
  });
  return listening(server);
}

async function traffic(run: LabRun): Promise<void> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(get('/', [`${HEADER}: 1`]));
      client.close();
    }),
  );
}
