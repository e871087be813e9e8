/** A TCP server whose test decides what it does with each connection; half-closes are its own business. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { within } from './pattern.ts';

const GUARD_MS = 10_000;

export class TcpUpstream {
  readonly port: number;
  readonly #stop: () => void;
  #next = Promise.withResolvers<Socket>();
  #script: ((socket: Socket) => void) | null = null;

  private constructor(port: number, stop: () => void) {
    this.port = port;
    this.#stop = stop;
  }

  static async start(): Promise<TcpUpstream> {
    const sockets = new Set<Socket>();
    let upstream: TcpUpstream | null = null;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      upstream?.give(socket);
    });
    server.listen(0, '127.0.0.1', 1024);
    await once(server, 'listening');
    upstream = new TcpUpstream((server.address() as AddressInfo).port, () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return upstream;
  }

  give(socket: Socket): void {
    if (this.#script === null) this.#next.resolve(socket);
    else this.#script(socket);
  }

  /** Every connection goes to the script, until the returned function is called. */
  each(script: (socket: Socket) => void): () => void {
    this.#script = script;
    return () => (this.#script = null);
  }

  /** The next connection, paused. Call it before the client connects. */
  next(): Promise<Socket> {
    this.#next = Promise.withResolvers<Socket>();
    return within(GUARD_MS, 'a connection to the upstream', this.#next.promise);
  }

  stop(): void {
    this.#stop();
  }
}

/** A client that may half-close, paused. */
export async function tcpClient(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  return socket;
}

/** A port where nobody listens: not one that the kernel gives to others, or to the connect itself. */
export const DEAD_PORT = 1;

/** How a connection ended for the one who reads it: `end` for FIN, or the error's code. */
export function endOf(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on('end', () => resolve('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  socket.on('close', () => resolve('close'));
  return within(GUARD_MS, 'the end of a connection', promise);
}
