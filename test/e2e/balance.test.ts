import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const CONNECTIONS = 64;

/** Opens connections one after the other, one answered request on each, and leaves them open. */
async function openConnections(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: balance\r\n\r\n');
    const [head] = (await once(socket, 'data')) as [Buffer];
    assert.match(String(head), /^HTTP\/1\.1 200 OK/);
    sockets.push(socket);
  }
  return sockets;
}

/** Open connections of each worker, as the listener's statistics have them. */
async function perWorker(proxy: RunningProxy): Promise<number[]> {
  const text = await proxy.admin('/stats?filter=worker_.*downstream_cx_active');
  return [...text.matchAll(/worker_\d+\.downstream_cx_active: (\d+)/g)].map((match) => Number(match[1]));
}

describe('connections over four workers', () => {
  const upstream = createServer((_incoming, outgoing) => outgoing.end('ok'));
  let upstreamPort = 0;
  before(async () => {
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    upstreamPort = (upstream.address() as AddressInfo).port;
  });
  after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });

  async function spread(
    listener: { readonly [key: string]: Json },
    kind: 'syscall' | 'portable',
  ): Promise<number[]> {
    const staticResources = httpProxyTo([upstreamPort], { listener });
    const proxy = await startProxy({ staticResources, concurrency: 4, socketInterface: kind });
    const sockets = await openConnections(proxy.port('http'));
    const counts = await perWorker(proxy);
    for (const socket of sockets) socket.destroy();
    await proxy.stop();
    return counts;
  }

  test(
    'exact_balance gives each worker the same number',
    { skip: !INTERFACES.includes('syscall') },
    async () => {
      const counts = await spread({ connection_balance_config: { exact_balance: {} } }, 'syscall');
      assert.deepEqual(counts, [16, 16, 16, 16]);
    },
  );

  for (const kind of INTERFACES) {
    test(`a socket of each worker (reuse_port) serves all of them on the ${kind} interface`, async () => {
      const counts = await spread({}, kind);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        CONNECTIONS,
      );
      // The kernel hashes: an empty worker among four has a chance of 4 * 0.75^64, one in 25 million.
      assert.equal(counts.length, 4);
      for (const count of counts) assert.ok(count > 0, `a worker without connections: ${counts.join(' ')}`);
    });
  }

  test(
    'one socket shared by all workers loses no connection',
    { skip: !INTERFACES.includes('syscall') },
    async () => {
      const counts = await spread({ enable_reuse_port: false }, 'syscall');
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        CONNECTIONS,
      );
    },
  );
});
