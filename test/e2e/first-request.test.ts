import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

for (const socketInterface of INTERFACES) {
  describe(`a GET through two workers on the ${socketInterface} interface`, () => {
    const upstream = createServer((_incoming, outgoing) => outgoing.end('hello world\n'));
    let proxy: RunningProxy;
    before(async () => {
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      const { port } = upstream.address() as AddressInfo;
      proxy = await startProxy({ staticResources: httpProxyTo([port]), socketInterface });
    });
    after(async () => {
      upstream.close();
      await proxy.stop();
    });

    test('is answered by the upstream, counted, and leaves one line in the log', async () => {
      const answer = await request(`http://127.0.0.1:${proxy.port('http')}/hello?x=1`);
      assert.equal(answer.statusCode, 200);
      assert.equal(await answer.body.text(), 'hello world\n');
      const [line] = await proxy.logLines(1);
      assert.match(line ?? '', /^\[.*\] "GET \/hello\?x=1 HTTP\/1\.1" 200 - via_upstream - "-" 0 12 /);
      assert.match(
        line ?? '',
        /: \(\d+\) "\[C\d+:R:<\d\d:\d\d\.\d{3}>.*\]H" "\[C(\d+)~C\1:R:.*\]d" "\[C\1:R:.*\]H,D,E" \d+ \d+$/,
      );
      assert.equal(await proxy.stat('http.ingress.downstream_rq_2xx'), 1);
      assert.equal(await proxy.stat('cluster.upstream.upstream_rq_200'), 1);
    });
  });
}
