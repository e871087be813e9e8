/** A websocket is a request that is still running: a drain counts it, lets it speak for the drain time, and then ends it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';

for (const socketInterface of INTERFACES) {
  test(`an upgraded connection lives through the drain time and no longer (${socketInterface})`, async () => {
    const upstream = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(SWITCH);
        socket.on('data', (bytes: Buffer) => socket.write(bytes));
      });
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const manager = { upgrade_configs: [{ upgrade_type: 'websocket' }] };
    const proxy = await startProxy({
      staticResources: httpProxyTo([(upstream.address() as AddressInfo).port], { manager }),
      socketInterface,
      args: ['--drain-time-s', '4'],
    });
    const client = await RawClient.connect(proxy.port('http'));
    client.write(get('/chat', ['connection: upgrade', 'upgrade: websocket']));
    assert.equal((await client.response()).status, 101);
    client.write('before');
    await client.until(/before$/);
    await untilStat(proxy, 'http.ingress.downstream_rq_active', 1);
    proxy.kill('SIGTERM');
    // The listener is closed: the drain has begun in both workers.
    for (let refused = false; !refused;) {
      const late = await RawClient.connect(proxy.port('http')).catch(() => null);
      refused = late === null;
      late?.destroy();
    }
    assert.equal(await proxy.stat('http.ingress.downstream_rq_active'), 1);
    client.write('during');
    await client.until(/during$/);
    await client.closed();
    assert.equal(await proxy.exited(), 0);
    await proxy.stop();
    upstream.close();
  });
}
