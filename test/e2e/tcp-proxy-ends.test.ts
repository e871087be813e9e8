/** How proxied TCP connections end when something is wrong: flags, counters, and what either peer sees. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Socket } from 'node:net';
import { eventually, KIB, MIB, PatternCheck, within, writePattern } from '../support/pattern.ts';
import { cluster, fileLog, startProxy, tcpProxyTo } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { DEAD_PORT, endOf, tcpClient, TcpUpstream } from '../support/tcp-upstream.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 20_000;
const FORMAT =
  '[%RESPONSE_FLAGS%] [%CONNECTION_TERMINATION_DETAILS%] %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_HOST% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" u"%UPSTREAM_READ_DURATION%" %LEDGER%';

for (const socketInterface of INTERFACES) {
  describe(`the ends of tcp_proxy on the ${socketInterface} interface`, () => {
    let upstream: TcpUpstream;
    let proxy: RunningProxy;
    before(async () => {
      upstream = await TcpUpstream.start();
      const weights = [
        { name: 'upstream', weight: 3 },
        { name: 'second', weight: 1 },
      ];
      proxy = await startProxy({
        socketInterface,
        concurrency: 1,
        staticResources: {
          listeners: [
            listener('plain', {}),
            listener('refused', { cluster: 'refusing', max_connect_attempts: 3 }),
            listener('idle', { idle_timeout: '0.5s' }),
            listener('old', { max_downstream_connection_duration: '0.3s' }),
            listener('weighted', { weighted_clusters: { clusters: weights } }),
          ],
          clusters: [
            cluster('upstream', [upstream.port]),
            cluster('second', [upstream.port]),
            cluster('refusing', [DEAD_PORT]),
          ],
        },
      });
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });
    afterEach(async () => {
      for (const name of ['upstream', 'second', 'refusing']) {
        for (const gauge of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active'])
          await eventually(() => proxy.stat(`cluster.${name}.${gauge}`), 0, `${name} ${gauge}`);
      }
    });

    async function pair(name: string): Promise<{ client: Socket; server: Socket }> {
      const accepted = upstream.next();
      const client = await tcpClient(proxy.port(name));
      return { client, server: await accepted };
    }

    test('an upstream that refuses ends the client’s connection, with UF and URX, after all attempts', async () => {
      const client = await tcpClient(proxy.port('refused'));
      const ended = endOf(client);
      client.resume();
      await ended;
      client.destroy();
      const line = await proxy.logLine(/^\[UF,URX\]/, 'refused.log');
      assert.match(line, new RegExp(` 0 0 refusing 127\\.0\\.0\\.1:${DEAD_PORT} ".*(refused|111).*" `, 'i'));
      assert.equal(await proxy.stat('cluster.refusing.upstream_cx_connect_fail'), 3);
    });

    test('a reset by the upstream is a reset for the client, with UC', async () => {
      const { client, server } = await pair('plain');
      const check = new PatternCheck();
      client.on('data', (bytes: Buffer) => check.push(bytes));
      client.resume();
      await writePattern(server, 0, 100 * KIB);
      await eventually(async () => check.received, 100 * KIB, 'the first bytes');
      const ended = endOf(client);
      server.resetAndDestroy();
      assert.equal(await ended, 'ECONNRESET');
      await proxy.logLine(/^\[UC\] .* 0 102400 upstream /, 'plain.log');
    });

    test('a reset by the client is a reset for the upstream, with DC', async () => {
      const { client, server } = await pair('plain');
      const check = new PatternCheck();
      server.on('data', (bytes: Buffer) => check.push(bytes));
      server.resume();
      await writePattern(client, 0, 100 * KIB);
      await eventually(async () => check.received, 100 * KIB, 'the first bytes');
      const ended = endOf(server);
      client.resetAndDestroy();
      assert.equal(await ended, 'ECONNRESET');
      await proxy.logLine(/^\[DC\] .* 102400 0 upstream /, 'plain.log');
    });

    test('a connection without a byte for idle_timeout is ended on both sides, with SI', async () => {
      const { client, server } = await pair('idle');
      const ends = Promise.all([endOf(client), endOf(server)]);
      client.resume();
      server.resume();
      client.write('x');
      await ends;
      await proxy.logLine(/^\[SI\] \[tcp_session_idle_timeout\] 1 0 upstream /, 'idle.log');
      assert.equal(await proxy.stat('tcp.idle.idle_timeout'), 1);
    });

    test('an upload that its upstream has stopped taking is given up after idle_timeout', () =>
      within(
        GUARD_MS,
        'the end of the upstream connection',
        (async () => {
          const { client, server } = await pair('idle');
          const paused = await proxy.stat('tcp.idle.downstream_flow_control_paused_reading_total');
          void writePattern(client, 0, 64 * MIB);
          await eventually(
            async () => (await proxy.stat('tcp.idle.downstream_flow_control_paused_reading_total')) > paused,
            true,
            'the upload is not stopped',
          );
          client.resetAndDestroy();
          await eventually(
            () => proxy.stat('cluster.upstream.upstream_cx_active'),
            0,
            'the connection stays',
          );
          server.destroy();
        })(),
      ));

    test('a connection older than max_downstream_connection_duration is ended, with DT', async () => {
      const { client, server } = await pair('old');
      const ends = Promise.all([endOf(client), endOf(server)]);
      client.resume();
      server.resume();
      await ends;
      await proxy.logLine(/^\[DT\] \[max_connection_duration_reached\] /, 'old.log');
    });

    test('weighted clusters share connections by their weights', () =>
      within(
        GUARD_MS,
        'the connections',
        (async () => {
          const stop = upstream.each((socket) => socket.resume().end('x'));
          const first = await proxy.stat('cluster.upstream.upstream_cx_total');
          for (let round = 0; round < 10; round += 1) {
            await Promise.all(
              Array.from({ length: 20 }, async () => {
                const client = await tcpClient(proxy.port('weighted'));
                const ended = endOf(client);
                client.resume();
                await ended;
                client.end();
              }),
            );
          }
          await proxy.logLines(200, 'weighted.log');
          stop();
          const second = await proxy.stat('cluster.second.upstream_cx_total');
          assert.equal((await proxy.stat('cluster.upstream.upstream_cx_total')) - first + second, 200);
          // 50 are expected, with a deviation of 6: six of them to each side.
          assert.ok(second >= 13 && second <= 87, `${second} of 200`);
        })(),
      ));
  });
}

/** A listener of that name, with its own log and statistics. */
function listener(name: string, config: { readonly [key: string]: Json }): Json {
  const fields = { stat_prefix: name, access_log: [fileLog(`${name}.log`, FORMAT)], ...config };
  const { listeners } = tcpProxyTo([], FORMAT, { listener: { name }, proxy: fields }) as {
    listeners: Json[];
  };
  return listeners[0] ?? null;
}
