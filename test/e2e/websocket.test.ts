/** Websockets through `upgrade_configs`: echoes both ways with clients and servers of `ws`, closes by either side, refusals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, MIB, patternAt, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 30_000;
const FORMAT =
  '%RESPONSE_CODE% [%RESPONSE_FLAGS%] %RESPONSE_CODE_DETAILS% %REQ(:PATH)% %BYTES_RECEIVED% %BYTES_SENT% "%DOWNSTREAM_READ_DURATION%" "%UPSTREAM_READ_DURATION%" %LEDGER%';
/** 100 handshakes at once may take longer than a second. */
const ROUTES = [
  { match: { path: '/greet' }, route: { cluster: 'upstream', timeout: '1s' } },
  { match: { prefix: '/' }, route: { cluster: 'upstream', timeout: '0s' } },
];

for (const socketInterface of INTERFACES) {
  describe(`websockets on the ${socketInterface} interface`, () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    let proxy: RunningProxy;
    before(async () => {
      if (server.address() === null) await once(server, 'listening');
      server.on('connection', (socket, incoming) => serve(socket, incoming.url ?? ''));
      const { port } = server.address() as AddressInfo;
      proxy = await startProxy({
        socketInterface,
        staticResources: httpProxyTo([port], {
          format: FORMAT,
          manager: {
            upgrade_configs: [{ upgrade_type: 'websocket' }],
            route_config: {
              name: 'routes',
              virtual_hosts: [{ name: 'all', domains: ['*'], routes: ROUTES }],
            },
          },
        }),
      });
    });
    after(async () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await proxy.stop();
    });

    async function open(path: string): Promise<WebSocket> {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('http')}${path}`, {
        perMessageDeflate: false,
      });
      await once(socket, 'open');
      return socket;
    }

    /** The line of the stream with that path. */
    async function lineOf(path: string): Promise<string> {
      let line: string | undefined;
      await eventually(
        async () => {
          line = (await proxy.logLines(1)).find((each) => each.includes(` ${path} `));
          return line !== undefined;
        },
        true,
        `a line for ${path}`,
      );
      return line ?? '';
    }

    test('100 at once echo small, large and binary messages, and close with their handshake', () =>
      within(
        GUARD_MS,
        'the echoes',
        (async () => {
          await Promise.all(Array.from({ length: 100 }, (_, index) => converse(index, open)));
          await eventually(() => proxy.stat('http.ingress.downstream_cx_active'), 0, 'connections stay');
          await eventually(
            () => proxy.stat('http.ingress.downstream_cx_upgrades_active'),
            0,
            'upgrades stay',
          );
          await eventually(
            () => proxy.stat('cluster.upstream.upstream_cx_active'),
            0,
            'upstream connections stay',
          );
          assert.equal(await proxy.stat('http.ingress.downstream_cx_upgrades_total'), 100);
          const lines = (await proxy.logLines(100)).filter((line) => line.includes(' /echo'));
          assert.equal(lines.length, 100);
          // After the close frames both sides end at once: the client's end may be the first that the proxy sees.
          const end = /^101 (\[-?\] via_upstream|\[DC\] downstream_remote_disconnect) \/echo\d+ \d+ \d+ "\[C/;
          for (const line of lines) assert.match(line, end);
        })(),
      ));

    test('messages of 8 MiB pass in both directions at once', () =>
      within(
        GUARD_MS,
        'the echo',
        (async () => {
          const socket = await open('/large');
          const message = Buffer.concat(
            Array.from({ length: 128 }, (_, index) => patternAt(index * 65_536, 65_536)),
          );
          assert.equal(message.length, 8 * MIB);
          const back: Buffer[] = [];
          const { promise, resolve } = Promise.withResolvers<void>();
          socket.on('message', (data: Buffer) => {
            back.push(data);
            if (back.length === 3) resolve();
          });
          for (let count = 0; count < 3; count += 1) socket.send(message);
          await promise;
          assert.ok(back.every((each) => each.equals(message)));
          socket.close(1000);
          await once(socket, 'close');
          const line = await lineOf('/large');
          const [received, sent] = / \/large (\d+) (\d+) /.exec(line)?.slice(1).map(Number) ?? [];
          assert.ok((received ?? 0) > 24 * MIB && (sent ?? 0) > 24 * MIB, line);
        })(),
      ));

    test('the server may speak first, and outlives the route’s timeout', () =>
      within(
        GUARD_MS,
        'the greeting',
        (async () => {
          const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('http')}/greet`, {
            perMessageDeflate: false,
          });
          const [first] = await once(socket, 'message');
          assert.equal(String(first), 'hello');
          // Longer than the route's 1 s: the timeout of a request is none of an upgraded stream.
          const [second] = await once(socket, 'message');
          assert.equal(String(second), 'still here');
          socket.close();
          await once(socket, 'close');
        })(),
      ));

    test('a close by the server reaches the client with its code', () =>
      within(
        GUARD_MS,
        'the close',
        (async () => {
          const socket = await open('/bye');
          const [code, reason] = await once(socket, 'close');
          assert.equal(code, 4001);
          assert.equal(String(reason), 'bye');
        })(),
      ));

    test('a server that dies without a close frame ends the client’s connection', () =>
      within(
        GUARD_MS,
        'the close',
        (async () => {
          const socket = await open('/die');
          const [code] = await once(socket, 'close');
          assert.equal(code, 1006);
          await lineOf('/die');
          await eventually(
            () => proxy.stat('cluster.upstream.upstream_cx_active'),
            0,
            'upstream connections stay',
          );
        })(),
      ));

    test('a client that dies without a close frame ends the server’s connection', () =>
      within(
        GUARD_MS,
        'the close',
        (async () => {
          const gone = new Promise<void>((resolve) => {
            server.once('connection', (socket) => socket.once('close', () => resolve()));
          });
          const socket = await open('/vanish');
          socket.terminate();
          await gone;
          assert.match(await lineOf('/vanish'), /^101 \[DC\]/);
          await eventually(() => proxy.stat('http.ingress.downstream_cx_active'), 0, 'connections stay');
        })(),
      ));

    test('an upgrade that is not configured is refused with 403', async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const { status } = await client.ask(get('/other', ['connection: upgrade', 'upgrade: other']));
      assert.equal(status, 403);
      client.destroy();
      assert.match(await lineOf('/other'), /^403 /);
    });

    test('an upgrade that the upstream refuses leaves an ordinary response', async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const { status } = await client.ask(
        get('/refused', ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 1']),
      );
      assert.equal(status, 400);
      client.destroy();
      assert.match(await lineOf('/refused'), /^400 /);
    });
  });
}

