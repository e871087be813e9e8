/** `/ready`: 200 `LIVE`, or 503 and the state. What load balancers and pod probes ask. */
import type { Endpoint } from '../endpoint.ts';
import { textReply } from '../endpoint.ts';

export const ready: Endpoint = {
  path: '/ready',
  help: 'print server state, return 200 if LIVE, otherwise return 503',
  mutates: false,
  handle({ context }) {
    const state = context.state();
    return textReply(`${state}\n`, state === 'LIVE' ? 200 : 503);
  },
};
