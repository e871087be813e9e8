/** The slow link in a process of its own: delay and routes as JSON in the first argument. It ends with its standard input. */
import { DelayRelay } from './delay-relay.ts';
import type { RelayRoute } from './delay-relay.ts';

const { delayMs, routes } = JSON.parse(process.argv[2] ?? '{}') as {
  delayMs: number;
  routes: readonly RelayRoute[];
};
await DelayRelay.listen(delayMs, routes);
process.stdin.resume().once('end', () => process.exit());
