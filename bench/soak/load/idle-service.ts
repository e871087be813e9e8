/**
 * Upstream of the part `idle-close`: it answers at once and closes each connection that has been idle for its keep-alive time, by its
 * own timer and without looking, as real servers do. Nothing is timed to hit anything: whether a request is on its way is chance.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { HttpReader } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface IdleServiceOptions {
  readonly keepAliveMs: number;
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n';

const { keepAliveMs } = optionsOfParent() as IdleServiceOptions;
let requests = 0;
let closedIdle = 0;

const server = createServer({ noDelay: true }, (socket) => {
  const reader = new HttpReader();
  socket.setTimeout(keepAliveMs, () => {
    closedIdle += 1;
    socket.destroy();
  });
  socket.setEncoding('latin1').on('error', () => undefined);
  socket.on('data', (text: string) => {
    reader.push(text);
    for (; reader.next() !== null; requests += 1) socket.write(ANSWER);
  });
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () =>
  tellParent({ kind: 'ready', port: (server.address() as AddressInfo).port }),
);
onParent(({ kind }) => {
  if (kind === 'count') tellParent({ kind: 'counted', requests, closedIdle });
});
