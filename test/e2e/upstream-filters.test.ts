/**
 * Network filters of a cluster (`Cluster.filters`): the tap sees what goes over each upstream connection, byte for byte, whatever
 * stands downstream of it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import { patternAt } from '../support/pattern.ts';
import { httpProxyTo, startProxy, tcpProxyTo } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const TAP: Json = {
  filters: [
    {
      name: 'tap',
      typed_config: {
        '@type': 'type.googleapis.com/nodeproxy.extensions.filters.network.tap.v1.Tap',
        path: '$FOLDER/tap.json',
      },
    },
  ],
};

/** A server that keeps every byte of each connection and answers what its script says. */
async function keepingServer(script: (socket: Socket, bytes: Buffer) => void): Promise<{
  readonly port: number;
  readonly received: Buffer[][];
  stop(): void;
}> {
  const received: Buffer[][] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const own: Buffer[] = [];
    received.push(own);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      own.push(bytes);
      script(socket, bytes);
    });
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, received, stop: () => server.close() };
}

/** What the tap has written of one direction, by connection, once that is `least` bytes. */
async function tapped(proxy: RunningProxy, event: string, least: number): Promise<Map<number, Buffer>> {
  for (let count = 1; ; count += 1) {
    const bytesOf = new Map<number, Buffer>();
    let total = 0;
    for (const line of await proxy.logLines(count, 'tap.json')) {
      const entry = JSON.parse(line) as { connection: number; event: string; bytes?: number; data?: string };
      if (entry.event !== event) continue;
      const bytes = Buffer.from(entry.data ?? '', 'base64');
      assert.equal(bytes.length, entry.bytes);
      total += bytes.length;
      bytesOf.set(entry.connection, Buffer.concat([bytesOf.get(entry.connection) ?? Buffer.alloc(0), bytes]));
    }
    if (total >= least) return bytesOf;
  }
}

for (const socketInterface of INTERFACES) {
  describe(`network filters of a cluster on the ${socketInterface} interface`, () => {
    test('a tap has the requests as they were encoded, and the responses as they came', async () => {
      const upstream = await keepingServer((socket, bytes) => {
        if (String(bytes).includes('\r\n\r\n')) socket.write(HELLO);
      });
      const staticResources = httpProxyTo([upstream.port], { cluster: TAP as { [key: string]: Json } });
      const proxy = await startProxy({ staticResources, socketInterface, concurrency: 1 });
      const client = await RawClient.connect(proxy.port('http'));
      assert.equal((await client.ask(get('/one', ['x-mine: 1']))).body, 'Hello world\n');
      assert.equal((await client.ask(post('/two', 'x'.repeat(3000)))).status, 200);
      const sent = Buffer.concat(upstream.received.flat());
      assert.match(String(sent), /^GET \/one HTTP\/1\.1\r\nhost: test\r\n[\s\S]*x-mine: 1\r\n/);
      const written = await tapped(proxy, 'write', sent.length);
      assert.equal(written.size, upstream.received.length);
      assert.deepEqual(Buffer.concat([...written.values()]), sent);
      const read = await tapped(proxy, 'read', 2 * HELLO.length);
      assert.equal(String(Buffer.concat([...read.values()])), HELLO.repeat(2));
      client.destroy();
      await proxy.stop();
      upstream.stop();
    });

    test('a tap under tcp_proxy has both directions and the half-close, also of a long transfer', async () => {
      const upstream = await keepingServer((socket, bytes) => void socket.write(bytes));
      const options = { cluster: TAP as { [key: string]: Json } };
      const proxy = await startProxy({
        staticResources: tcpProxyTo([upstream.port], '%BYTES_SENT%', options),
        socketInterface,
      });
      const client = connect({ port: proxy.port('tcp'), host: '127.0.0.1', allowHalfOpen: true });
      const sent = Buffer.concat(Array.from({ length: 16 }, (_, at) => patternAt(at * 65_536, 65_536)));
      client.resume();
      client.end(sent);
      await once(client, 'end');
      const [written] = (await tapped(proxy, 'write', sent.length)).values();
      const [read] = (await tapped(proxy, 'read', sent.length)).values();
      assert.ok(written !== undefined && read !== undefined);
      assert.ok(written.equals(sent) && read.equals(sent));
      assert.match(await proxy.logLine(/"write-end"/, 'tap.json'), /"connection":\d+/);
      await proxy.stop();
      upstream.stop();
    });
  });
}
