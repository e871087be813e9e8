/** `tcp_proxy` end to end: bytes, half-closes and back-pressure in both directions, on both socket interfaces. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { checkStream, eventually, KIB, MIB, PatternCheck, within, writePattern } from '../support/pattern.ts';
import { startProxy, tcpProxyTo } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { pause } from '../support/raw-client.ts';
import { SlowPeer } from '../support/slow-peer.ts';
import { endOf, tcpClient, TcpUpstream } from '../support/tcp-upstream.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 25_000;
const FORMAT =
  '[%RESPONSE_FLAGS%] %BYTES_RECEIVED% %BYTES_SENT% %DURATION% r"%DOWNSTREAM_READ_DURATION%" w"%UPSTREAM_WRITE_DURATION%" u"%UPSTREAM_READ_DURATION%" d"%DOWNSTREAM_WRITE_DURATION%" L[%LEDGER%] %UPSTREAM_CLUSTER%';
const LARGE_BYTES = 64 * MIB;
const RESIDENT_MARGIN_BYTES = 32 * MIB;

for (const socketInterface of INTERFACES) {
  describe(`tcp_proxy on the ${socketInterface} interface`, () => {
    let upstream: TcpUpstream;
    let proxy: RunningProxy;
    before(async () => {
      upstream = await TcpUpstream.start();
      proxy = await startProxy({
        socketInterface,
        concurrency: 1,
        staticResources: tcpProxyTo([upstream.port], FORMAT),
      });
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });

    /** A client, and the other end of its connection. */
    async function pair(): Promise<{ client: Socket; server: Socket }> {
      const accepted = upstream.next();
      const client = await tcpClient(proxy.port('tcp'));
      return { client, server: await accepted };
    }

    async function nothingLeft(): Promise<void> {
      for (const gauge of ['cluster.upstream.upstream_cx_active', 'cluster.upstream.upstream_rq_active'])
        await eventually(() => proxy.stat(gauge), 0, gauge);
    }

    test('64 MiB pass in each direction at once, byte for byte, with a half-close behind each', () =>
      within(
        GUARD_MS,
        'the transfers',
        (async () => {
          const { client, server } = await pair();
          const [up, down] = await Promise.all([
            checkStream(server),
            checkStream(client),
            writePattern(client, 0, LARGE_BYTES).then(() => client.end()),
            writePattern(server, 0, LARGE_BYTES).then(() => server.end()),
          ]);
          assert.equal(String(up), String(LARGE_BYTES));
          assert.equal(String(down), String(LARGE_BYTES));
          await proxy.logLine(
            /^\[-\] 67108864 67108864 \d+ r"\[C\d+:R:.*\]D.*" w"\[C\d+~C\d+:R:.*" u"\[C\d+:R:.*" d"\[C\d+:R:.*" L\[.+\] upstream$/,
          );
          await nothingLeft();
        })(),
      ));

    test('a client that has said everything still gets the answer', () =>
      within(
        GUARD_MS,
        'the answer',
        (async () => {
          const { client, server } = await pair();
          client.end('question');
          assert.equal(await textOf(server), 'question');
          assert.equal(await proxy.stat('cluster.upstream.upstream_cx_active'), 1);
          server.write('first ');
          await pause(20);
          server.end('second');
          assert.equal(await textOf(client), 'first second');
          const line = await proxy.logLine(/^\[-\] 8 12 /);
          assert.match(line, /r"\[C(\d+):R:<[^>]+>[^,]+,[^,]+,8\]D,E" w"\[C(\d+)~C\2:R:0,<[^>]+>\d+,8\]d"/);
          assert.match(line, / u"\[C(\d+):R:[^\]]*,6\]D-\[C\1:R:[^\]]*,6\]D,E" d"\[C\d+:R:0,<[^\]]*,6\]d-/);
          await nothingLeft();
        })(),
      ));

    test('a server that has said everything still gets the rest', () =>
      within(
        GUARD_MS,
        'the rest',
        (async () => {
          const { client, server } = await pair();
          server.end('goodbye');
          assert.equal(await textOf(client), 'goodbye');
          client.write('but ');
          await pause(20);
          client.end('listen');
          assert.equal(await textOf(server), 'but listen');
          await proxy.logLine(/^\[-\] 10 7 /);
          await nothingLeft();
        })(),
      ));

    test('a client that crawls holds up the server, not the memory, and gets everything', () =>
      within(
        GUARD_MS,
        'the download',
        (async () => {
          const before = await proxy.stat('cluster.upstream.upstream_flow_control_paused_reading_total');
          const idle = proxy.resident();
          const { client, server } = await pair();
          const check = new PatternCheck();
          const peer = new SlowPeer(client, (bytes) => check.push(bytes));
          const written = writePattern(server, 0, LARGE_BYTES).then(() => server.end());
          const grown = await crawl(peer, proxy, idle);
          assert.ok(grown <= RESIDENT_MARGIN_BYTES, `${(grown / MIB).toFixed(1)} MiB above idle`);
          const paused = await proxy.stat('cluster.upstream.upstream_flow_control_paused_reading_total');
          assert.ok(paused > before);
          const ended = endOf(client);
          peer.drain();
          await written;
          assert.equal(await ended, 'end');
          assert.equal(String(check), String(LARGE_BYTES));
          client.end();
          await proxy.logLine(/^\[-\] 0 67108864 \d+ .*flow\.downstream=\d{6,}/);
          assert.equal(
            await proxy.stat('cluster.upstream.upstream_flow_control_paused_reading_total'),
            await proxy.stat('cluster.upstream.upstream_flow_control_resumed_reading_total'),
          );
          await nothingLeft();
        })(),
      ));

    test('a server that crawls holds up the client, not the memory, and gets everything, also behind a client long gone', () =>
      within(
        GUARD_MS,
        'the upload',
        (async () => {
          const idle = proxy.resident();
          const { client, server } = await pair();
          const check = new PatternCheck();
          const peer = new SlowPeer(server, (bytes) => check.push(bytes));
          const written = writePattern(client, 0, LARGE_BYTES);
          const grown = await crawl(peer, proxy, idle);
          assert.ok(grown <= RESIDENT_MARGIN_BYTES, `${(grown / MIB).toFixed(1)} MiB above idle`);
          assert.ok((await proxy.stat('tcp.tcp.downstream_flow_control_paused_reading_total')) >= 1);
          const ended = endOf(server);
          peer.drain();
          await written;
          // Gone at once: what the proxy still holds must not go with it.
          client.destroySoon();
          assert.equal(await ended, 'end');
          assert.equal(String(check), String(LARGE_BYTES));
          server.end();
          await proxy.logLine(/^\[-\] 67108864 0 \d+ .*flow\.upstream=\d{6,}/);
          assert.equal(
            await proxy.stat('cluster.upstream.upstream_flow_control_backed_up_total'),
            await proxy.stat('cluster.upstream.upstream_flow_control_drained_total'),
          );
          await nothingLeft();
        })(),
      ));

    test('a server that has closed does not cost a slow client its last bytes', () =>
      within(
        GUARD_MS,
        'the last bytes',
        (async () => {
          const { client, server } = await pair();
          const size = 8 * MIB;
          const check = new PatternCheck();
          const peer = new SlowPeer(client, (bytes) => check.push(bytes));
          client.end();
          server.resume();
          const gone = endOf(server);
          // Buffers on the way mostly take all of it at once, and the server is gone before the client begins to read; a machine
          // that is short of memory for sockets makes it wait for the client.
          const written = writePattern(server, 0, size).then(() => server.end());
          await gone;
          // Longer than the 1 s that HTTP connections give a peer which takes nothing.
          await pause(1500);
          const ended = endOf(client);
          peer.drain();
          await written;
          assert.equal(await ended, 'end');
          assert.equal(String(check), String(size));
          await proxy.logLine(/^\[-\] 0 8388608 /);
          await nothingLeft();
        })(),
      ));

    test('100 connections at once do not mix their bytes', () =>
      within(
        GUARD_MS,
        'the echoes',
        (async () => {
          const accepted = upstream.each((socket) => socket.pipe(socket));
          await Promise.all(
            Array.from({ length: 100 }, async (_, index) => {
              const size = 10 * KIB + index * 1009;
              const client = await tcpClient(proxy.port('tcp'));
              const [check] = await Promise.all([
                checkStream(client),
                writePattern(client, 0, size).then(() => client.end()),
              ]);
              assert.equal(String(check), String(size));
            }),
          );
          accepted();
          await nothingLeft();
        })(),
      ));
  });
}

/** A few portions; how far memory went above `idle`. */
async function crawl(peer: SlowPeer, proxy: RunningProxy, idle: number): Promise<number> {
  let highest = 0;
  for (let portion = 0; portion < 8; portion += 1) {
    await peer.read();
    await pause(60);
    highest = Math.max(highest, proxy.resident());
  }
  return highest - idle;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.resume();
  await finished(socket, { writable: false });
  return text;
}
