/**
 * One run of the blind test: a proxy of one worker with three filters and two clusters, healthy traffic over eight connections, and one
 * fault that strikes a few times meanwhile. What is left is the log.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { delay } from '../../../src/base/clock.ts';
import { UNLOGGED } from '../../../src/lab/config-text.ts';
import { get, LabClient, uploadHead } from '../../../src/lab/lab-client.ts';
import { DIAGNOSTIC_FORMAT } from '../../../src/observe/format/instrumented-format.ts';
import { unservedMsOf } from '../child.ts';
import type { SoakChild } from '../child.ts';
import type { Dice } from '../dice.ts';
import { cluster, httpBootstrap, route } from '../http-config.ts';
import type { JsonObject } from '../http-config.ts';
import { SoakProxy } from '../soak-proxy.ts';
import type { Fault, Field } from './faults.ts';
import { CLUSTERS, FILTERS } from './places.ts';

export interface BlindService {
  readonly child: SoakChild;
  readonly port: number;
}

export interface StandOptions {
  readonly folder: string;
  readonly core: number;
  /** By cluster. */
  readonly services: ReadonlyMap<string, BlindService>;
  readonly dice: Dice;
  readonly fault: Fault;
}

const HEALTHY_CLIENTS = 8;
const THINK_MS = [5, 25] as const;
const STRIKES = [3, 4] as const;
const BETWEEN_MS = [150, 400] as const;
const WARM_UP_ROUNDS = 12;
const QUEUE_FILLERS = 24;

/** `x-<its name>: wait:<ms>` or `compute:<ms>` asks it to. */
const FILTER_MODULE = [
  'export default function suspect({ name }) {',
  '  return {',
  '    onRequest(handle) {',
  '      const [what, ms] = (handle.headers.get(`x-${name}`) ?? "").split(":");',
  '      if (what === "wait") return new Promise((resolve) => setTimeout(resolve, Number(ms)));',
  '      if (what !== "compute") return;',
  '      const end = performance.now() + Number(ms);',
  '      while (performance.now() < end);',
  '    },',
  '  };',
  '}',
  '',
].join('\n');

export interface StandResult {
  readonly logFile: string;
  /** How long the thread of the proxy that waited most was ready to run and had no processor: what the machine did beside the fault. */
  readonly unservedMs: number;
}

export async function runStand(options: StandOptions): Promise<StandResult> {
  const { folder, core, fault } = options;
  const log = join(folder, 'access.log');
  const proxy = await SoakProxy.start({ folder, core, concurrency: 1, bootstrap: bootstrapOf(options, log) });
  const clients = new Set<LabClient>();
  let unservedMs = 0;
  const open = async (): Promise<LabClient> => {
    const client = await LabClient.open(proxy.port);
    clients.add(client);
    return client;
  };
  try {
    await warmUp(open);
    const { dice } = options;
    const targets = CLUSTERS.filter((name) => name !== fault.avoided);
    const unservedBefore = unservedMsOf(proxy.pid);
    const faults = { striking: true };
    const healthy = Array.from({ length: HEALTHY_CLIENTS }, async () => {
      const client = await open();
      while (faults.striking) {
        await client.ask(healthyRequest(dice, dice.pick(targets)));
        await delay(dice.between(...THINK_MS));
      }
    });
    const field = fieldOf(options, proxy.pid, open);
    for (let left = dice.between(...STRIKES); left > 0; left -= 1) {
      await delay((fault.quietMs ?? 0) + dice.between(...BETWEEN_MS));
      await fault.strike(field);
    }
    await delay(BETWEEN_MS[0]);
    faults.striking = false;
    await Promise.all(healthy);
    unservedMs = unservedMsOf(proxy.pid) - unservedBefore;
  } finally {
    for (const client of clients) client.close();
    await proxy.stop();
  }
  return { logFile: log, unservedMs };
}

function bootstrapOf({ folder, services, fault }: StandOptions, log: string): JsonObject {
  const module = join(folder, 'suspect.js');
  writeFileSync(module, FILTER_MODULE);
  const [header = ''] = (UNLOGGED[0] ?? '').split(':');
  const unlogged = { header_filter: { header: { name: header, present_match: true, invert_match: true } } };
  return httpBootstrap({
    log: { path: log, format: DIAGNOSTIC_FORMAT, filter: unlogged },
    clusters: [...services].map(([name, { port }]) => cluster(name, [port], fault.clusters?.[name])),
    routes: CLUSTERS.map((name) => route(`/${name}/`, name, { prefix_rewrite: '/' })),
    ...(fault.listener === undefined ? {} : { listener: fault.listener }),
    filters: FILTERS.map((name) => ({
      name,
      typed_config: {
        '@type': 'type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript',
        module,
        config: { name },
      },
    })),
  });
}

function fieldOf({ services }: StandOptions, proxyPid: number, open: () => Promise<LabClient>): Field {
  return {
    client: open,
    proxyPid,
    async hold(name, ms) {
      const service = services.get(name);
      if (service === undefined) throw new Error(`no service ${name}`);
      await service.child.ask({ kind: 'hold', ms } as { kind: string }, 'held');
      for (let filler = 0; filler < QUEUE_FILLERS; filler += 1) {
        const socket = connect(service.port, '127.0.0.1').on('error', () => undefined);
        socket.once('connect', () => setTimeout(() => socket.destroy(), ms));
        setTimeout(() => socket.destroy(), 2 * ms);
      }
      // They must stand in the queue first. A loopback connection does within microseconds.
      await delay(ms / 5);
    },
  };
}

function healthyRequest(dice: Dice, name: string): string | Buffer {
  const roll = dice.below(4);
  if (roll === 0) return get(`/${name}/large?length=${dice.between(1000, 20_000)}`);
  if (roll === 1) return get(`/${name}/slow?delay=${dice.between(1, 5)}`);
  if (roll === 2) return get(`/${name}/`);
  const bytes = dice.between(100, 4000);
  return Buffer.concat([Buffer.from(uploadHead(`/${name}/upload`, bytes)), Buffer.alloc(bytes, 'u')]);
}

/** A new process compiles its code while it serves its first requests: they are not logged. */
async function warmUp(open: () => Promise<LabClient>): Promise<void> {
  await Promise.all(
    Array.from({ length: HEALTHY_CLIENTS }, async () => {
      const client = await open();
      for (let round = 0; round < WARM_UP_ROUNDS; round += 1)
        for (const name of CLUSTERS) {
          await client.ask(get(`/${name}/large?length=20000`, UNLOGGED));
          await client.ask(uploadHead(`/${name}/upload`, 2000, UNLOGGED) + 'u'.repeat(2000));
        }
      client.close();
    }),
  );
}
