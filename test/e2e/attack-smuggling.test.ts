/**
 * Request smuggling and response splitting through the whole proxy. The judge is a reader that is as lenient as any: an upstream
 * (or a client) that forgives everything must see only messages that the proxy made, known by a header that no attacker sent.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect, createServer as createRawServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { eventually } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const INSIDE = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
const FIELDS = [
  'content-length: 0',
  'content-length: 5',
  `content-length: ${INSIDE.length}`,
  'content-length: +5',
  'content-length: 5, 5',
  'content-length : 5',
  'transfer-encoding: chunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding:\x0bchunked',
  'transfer-encoding:\r\n chunked',
  ' transfer-encoding: chunked',
  'transfer_encoding: chunked',
  'connection: transfer-encoding',
  'connection: x-request-id',
  'connection: upgrade\r\nupgrade: websocket',
  'expect: 100-continue',
  'x: y\ntransfer-encoding: chunked',
  'x: y\rtransfer-encoding: chunked',
];
const BODIES = [
  INSIDE,
  `0\r\n\r\n${INSIDE}`,
  `0\r\n${INSIDE}`,
  `0\n\n${INSIDE}`,
  `5;a\n${INSIDE}`,
  `5\r\nhelloX\r\n0\r\n\r\n${INSIDE}`,
  `${INSIDE.length.toString(16)}\r\n${INSIDE}\r\n0\r\n\r\n`,
];

/** Every pair of fields with every body. */
function* requests(): Generator<string> {
  for (const first of FIELDS) {
    for (const second of FIELDS) {
      for (const [index, body] of BODIES.entries()) {
        const method = index % 2 === 0 ? 'POST' : 'GET';
        yield `${method} /outer HTTP/1.1\r\nhost: a\r\n${first}\r\n${second}\r\n\r\n${body}`;
      }
    }
  }
}

/** A request that is whole has been answered by then, or its connection was closed. */
const QUIET_MS = 25;

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
  });
}

async function send(port: number, text: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  socket.write(text, 'latin1');
  // What waits for more is let go; an answer keeps the connection for one more round.
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  if (!socket.destroyed) await closed(socket);
}

function lenientUpstream(onRequest: (incoming: IncomingMessage) => void): Server {
  const upstream = createServer({ insecureHTTPParser: true }, (incoming, outgoing) => {
    onRequest(incoming);
    incoming.on('error', () => undefined).resume();
    incoming.on('end', () => outgoing.end('ok'));
  });
  upstream.on('clientError', (_error, socket) => socket.destroy());
  upstream.on('upgrade', (incoming, socket) => {
    socket.on('error', () => undefined);
    onRequest(incoming);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });
  return upstream;
}

for (const socketInterface of INTERFACES) {
  describe(`on the ${socketInterface} interface`, () => {
    test(
      'no request reaches the upstream that the proxy did not make',
      { timeout: 120_000 },
      async (context) => {
        const strangers: string[] = [];
        let arrived = 0;
        const upstream = lenientUpstream((incoming) => {
          arrived += 1;
          if (incoming.headers['x-request-id'] === undefined) strangers.push(incoming.url ?? '');
        });
        upstream.listen(0, '127.0.0.1');
        await once(upstream, 'listening');
        const manager: { [key: string]: Json } = { upgrade_configs: [{ upgrade_type: 'websocket' }] };
        const { port } = upstream.address() as AddressInfo;
        const proxy = await startProxy({
          staticResources: httpProxyTo([port], { manager }),
          concurrency: 1,
          socketInterface,
        });
        context.after(async () => {
          upstream.closeAllConnections();
          upstream.close();
          await proxy.stop();
        });
        const all = requests();
        const worker = async (): Promise<void> => {
          for (const text of all) await send(proxy.port('http'), text);
        };
        await Promise.all(Array.from({ length: 16 }, worker));
        assert.deepEqual(strangers, []);
        assert.ok(arrived > 200, `only ${arrived} of them were requests`);
      },
    );

    test(
      'no response reaches a client that the proxy did not make',
      { timeout: 120_000 },
      async (context) => {
        const fake = 'HTTP/1.1 200 OK\r\nx-fake: 1\r\ncontent-length: 4\r\n\r\nfake';
        const heads = ['200 OK', '204 No', '304 Not', '101 Switch', '200 OK\r\ncontent-length: 0'];
        const bodies = [fake, `0\r\n\r\n${fake}`, `4\r\ngood\r\n0\r\n\r\n${fake}`, `4\ngood\n0\n\n${fake}`];
        const fields = [
          'x: y',
          'content-length: 4',
          'transfer-encoding: chunked',
          'connection: keep-alive',
          'x:\r y',
        ];
        const answers = heads.flatMap((head) =>
          fields.flatMap((field) => bodies.map((body) => `HTTP/1.1 ${head}\r\n${field}\r\n\r\n${body}`)),
        );
        let next = 0;
        const upstream = createRawServer((socket) => {
          socket.on('error', () => undefined);
          socket.on('data', () => {
            socket.write(answers[next++ % answers.length] ?? '', 'latin1');
          });
        });
        upstream.listen(0, '127.0.0.1');
        await once(upstream, 'listening');
        const { port } = upstream.address() as AddressInfo;
        const proxy = await startProxy({
          staticResources: httpProxyTo([port], { route: { timeout: '0.2s' } }),
          concurrency: 1,
          socketInterface,
        });
        context.after(async () => {
          upstream.close();
          await proxy.stop();
        });
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let count = 0; count < answers.length; count += 1) {
          const asked = request({
            port: proxy.port('http'),
            host: '127.0.0.1',
            agent,
            method: count % 3 === 0 ? 'HEAD' : 'GET',
            insecureHTTPParser: true,
          });
          asked.on('information', () => undefined).end();
          const [incoming] = (await once(asked, 'response')) as [IncomingMessage];
          incoming.on('error', () => undefined).resume();
          assert.equal(incoming.headers.server, 'nodeproxy');
          assert.equal(incoming.headers['x-fake'], undefined);
          if (!incoming.closed) await closed(incoming);
        }
        agent.destroy();
        await eventually(() => proxy.stat('cluster.upstream.upstream_rq_active'), 0, 'requests stay');
      },
    );
  });
}
