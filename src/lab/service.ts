/** A server of a lab on a port of the kernel's choice; stopping it ends its connections too. */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Service } from './lab.ts';

export async function listening(server: Server, backlog?: number): Promise<Service> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen({ host: '127.0.0.1', port: 0, ...(backlog === undefined ? {} : { backlog }) });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
