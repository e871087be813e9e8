/**
 * `cost`: the quick one. What a request costs in CPU, what a MiB costs through `tcp_proxy`, what an idle connection costs in memory,
 * beside nginx and HAProxy. Absolute times mean nothing elsewhere; the ratios do.
 */
import { caseTable } from '../contenders/case-table.ts';
import { HAPROXY, HAPROXY_TCP } from '../contenders/haproxy.ts';
import { NGINX } from '../contenders/nginx.ts';
import { NODEPROXY_FULL, NODEPROXY_NONE, NODEPROXY_PLAIN, NODEPROXY_TCP } from '../contenders/nodeproxy.ts';
import { measureParts } from '../contenders/parts.ts';
import { choice, planOf, planOptions, whole } from '../contenders/plan.ts';
import type { Rig } from '../contenders/rig.ts';
import { measureRounds } from '../contenders/rounds.ts';
import { IDLE_CONNECTIONS, idleTable } from '../cost/idle-connections.ts';
import { residentTable } from '../cost/resident-at-start.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';

const PARTS = ['http', 'tcp', 'memory'] as const;
/** Memory differs little from round to round, and a round of it takes long. */
const MOST_MEMORY_ROUNDS = 3;

export const COST: Scenario = {
  name: 'cost',
  title: 'Cost of a request, of a MiB, of an idle connection',
  summary: 'CPU per request and per MiB, memory per connection, beside nginx and HAProxy: the quick one',
  options: [
    choice('only', 'parts', PARTS),
    ...planOptions({ rounds: [5, 2], seconds: [3, 1], warmUp: [6, 2] }),
    {
      name: 'connections',
      value: '<n>',
      help: 'of the load',
      default: '64',
      check: whole(1, IDLE_CONNECTIONS),
    },
    {
      name: 'idle',
      value: '<n>',
      help: 'idle connections',
      default: String(IDLE_CONNECTIONS),
      quick: '2000',
      check: whole(1, IDLE_CONNECTIONS),
    },
  ],
  run: (bench) => measureParts(bench, MEASURED),
};

const MEASURED: Readonly<Record<(typeof PARTS)[number], (rig: Rig) => Promise<Section>>> = {
  async http(rig) {
    const connections = numberOption(rig.bench, 'connections');
    const contenders = [NODEPROXY_FULL, NODEPROXY_PLAIN, NODEPROXY_NONE, NGINX, HAPROXY];
    const work = { name: 'small GET', path: '/', connections };
    const outcomes = await measureRounds(rig, contenders, work, { ...planOf(rig.bench), sideBySide: true });
    const title = `Small GET, ${connections} keep-alive connections, one worker`;
    return {
      title: 'HTTP',
      text: [
        'The same work for all: log to a file (where the name says so), request id, x-forwarded-for, a pool of upstream connections.',
      ],
      parts: [caseTable({ title, unit: 'request', reference: NGINX.name, outcomes })],
    };
  },
  async tcp(rig) {
    const connections = numberOption(rig.bench, 'connections');
    const work = { name: '1 MiB over TCP', path: '/1m', connections };
    const outcomes = await measureRounds(rig, [NODEPROXY_TCP, HAPROXY_TCP], work, {
      ...planOf(rig.bench),
      sideBySide: true,
    });
    const title = `Downloads of 1 MiB through TCP proxies, ${connections} connections, one worker`;
    const table = caseTable({ title, unit: 'MiB', reference: HAPROXY_TCP.name, outcomes });
    return { title: 'TCP', text: ['HAProxy with its default buffers of 16 KiB.'], parts: [table] };
  },
  async memory(rig) {
    const rounds = Math.min(numberOption(rig.bench, 'rounds'), MOST_MEMORY_ROUNDS);
    const connections = numberOption(rig.bench, 'idle');
    const idle = await idleTable(rig, [NODEPROXY_NONE, NGINX, HAPROXY], { rounds, connections });
    return {
      title: 'Memory',
      text: [
        `PSS: shared pages count by their share. At most ${MOST_MEMORY_ROUNDS} rounds of the ones asked for.`,
      ],
      parts: [idle, await residentTable(rig, rounds)],
    };
  },
};