/** What the server does is in the path. */
function serve(socket: WebSocket, path: string): void {
  socket.on('error', () => socket.terminate());
  if (path === '/greet') {
    socket.send('hello');
    setTimeout(() => socket.send('still here'), 1300);
  } else if (path === '/bye') socket.close(4001, 'bye');
  else if (path === '/die') socket.terminate();
  else socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
}

/** Text, the three frame length forms, empty, ping; each is awaited, and then several at once. */
async function converse(index: number, open: (path: string) => Promise<WebSocket>): Promise<void> {
  const socket = await open(`/echo${index}`);
  for (const size of [5, 125, 126, 65_535, 65_536, 0]) {
    const sent = patternAt(index * 1000, size);
    socket.send(sent);
    const [back] = (await once(socket, 'message')) as [Buffer];
    assert.ok(back.equals(sent), `${size} bytes of ${index}`);
  }
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer, binary: boolean) => {
    texts.push(`${String(data)} ${binary}`);
    if (texts.length === 5) resolve();
  });
  for (let count = 0; count < 5; count += 1) socket.send(`text ${index} ${count}`);
  await promise;
  assert.deepEqual(
    texts,
    [0, 1, 2, 3, 4].map((count) => `text ${index} ${count} false`),
  );
  socket.ping('are you there');
  const [pong] = (await once(socket, 'pong')) as [Buffer];
  assert.equal(String(pong), 'are you there');
  socket.close(1000, 'done');
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1000);
}
