/**
 * A service of the blind test in a process of its own, so that it can stand still: it accepts and answers nothing then, and its small
 * accept queue is soon full. `/slow`, `/split`, `/large` and `/upload` are as those of the demo service; `/later` waits before it reads.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delay } from '../../../src/base/clock.ts';
import { onParent, tellParent } from './parent.ts';

/** Connections that wait to be accepted; one more finds no room. */
const QUEUE = 16;
const PIECE = Buffer.alloc(64 * 1024, 'p');
const SPLIT_BYTES = 1001;

const server = createServer(
  { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true },
  (request, response) => void answer(request, response).catch(() => response.destroy()),
);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://blind');
  const delayMs = Number(searchParams.get('delay') ?? 0);
  if (pathname === '/later') await delay(delayMs);
  await discard(request);
  if (pathname === '/slow') await delay(delayMs);
  if (pathname === '/large') await large(response, Number(searchParams.get('length') ?? 0));
  else if (pathname === '/split') {
    response.writeHead(200, { 'content-length': SPLIT_BYTES }).flushHeaders();
    await delay(delayMs);
    response.end(PIECE.subarray(0, SPLIT_BYTES));
  } else response.writeHead(200, { 'content-length': 6 }).end('hello\n');
}

/** As fast as it is taken. */
async function large(response: ServerResponse, length: number): Promise<void> {
  response.writeHead(200, { 'content-length': length });
  for (let left = length; left > 0; left -= PIECE.length)
    if (!response.write(PIECE.subarray(0, left)))
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          response.off('drain', goOn).off('close', goOn);
          resolve();
        };
        response.once('drain', goOn).once('close', goOn);
      });
  response.end();
}

async function discard(request: IncomingMessage): Promise<void> {
  for await (const _ of request);
}

server.listen({ host: '127.0.0.1', port: 0, backlog: QUEUE }, () =>
  tellParent({ kind: 'ready', port: (server.address() as AddressInfo).port }),
);
onParent((message) => {
  if (message.kind !== 'hold') return;
  const { ms } = message as { kind: string; ms: number };
  process.send?.({ kind: 'held' }, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms));
});
