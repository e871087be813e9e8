/** `upstream_log` of the router: a line for each attempt of a request that is retried, each with its own end. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { fileLog, httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const FORMAT =
  'U %UPSTREAM_REQUEST_ATTEMPT_COUNT% %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT% %BYTES_RECEIVED% %REQ(:PATH)% %RESP(x-try)% %UPSTREAM_CLUSTER% %ACCESS_LOG_TYPE% %LEDGER%\n';
const ROUTER: Json = {
  name: 'envoy.filters.http.router',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
    upstream_log: [fileLog('access.log', FORMAT)],
  },
};

for (const socketInterface of INTERFACES) {
  describe(`the log of attempts on the ${socketInterface} interface`, () => {
    let tries = 0;
    const upstream = createServer((incoming, outgoing) => {
      tries += 1;
      incoming.resume().on('end', () => {
        if (incoming.url === '/never') return;
        if (tries === 2) {
          incoming.socket.destroy();
          return;
        }
        outgoing.writeHead(tries === 1 ? 503 : 200, { 'x-try': String(tries) });
        outgoing.end('done');
      });
    });
    let proxy: RunningProxy;
    before(async () => {
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      const { port } = upstream.address() as AddressInfo;
      const staticResources = httpProxyTo([port], {
        format: 'D %RESPONSE_CODE% %RESPONSE_FLAGS%\n',
        manager: { http_filters: [ROUTER] },
        route: { timeout: '1s', retry_policy: { retry_on: '5xx', num_retries: 2 } },
      });
      proxy = await startProxy({ staticResources, socketInterface });
    });
    after(async () => {
      upstream.close();
      await proxy.stop();
    });

    test('has a line for each, and the request has its own', async () => {
      const answer = await request(`http://127.0.0.1:${proxy.port('http')}/x`, {
        method: 'PUT',
        body: 'body!',
      });
      assert.equal(answer.statusCode, 200);
      assert.equal(await answer.body.text(), 'done');
      assert.deepEqual(await proxy.logLines(4), [
        // Given up at its head.
        'U 1 503 - 5 0 /x 1 upstream UpstreamEnd -',
        'U 2 0 UC 5 0 /x - upstream UpstreamEnd -',
        'U 3 200 - 5 4 /x 3 upstream UpstreamEnd -',
        'D 200 -',
      ]);
    });

    test('says which of them ran out of time', async () => {
      const answer = await request(`http://127.0.0.1:${proxy.port('http')}/never`);
      assert.equal(answer.statusCode, 504);
      await answer.body.dump();
      assert.deepEqual((await proxy.logLines(6)).slice(4), [
        'U 1 0 UT 0 0 /never - upstream UpstreamEnd -',
        'D 504 UT',
      ]);
    });
  });
}
