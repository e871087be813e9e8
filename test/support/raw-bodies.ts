/**
 * The upstream of the back-pressure tests, on node:net so that nothing but the test decides when it reads.
 *
 *   GET <path>    the request's head is read; `onGet` answers
 *   PUT <path>    nothing behind the head is read: `onPut` gets a peer that has the body before it
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface RawUpstream {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  stop(): void;
}

/** `rest`: what came behind the head in the same piece. The socket is paused. */
export type HeadScript = (socket: Socket, head: string, rest: Buffer) => void;

export async function startRawUpstream(onHead: HeadScript): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: false },
    (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
      readHead(socket, onHead);
    },
  );
  server.listen(0, '127.0.0.1', 1024);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    stop(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The head of the next request, and then the socket is the script's. */
export function readHead(socket: Socket, onHead: HeadScript): void {
  let held: Buffer = Buffer.alloc(0);
  const onData = (bytes: Buffer): void => {
    held = Buffer.concat([held, bytes]);
    const end = held.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.off('data', onData);
    socket.pause();
    onHead(socket, held.toString('latin1', 0, end), held.subarray(end + 4));
  };
  socket.on('data', onData);
  socket.resume();
}
