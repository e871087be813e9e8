/**
 * The ten kinds of fault of the blind test. Each is planned by dice (how long, how large, which side, which filter, which cluster) and
 * strikes a few times beside healthy traffic. `truth`: the places that name it; more than one where two names mean the same part.
 */
import { kill } from 'node:process';
import { delay } from '../../../src/base/clock.ts';
import { get, uploadHead } from '../../../src/lab/lab-client.ts';
import type { LabClient } from '../../../src/lab/lab-client.ts';
import type { Dice } from '../dice.ts';
import { protocolOptions } from '../http-config.ts';
import type { JsonObject } from '../http-config.ts';
import { CLUSTERS, FILTERS } from './places.ts';

/** What a fault strikes with. */
export interface Field {
  /** A connection to the proxy. */
  client(): Promise<LabClient>;
  readonly proxyPid: number;
  /** Lets the services of a cluster stand still, with a full accept queue; resolves when it does. */
  hold(cluster: string, ms: number): Promise<void>;
}

export interface Fault {
  /** Its parameters in words. */
  readonly text: string;
  readonly truth: readonly string[];
  /** Further fields of the listener, and of clusters by name. */
  readonly listener?: JsonObject;
  readonly clusters?: Readonly<Record<string, JsonObject>>;
  /** Clusters that healthy traffic leaves alone. */
  readonly avoided?: string;
  /** Pause before each strike. */
  readonly quietMs?: number;
  strike(field: Field): Promise<void>;
}

export interface FaultKind {
  readonly name: string;
  plan(dice: Dice): Fault;
}

const MIB = 1024 * 1024;
const SMALL_BUFFER = { per_connection_buffer_limit_bytes: 32 * 1024 };

async function together(
  field: Field,
  many: number,
  work: (client: LabClient, index: number) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: many }, async (_, index) => {
      const client = await field.client();
      await work(client, index);
      client.close();
    }),
  );
}

async function inPieces(
  client: LabClient,
  path: string,
  bytes: number,
  gaps: readonly number[],
): Promise<void> {
  const body = Buffer.alloc(bytes, 'u');
  const size = Math.ceil(bytes / (gaps.length + 1));
  client.write(Buffer.concat([Buffer.from(uploadHead(path, bytes)), body.subarray(0, size)]));
  for (const [index, gap] of gaps.entries()) {
    await delay(gap);
    client.write(body.subarray((index + 1) * size, (index + 2) * size));
  }
  await client.answer();
}

