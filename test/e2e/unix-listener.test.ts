/** A listener on a unix socket: one path, shared by the workers, with the permissions asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'undici';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const MODE = 0o600;
const AT_ONCE = 20;
const ROUNDS = 50;

const upstream = createServer((_incoming, outgoing) => outgoing.end('hello'));
const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-unix-'));
before(async () => {
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
after(() => {
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const socketInterface of INTERFACES) {
  test(`two workers share a unix socket on the ${socketInterface} interface`, async () => {
    const path = join(folder, `${socketInterface}.sock`);
    const { port } = upstream.address() as AddressInfo;
    const address = { pipe: { path, mode: MODE } };
    const listener = { address, max_connections_to_accept_per_socket_event: 1 };
    const proxy = await startProxy({
      socketInterface,
      staticResources: httpProxyTo([port], { format: '%RESPONSE_CODE%', listener }),
    });
    try {
      assert.equal(statSync(path).mode & 0o777, MODE);
      // Which worker takes a connection is the kernel's choice: until both had one.
      for (let round = 1; (await shares(proxy)).some((share) => share === 0); round += 1) {
        assert.ok(round <= ROUNDS, 'one worker gets no connection');
        await Promise.all(Array.from({ length: AT_ONCE }, () => get(path)));
      }
    } finally {
      await proxy.stop();
    }
  });
}

async function get(socketPath: string): Promise<void> {
  const client = new Client('http://any', { socketPath });
  const { statusCode, body } = await client.request({ path: '/', method: 'GET' });
  assert.equal(statusCode, 200);
  assert.equal(await body.text(), 'hello');
  await client.close();
}

/** Connections that each worker has taken. */
async function shares(proxy: RunningProxy): Promise<number[]> {
  const text = await proxy.admin('/stats');
  const found = Array.from(text.matchAll(/\.worker_\d\.downstream_cx_total: (\d+)/g), (match) =>
    Number(match[1]),
  );
  assert.equal(found.length, 2);
  return found;
}
