/**
 * All pods of a mesh in one server: it listens on every address of this machine, so each of 127.0.0.0/8 is a pod. Peers that do not
 * come from there are turned away.
 *
 * Each answer closes its connection: a proxy that has used 50,000 services is measured with what it knows of them, without the
 * sockets to them.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

const BODY = 'pod\n';
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`;
const BACKLOG = 4096;

export class MeshPods {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async listen(): Promise<MeshPods> {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (!socket.remoteAddress?.startsWith('127.')) {
        socket.destroy();
        return;
      }
      // The requests here have no body: what came first is the whole of it.
      socket.once('data', () => socket.end(ANSWER));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host: '0.0.0.0', port: 0, backlog: BACKLOG }, resolve);
    });
    return new MeshPods(server);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
