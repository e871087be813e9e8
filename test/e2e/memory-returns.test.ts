/** What thousands of connections took goes back to the system when they have gone and nothing else happens. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import { MIB, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import { get, pause } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const CONNECTIONS = 4000;
const AT_A_TIME = 200;
/** Of quiet, and of V8's memory reducer, on a busy machine. */
const GUARD_MS = 100_000;

// At once: most of it is waiting.
describe(`resident memory falls after ${CONNECTIONS} connections`, { concurrency: true }, () => {
  for (const socketInterface of INTERFACES) {
    test(`on the ${socketInterface} interface`, (t) =>
      within(
        GUARD_MS,
        'resident memory does not fall',
        (async () => {
          const upstream = await startRawService(({ socket }) =>
            socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
          );
          const proxy = await startProxy({
            socketInterface,
            concurrency: 1,
            staticResources: httpProxyTo([upstream.port]),
          });
          t.after(async () => {
            await proxy.stop();
            await upstream.stop();
          });
          const before = proxy.resident();
          const clients: Socket[] = [];
          while (clients.length < CONNECTIONS) {
            const some = Array.from({ length: AT_A_TIME }, () =>
              connect({ port: proxy.port('http'), host: '127.0.0.1' }),
            );
            await Promise.all(
              some.map(async (client) => {
                client.write(get('/'));
                await once(client, 'data');
              }),
            );
            clients.push(...some);
          }
          const most = proxy.resident();
          for (const client of clients) client.destroy();
          assert.ok(most - before > 40 * MIB, `${CONNECTIONS} connections take memory: ${most - before}`);
          while (!t.signal.aborted && proxy.resident() - before > (most - before) / 2) await pause(200);
        })(),
      ));
  }
});
