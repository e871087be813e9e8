/**
 * The same race as in `idle-close-race`, with the other remedy: a request that may be repeated (GET, on a connection that gave no
 * answer) is sent once more, on another connection. The client never knows.
 */
import { startClosingService } from '../closing-service.ts';
import type { Lab } from '../lab.ts';
import { closeRaceTraffic } from './idle-close-race.ts';

const KEEP_ALIVE_MS = 300;

export const IDLE_CLOSE_RETRY: Lab = {
  name: 'idle-close-retry',
  part: 'pools',
  summary: 'the same 503 UC, cured by a retry where the request is safe to repeat',
  pitfall: true,
  steps: [
    '3 clients send a GET every 500 ms',
    `the service closes connections that were idle for more than ${KEEP_ALIVE_MS} ms, when the next request comes`,
  ],
  concurrency: 1,
  config: (variant) =>
    variant === 'broken' ? {} : { action: 'retry_policy: { retry_on: reset, num_retries: 3 }' },
  startService: () => startClosingService(KEEP_ALIVE_MS),
  rounds: 5,
  traffic: closeRaceTraffic,
  expects: { cause: 'failures', subject: 'UC' },
  lines: [/ 503 UC /, /retry=/],
  lookAt:
    'broken: `503 UC`. Fixed: 200 and no flag; the second group shows the connection of the second attempt, `retry` in the ledger the ' +
    'time between the two',
  seen: {
    broken: 'every second request fails with 503 UC',
    fixed:
      'all requests are answered 200; those that were repeated took a back-off of some milliseconds more',
  },
  fix:
    '`retry_policy: { retry_on: reset, num_retries: 3 }` on routes whose requests may be repeated. It hides the race; a fitting ' +
    '`idle_timeout` avoids it. `retry_on` does not ask whether a POST has been carried out already: leave those routes without it.',
};