export const FAULT_KINDS: readonly FaultKind[] = [
  {
    name: 'filter waits',
    plan(dice) {
      const [filter, cluster, ms, many] = [
        dice.pick(FILTERS),
        dice.pick(CLUSTERS),
        dice.between(150, 600),
        dice.between(3, 6),
      ];
      return {
        text: `${filter} waits ${ms} ms, ${many} at once to ${cluster}`,
        truth: [`filter · ${filter}`],
        strike: (field) =>
          together(field, many, (client) => client.ask(get(`/${cluster}/`, [`x-${filter}: wait:${ms}`]))),
      };
    },
  },
  {
    name: 'filter computes',
    plan(dice) {
      const [filter, cluster, ms] = [dice.pick(FILTERS), dice.pick(CLUSTERS), dice.between(150, 500)];
      return {
        text: `${filter} computes ${ms} ms for a request to ${cluster}`,
        // Its own time and that of the neighbours that it held up are one fault of one filter.
        truth: [`worker is held · filter ${filter}`, `filter · ${filter}`],
        strike: (field) =>
          together(field, 1, (client) => client.ask(get(`/${cluster}/`, [`x-${filter}: compute:${ms}`]))),
      };
    },
  },
  {
    name: 'no processor',
    plan(dice) {
      const ms = dice.between(200, 600);
      return {
        text: `the proxy's process stands still for ${ms} ms`,
        truth: ['worker has no processor · node'],
        async strike({ proxyPid }) {
          kill(proxyPid, 'SIGSTOP');
          await delay(ms);
          kill(proxyPid, 'SIGCONT');
        },
      };
    },
  },
  {
    name: 'first byte late',
    plan(dice) {
      const [cluster, ms, many] = [dice.pick(CLUSTERS), dice.between(200, 800), dice.between(3, 6)];
      return {
        text: `${cluster} thinks for ${ms} ms, ${many} at once`,
        truth: [`first byte · ${cluster}`],
        strike: (field) => together(field, many, (client) => client.ask(get(`/${cluster}/slow?delay=${ms}`))),
      };
    },
  },
  {
    name: 'head and body apart',
    plan(dice) {
      const [cluster, ms, many] = [dice.pick(CLUSTERS), dice.between(150, 600), dice.between(3, 6)];
      const bytes = dice.between(1000, 16_000);
      if (dice.chance(0.5))
        return {
          text: `${cluster} sends the body ${ms} ms behind the head, ${many} at once`,
          truth: [`answer arrives · ${cluster}`],
          strike: (field) =>
            together(field, many, (client) => client.ask(get(`/${cluster}/split?delay=${ms}`))),
        };
      return {
        text: `the client sends the body (${bytes} bytes) ${ms} ms behind the head, ${many} at once`,
        truth: ['request arrives · client'],
        strike: (field) =>
          together(field, many, async (client) => {
            client.write(uploadHead(`/${cluster}/upload`, bytes));
            await delay(ms);
            await client.ask(Buffer.alloc(bytes, 'u'));
          }),
      };
    },
  },
  {
    name: 'request in pieces',
    plan(dice) {
      const [cluster, pieces, many] = [dice.pick(CLUSTERS), dice.between(3, 8), dice.between(3, 6)];
      const [bytes, gap] = [dice.between(4000, 60_000), dice.between(40, 150)];
      return {
        text: `uploads of ${bytes} bytes in ${pieces} pieces ${gap} ms apart, ${many} at once to ${cluster}`,
        truth: ['request arrives · client'],
        strike: (field) =>
          together(field, many, (client) =>
            inPieces(client, `/${cluster}/upload`, bytes, new Array<number>(pieces - 1).fill(gap)),
          ),
      };
    },
  },
  {
    name: 'client reads slowly',
    plan(dice) {
      const [cluster, ms, bytes] = [dice.pick(CLUSTERS), dice.between(250, 800), dice.between(14, 24) * MIB];
      return {
        text: `a client leaves an answer of ${bytes / MIB} MiB of ${cluster} for ${ms} ms`,
        truth: ['answer leaves · client'],
        listener: SMALL_BUFFER,
        clusters: { [cluster]: SMALL_BUFFER },
        strike: (field) =>
          together(field, 1, async (client) => {
            client.pause();
            client.write(get(`/${cluster}/large?length=${bytes}`));
            await delay(ms);
            const answer = client.answer();
            client.resume();
            await answer;
          }),
      };
    },
  },
  {
    name: 'upstream reads slowly',
    plan(dice) {
      const [cluster, ms, bytes] = [dice.pick(CLUSTERS), dice.between(250, 800), dice.between(14, 24) * MIB];
      return {
        text: `${cluster} takes ${ms} ms before it reads an upload of ${bytes / MIB} MiB`,
        truth: ['request leaves · cluster'],
        listener: SMALL_BUFFER,
        clusters: { [cluster]: SMALL_BUFFER },
        strike: (field) =>
          together(field, 1, (client) =>
            client.ask(
              Buffer.concat([
                Buffer.from(uploadHead(`/${cluster}/later?delay=${ms}`, bytes)),
                Buffer.alloc(bytes, 'u'),
              ]),
            ),
          ),
      };
    },
  },
  {
    name: 'connection opens slowly',
    plan(dice) {
      const [cluster, ms, many] = [dice.pick(CLUSTERS), dice.between(150, 400), dice.between(3, 5)];
      return {
        text: `${cluster} does not accept for ${ms} ms when ${many} new connections are needed`,
        truth: [`connection opens · ${cluster}`],
        clusters: { [cluster]: protocolOptions({ idle_timeout: '0.1s' }) },
        avoided: cluster,
        quietMs: 300,
        async strike(field) {
          await field.hold(cluster, ms);
          await together(field, many, (client) => client.ask(get(`/${cluster}/`)));
        },
      };
    },
  },
  {
    name: 'pool is too small',
    plan(dice) {
      const [cluster, ms, many, most] = [
        dice.pick(CLUSTERS),
        dice.between(30, 90),
        dice.between(8, 14),
        dice.between(1, 2),
      ];
      const thresholds = [{ max_connections: most, max_pending_requests: 1000, max_requests: 1000 }];
      return {
        text: `${many} requests of ${ms} ms at once for ${most} connection${most === 1 ? '' : 's'} to ${cluster}`,
        truth: [`queue of the pool · ${cluster}`],
        clusters: { [cluster]: { circuit_breakers: { thresholds } } },
        strike: (field) => together(field, many, (client) => client.ask(get(`/${cluster}/slow?delay=${ms}`))),
      };
    },
  },
];
