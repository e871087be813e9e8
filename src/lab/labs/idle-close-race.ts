/**
 * The occasional 503 UC: the service closes a connection that was idle for its keep-alive time, at the moment in which the proxy
 * takes it out of the pool for the next request. Neither side did anything wrong; only one of the two timers may be the shorter.
 */
import { delay } from '../../base/clock.ts';
import { startClosingService } from '../closing-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

/** The service's keep-alive time, the proxy's idle timeout well below it, and a pause well above it. */
const KEEP_ALIVE_MS = 300;
const IDLE_TIMEOUT = '0.1s';
const PAUSE_MS = 500;
/** No more than may be repeated at the same time (`max_retries` of the circuit breaker: 3), for `idle-close-retry`. */
const CLIENTS = 3;

export const IDLE_CLOSE_RACE: Lab = {
  name: 'idle-close-race',
  part: 'pools',
  summary: 'now and then 503 UC: the service closes an idle connection just as the proxy reuses it',
  pitfall: true,
  steps: [
    `${CLIENTS} clients send a request every ${PAUSE_MS} ms`,
    `the service closes connections that were idle for more than ${KEEP_ALIVE_MS} ms, when the next request comes`,
  ],
  concurrency: 1,
  config: (variant) => ({
    cluster: `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    common_http_protocol_options: { idle_timeout: ${variant === 'broken' ? '3600s' : IDLE_TIMEOUT} }
    explicit_http_config:
      http_protocol_options: {}`,
  }),
  startService: () => startClosingService(KEEP_ALIVE_MS),
  rounds: 5,
  traffic: closeRaceTraffic,
  expects: { cause: 'failures', subject: 'UC' },
  lines: [/ 503 UC /],
  lookAt:
    '`503 UC upstream_reset_before_response_started{connection_termination}`; the second group `[C0~C…`: an old connection; the third is ' +
    'empty: not a byte came back. A 503 of the service itself has no flag and `via_upstream`',
  seen: {
    broken: 'every second request fails with 503 UC within a millisecond, always on a reused connection',
    fixed: 'the pool lets connections go after 100 ms: every request opens a new one, and none fails',
  },
  fix:
    'Keep the cluster’s `idle_timeout` below the keep-alive time of the service (Node 5 s, nginx 75 s, Tomcat 20 s). Where that is not ' +
    'yours to know, add a retry (see idle-close-retry).',
};

export async function closeRaceTraffic(run: LabRun, round: number): Promise<void> {
  if (round > 0) await delay(PAUSE_MS);
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(get('/'));
      client.close();
    }),
  );
}
