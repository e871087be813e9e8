/** The POST endpoints that answer `OK`: logs, counters, health, drain, exit. */
import type { Endpoint } from '../endpoint.ts';
import { hasFlag, textReply } from '../endpoint.ts';

const OK = textReply('OK\n');

export const reopenLogs: Endpoint = {
  path: '/reopen_logs',
  help: 'reopen access logs',
  mutates: true,
  async handle({ context }) {
    await context.reopenLogs();
    return OK;
  },
};

export const resetCounters: Endpoint = {
  path: '/reset_counters',
  help: 'reset all counters to zero',
  mutates: true,
  handle({ context }) {
    context.resetCounters();
    return OK;
  },
};

export const healthcheckFail: Endpoint = {
  path: '/healthcheck/fail',
  help: 'cause the server to fail health checks',
  mutates: true,
  handle({ context }) {
    context.setHealthcheck('fail');
    return OK;
  },
};

export const healthcheckOk: Endpoint = {
  path: '/healthcheck/ok',
  help: 'cause the server to pass health checks',
  mutates: true,
  handle({ context }) {
    context.setHealthcheck('ok');
    return OK;
  },
};

export const drainListeners: Endpoint = {
  path: '/drain_listeners',
  help: 'drain listeners',
  mutates: true,
  parameters: [
    {
      name: 'graceful',
      description: 'keep accepting and close connections over the drain time',
      kind: 'flag',
    },
    { name: 'skip_exit', description: 'with graceful: do not exit afterwards', kind: 'flag' },
  ],
  async handle({ context, query }) {
    const graceful = hasFlag(query, 'graceful');
    const skipExit = hasFlag(query, 'skip_exit');
    if (hasFlag(query, 'inboundonly')) {
      return textReply('inboundonly is not supported: listeners have no traffic direction here\n', 400);
    }
    if (skipExit && !graceful) return textReply('skip_exit requires graceful\n', 400);
    await context.drainListeners({ graceful, skipExit });
    return OK;
  },
};

export const quitQuitQuit: Endpoint = {
  path: '/quitquitquit',
  help: 'exit the server',
  mutates: true,
  handle: ({ context }) => ({ ...OK, afterwards: () => context.quit() }),
};
