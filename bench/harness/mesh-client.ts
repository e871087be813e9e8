/**
 * The client of a mesh's proxy: one connection to each worker, over which services are asked for by name, and connections that are
 * only held.
 *
 * Which worker a connection went to tells the response header `x-thread`, as `TELLS_THREAD` of `mesh.ts` configures it; connections are opened until
 * every worker has one, so a service counts as used only when every worker has used it.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { serviceHost } from './mesh.ts';

/** Requests under way on a connection. */
const AT_ONCE = 32;
/** The chance that so many connections miss one of a few workers is nil. */
const MOST_TRIES = 400;
/** While one worker is asked for all services, the connections to the others wait. */
const KEEP_ALIVE_MS = 600_000;

export class MeshClient {
  /** By the worker's thread id. */
  readonly #byWorker: ReadonlyMap<string, Client>;

  private constructor(byWorker: ReadonlyMap<string, Client>) {
    this.#byWorker = byWorker;
  }

  /** The mesh has one service at least. */
  static async open(port: number, workers: number): Promise<MeshClient> {
    const byWorker = new Map<string, Client>();
    for (let tried = 0; byWorker.size < workers; tried += 1) {
      if (tried === MOST_TRIES)
        throw new Error(`only ${byWorker.size} of ${workers} workers take connections`);
      const client = new Client(`http://127.0.0.1:${port}`, {
        pipelining: AT_ONCE,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
      });
      const thread = await ask(client, 0);
      if (byWorker.has(thread)) await client.destroy();
      else byWorker.set(thread, client);
    }
    return new MeshClient(byWorker);
  }

  /** Services `from` to below `to`, each once through each worker. */
  async use(from: number, to: number, signal: AbortSignal): Promise<void> {
    for (const [worker, client] of this.#byWorker) {
      let next = from;
      const asker = async (): Promise<void> => {
        while (next < to) {
          signal.throwIfAborted();
          const service = next;
          next += 1;
          const thread = await ask(client, service);
          if (thread !== worker) throw new Error(`thread ${thread} answered in the place of ${worker}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, asker));
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#byWorker.values(), (client) => client.destroy()));
  }
}

/** Thread id of the worker that answered. */
async function ask(client: Client, service: number): Promise<string> {
  const { statusCode, headers, body } = await client.request({
    method: 'GET',
    path: '/',
    headers: { host: serviceHost(service) },
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`service ${service}: status ${statusCode}`);
  return String(headers['x-thread']);
}

/** Connections that have each been answered once and stay open. */
export class HeldConnections {
  readonly #sockets: Socket[] = [];

  /** `count` more to a port. */
  async open(port: number, count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => this.#one(port));
      await Promise.all(some);
    }
  }

  async #one(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    this.#sockets.push(socket);
    socket.write(`GET / HTTP/1.1\r\nhost: ${serviceHost(0)}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (!answer.toString('latin1').startsWith('HTTP/1.1 200'))
      throw new Error('a held connection was refused');
    socket.on('error', () => socket.destroy()).resume();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.length = 0;
  }
}
