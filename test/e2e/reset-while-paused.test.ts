/**
 * A peer that resets while flow control has switched its reads off: the other side and the log learn of it at once, and of who it was.
 * Only our own system calls hear of it (a paused `node:net` socket is not polled).
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { untilPaused } from '../support/fill.ts';
import { eventually, MIB, within, writePattern } from '../support/pattern.ts';
import { httpProxyTo, startProxy, tcpProxyTo } from '../support/proxy.ts';
import { startRawUpstream } from '../support/raw-bodies.ts';
import { endOf, tcpClient, TcpUpstream } from '../support/tcp-upstream.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 20_000;
const LIMIT = { per_connection_buffer_limit_bytes: 32_768 };

describe('a reset while reads are off', { skip: !INTERFACES.includes('syscall') }, () => {
  test('by the client of an HTTP upload whose upstream does not read: DC, the upstream is let go, the log shows the pause', () =>
    within(
      GUARD_MS,
      'the upload',
      (async () => {
        const upstream = await startRawUpstream((socket) => socket.pause());
        const proxy = await startProxy({
          socketInterface: 'syscall',
          concurrency: 1,
          staticResources: httpProxyTo([upstream.port], {
            format:
              '%RESPONSE_FLAGS% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% "%DOWNSTREAM_READ_DURATION%" %LEDGER%',
            listener: LIMIT,
            cluster: LIMIT,
          }),
        });
        const client = connect({ port: proxy.port('http'), host: '127.0.0.1' });
        client.on('error', () => undefined);
        client.write(`PUT /up HTTP/1.1\r\nhost: test\r\ncontent-length: ${64 * MIB}\r\n\r\n`);
        void writePattern(client, 0, 64 * MIB);
        await untilPaused(proxy, 'http.ingress.downstream_flow_control');
        client.resetAndDestroy();
        const [line = ''] = await proxy.logLines(1);
        assert.match(line, /^DC 0 downstream_remote_disconnect "/);
        assert.match(line, /\]D(?:\+\d+<[\d:.]+>)?!1" /, line);
        for (const gauge of ['http.ingress.downstream_cx_active', 'cluster.upstream.upstream_cx_active'])
          await eventually(() => proxy.stat(gauge), 0, gauge);
        upstream.stop();
        await proxy.stop();
      })(),
    ));

  test('by either end of a proxied TCP connection is a reset for the other', () =>
    within(
      GUARD_MS,
      'both resets',
      (async () => {
        const upstream = await TcpUpstream.start();
        const format = '[%RESPONSE_FLAGS%] %CONNECTION_TERMINATION_DETAILS%';
        const proxy = await startProxy({
          socketInterface: 'syscall',
          concurrency: 1,
          staticResources: tcpProxyTo([upstream.port], format, { listener: LIMIT, cluster: LIMIT }),
        });
        const pair = async (): Promise<[Socket, Socket]> => {
          const accepted = upstream.next();
          const client = await tcpClient(proxy.port('tcp'));
          return [client, await accepted];
        };

        const [uploading, stalled] = await pair();
        void writePattern(uploading, 0, 64 * MIB);
        await untilPaused(proxy, 'tcp.tcp.downstream_flow_control');
        const told = endOf(stalled);
        uploading.resetAndDestroy();
        stalled.resume();
        assert.equal(await told, 'ECONNRESET');
        await proxy.logLine(/^\[DC\] /);

        const [reader, sender] = await pair();
        reader.pause();
        void writePattern(sender, 0, 64 * MIB);
        await untilPaused(proxy, 'cluster.upstream.upstream_flow_control');
        sender.resetAndDestroy();
        // What the server had sent is the client's still.
        const end = endOf(reader);
        reader.resume();
        assert.equal(await end, 'ECONNRESET');
        await proxy.logLine(/^\[UC\] /);
        await eventually(() => proxy.stat('cluster.upstream.upstream_cx_active'), 0, 'upstream connections');
        upstream.stop();
        await proxy.stop();
      })(),
    ));
});
