/**
 * The upstream of the body tests, on node:http (a parser that is not ours). A request says in its path what it wants:
 *
 *   /body?size=N&framing=length|chunked   N bytes of the pattern; the uploaded body is held against the pattern first
 *   /echo                                 the upload comes back while it arrives, chunked
 *
 * `x-upload` of the response (a trailer would need the client's consent) tells what came: the count, and where it went wrong.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { checkStream, patternStream } from './pattern.ts';

export interface BodyService {
  readonly port: number;
  readonly server: Server;
  /** Connections accepted so far. */
  readonly connections: () => number;
  stop(): void;
}

export async function startBodyService(): Promise<BodyService> {
  let connections = 0;
  const server = createServer({ noDelay: true, highWaterMark: 65_536 }, (incoming, outgoing) => {
    // The other side may be gone: the client sees what is missing.
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1', 1024);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    connections: () => connections,
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://upstream');
  if (url.pathname === '/echo') {
    await pipeline(incoming, outgoing);
    return;
  }
  const size = Number(url.searchParams.get('size') ?? 0);
  outgoing.setHeader('x-upload', String(await checkStream(incoming)));
  outgoing.setHeader(
    'x-upload-framing',
    incoming.headers['transfer-encoding'] ?? incoming.headers['content-length'] ?? 'none',
  );
  if (url.searchParams.get('framing') !== 'chunked') outgoing.setHeader('content-length', size);
  await pipeline(patternStream(size, Number(url.searchParams.get('piece') ?? 65_536)), outgoing);
}
