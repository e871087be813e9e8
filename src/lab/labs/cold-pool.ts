/**
 * The pool lets its connections go while nobody asks (`idle_timeout`), so the next request begins by connecting. That is usually quick;
 * here the service cannot accept for a moment, its queue is full, the kernel drops the SYN and sends it again after a second. A request
 * that found a connection would not have noticed more than that moment.
 */
import { connect } from 'node:net';
import { delay } from '../../base/clock.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';
import { startHeldService } from '../held-service.ts';
import type { HeldService } from '../held-service.ts';

const IDLE_TIMEOUT_MS = 100;
/** Several times the idle timeout. */
const QUIET_MS = 500;
/** Shorter than the kernel's first wait for a SYN that is not answered (1 s), so that the second one is taken. */
const HELD_MS = 250;
const QUICK_REQUESTS = 8;
/** More than the queue of the service takes (16). */
const QUEUE_FILLERS = 24;

export const COLD_POOL: Lab = {
  name: 'cold-pool',
  part: 'pools',
  summary: 'the pool drops its idle connections: the next request begins by connecting, which can be slow',
  pitfall: false,
  steps: [
    `${QUICK_REQUESTS} requests, one after the other, find a warm pool; then nothing happens for ${QUIET_MS} ms`,
    `the service does nothing for ${HELD_MS} ms (its accept queue is full), and the next request comes`,
  ],
  concurrency: 1,
  config: (variant) => ({
    cluster:
      variant === 'broken'
        ? optionsOfCluster(`idle_timeout: ${IDLE_TIMEOUT_MS / 1000}s`)
        : optionsOfCluster('idle_timeout: 3600s'),
  }),
  startService: startHeldService,
  rounds: 1,
  traffic,
  expects: { cause: 'new-connections' },
  lines: [/"GET \/next /],
  lookAt:
    'the second group: `[C7~C7:` is a connection that was opened for this request, `[C0~C7:` one that was there. Its stamp is when the ' +
    'request was written: a second behind the read in the first group. `connect` in the ledger',
  seen: {
    broken:
      'a second in `connect` for the next request, though the service was away for a quarter of that only',
    fixed:
      '`[C0~C…`: a connection that was there; the request waits only until the service goes on, in `upstream`',
  },
  fix:
    'Keep connections: an `idle_timeout` of the cluster (default 1 h) longer than the pauses of the traffic, but shorter than the ' +
    'keep-alive time of the service (see idle-close-race). A `connect_timeout` below a second would have given up before the second SYN.',
};

function optionsOfCluster(line: string): string {
  return `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    common_http_protocol_options:
      ${line}
    explicit_http_config:
      http_protocol_options: {}`;
}

async function traffic(run: LabRun): Promise<void> {
  const service = run.service as HeldService;
  const client = await run.client();
  for (let request = 0; request < QUICK_REQUESTS; request += 1) await client.ask(get('/warm'));
  await delay(QUIET_MS);
  await service.hold(HELD_MS);
  const fillers = Array.from({ length: QUEUE_FILLERS }, () =>
    connect(service.port, '127.0.0.1').on('error', () => undefined),
  );
  // They must stand in the queue first. A loopback connection does within microseconds.
  await delay(HELD_MS / 5);
  await client.ask(get('/next'));
  for (const filler of fillers) filler.destroy();
  client.close();
}
