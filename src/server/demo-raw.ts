/**
 * A server that speaks bytes: for cases that no HTTP library would produce (a wrong length, a FIN in the middle, a head sent byte by
 * byte). It finds the end of each request head and its Content-Length body and then does what its script says.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** What came, for the script to answer by writing to the socket, ending or destroying it. */
export interface RawExchange {
  readonly socket: Socket;
  /** Request line and headers without the empty line, as latin1. */
  readonly head: string;
  readonly body: Buffer;
  /** On this connection, from 1. */
  readonly number: number;
}

export interface RawService {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  stop(): Promise<void>;
}

const HEAD_END = Buffer.from('\r\n\r\n');
/** A request larger than this is cut off: scripts are for small cases. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

export function startRawService(script: (exchange: RawExchange) => void, port = 0): Promise<RawService> {
  const host = '127.0.0.1';
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, script);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve({
        host,
        port: (server.address() as AddressInfo).port,
        get connections() {
          return connections;
        },
        stop: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => {
            server.close(() => done());
          });
        },
      });
    });
  });
}

function serve(socket: Socket, script: (exchange: RawExchange) => void): void {
  let kept: Buffer = Buffer.alloc(0);
  let number = 0;
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (data: Buffer) => {
    kept = kept.length === 0 ? data : Buffer.concat([kept, data]);
    if (kept.length > MAX_REQUEST_BYTES) {
      socket.destroy();
      return;
    }
    for (;;) {
      const end = kept.indexOf(HEAD_END);
      if (end < 0) return;
      const head = kept.toString('latin1', 0, end);
      const bodyStart = end + HEAD_END.length;
      const size = bodyStart + contentLengthOf(head);
      if (kept.length < size) return;
      const body = Buffer.from(kept.subarray(bodyStart, size));
      kept = kept.subarray(size);
      number += 1;
      script({ socket, head, body, number });
    }
  });
}

function contentLengthOf(head: string): number {
  const found = /^content-length: *(\d+) *$/im.exec(head);
  return found === null ? 0 : Number(found[1]);
}
