/**
 * The talk's 413: a filter buffers the request whole, and the upload is larger than its limit. `per_connection_buffer_limit_bytes`
 * is not that limit: above it reads pause, nothing is refused.
 */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { uploadHead } from '../lab-client.ts';

const LIMIT_BYTES = 64 * 1024;
const RAISED_BYTES = 1024 * 1024;
const UPLOAD_BYTES = 200 * 1024;
const SMALL_BYTES = 20 * 1024;

export const PAYLOAD_TOO_LARGE: Lab = {
  name: 'payload-too-large',
  part: 'limits',
  summary: 'larger uploads are answered 413: the buffer filter holds no more than max_request_bytes',
  pitfall: true,
  steps: [
    `one after the other, uploads of ${SMALL_BYTES / 1024} KiB and of ${UPLOAD_BYTES / 1024} KiB, ten of each`,
    'the application log shows the component `http` at level debug',
  ],
  concurrency: 1,
  config: (variant) => ({
    filters: `- name: envoy.filters.http.buffer
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
    max_request_bytes: ${variant === 'broken' ? LIMIT_BYTES : RAISED_BYTES}`,
  }),
  args: ['--component-log-level', 'http:debug'],
  startService: () => startDemoService('service'),
  rounds: 10,
  traffic,
  expects: { cause: 'failures', subject: '413' },
  lines: [/ 413 /, / 200 /],
  lookAt:
    '`413 - request_payload_too_large`: the proxy answered, no upstream is named, the second and third group are empty. In the ' +
    'application log `request data too large watermark exceeded` with the same connection and stream',
  applicationLog: /request data too large watermark exceeded|Sending local reply with details/,
  seen: {
    broken:
      'every large upload is answered 413 by the proxy, the small ones get through; the service never saw the large ones',
    fixed: 'all are answered 200',
  },
  fix:
    'Raise `max_request_bytes` of the filter `envoy.filters.http.buffer`, or switch the filter off for the upload’s route ' +
    '(`BufferPerRoute: { disabled: true }`): does anything need the whole body before it goes on?',
};

async function traffic(run: LabRun): Promise<void> {
  for (const bytes of [SMALL_BYTES, UPLOAD_BYTES]) {
    const client = await run.client();
    await client.ask(Buffer.concat([Buffer.from(uploadHead('/upload', bytes)), Buffer.alloc(bytes, 'u')]));
    client.close();
  }
}
