/** All endpoints of the admin server. A new one is a file of its own and a line here. */
import type { Endpoint } from '../endpoint.ts';
import { clusters } from './clusters.ts';
import { configDump } from './config-dump.ts';
import { dispatcher } from './dispatcher.ts';
import { help } from './help.ts';
import { home } from './home.ts';
import {
  drainListeners,
  healthcheckFail,
  healthcheckOk,
  quitQuitQuit,
  reopenLogs,
  resetCounters,
} from './lifecycle.ts';
import { listeners } from './listeners.ts';
import { logging } from './logging.ts';
import { memory } from './memory.ts';
import { pools } from './pools.ts';
import { ready } from './ready.ts';
import { serverInfo } from './server-info.ts';
import { stats } from './stats.ts';
import { statsPrometheus } from './stats-prometheus.ts';
import { threads } from './threads.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  clusters,
  configDump,
  dispatcher,
  drainListeners,
  healthcheckFail,
  healthcheckOk,
  help,
  home,
  listeners,
  logging,
  memory,
  pools,
  quitQuitQuit,
  ready,
  reopenLogs,
  resetCounters,
  serverInfo,
  stats,
  statsPrometheus,
  threads,
];
