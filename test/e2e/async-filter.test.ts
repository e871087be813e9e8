/**
 * A filter that decides later (an authorization, say) in front of a large upload: the body waits without filling memory, arrives
 * whole when the filter lets it go on, and does not reach the upstream at all when the filter answers itself.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { startBodyService } from '../support/body-service.ts';
import type { BodyService } from '../support/body-service.ts';
import { javascriptFilter } from '../support/instrumented.ts';
import { MIB, patternStream } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const SIZE = 10 * MIB;
const DELAY_FILTER = javascriptFilter(
  'delay',
  new URL('../../config/filters/delay.js', import.meta.url).pathname,
);

interface Answer {
  readonly status: number;
  readonly upload: string;
  readonly body: string;
}

/** Sends the whole pattern; an answer that comes before its end is an answer, too. */
function upload(port: number, delay: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-delay': delay, 'content-length': SIZE };
    const outgoing = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/body?size=3',
      headers,
      agent: false,
    });
    let answered = false;
    outgoing.on('response', (incoming: IncomingMessage) => {
      answered = true;
      let body = '';
      incoming.setEncoding('latin1').on('data', (text: string) => (body += text));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, upload: String(incoming.headers['x-upload']), body }),
      );
    });
    pipeline(patternStream(SIZE), outgoing).catch((error: unknown) => {
      if (!answered) reject(error as Error);
    });
  });
}

for (const socketInterface of INTERFACES) {
  describe(`an upload of 10 MiB through a filter that waits, on the ${socketInterface} interface`, () => {
    let upstream: BodyService;
    let proxy: RunningProxy;
    before(async () => {
      upstream = await startBodyService();
      const staticResources = httpProxyTo([upstream.port], {
        filters: [DELAY_FILTER],
        format: '%RESPONSE_CODE% %DURATION% %BYTES_RECEIVED% %LEDGER%',
      });
      proxy = await startProxy({ staticResources, socketInterface, concurrency: 1 });
    });
    after(async () => {
      await proxy.stop();
      upstream.stop();
    });

    test('arrives whole when it lets it go on, and the client was held up meanwhile', async () => {
      const { status, upload: seen } = await upload(proxy.port('http'), '50');
      assert.deepEqual([status, seen], [200, String(SIZE)]);
      const line = await proxy.logLine(/^200 /);
      // The wait is the filter's but for what the reads in it took.
      assert.ok(Number(line.split(' ')[1]) >= 49, line);
      assert.match(line, /paused\.delay=\d+/);
      const paused = await proxy.stat('http.ingress.downstream_flow_control_paused_reading_total');
      assert.ok(paused >= 1, 'the client was not held up: the body lay in memory');
      const resumed = await proxy.stat('http.ingress.downstream_flow_control_resumed_reading_total');
      assert.equal(resumed, paused);
    });

    test('does not reach the upstream when the filter answers', async () => {
      const before = await proxy.stat('cluster.upstream.upstream_rq_total');
      const { status, body } = await upload(proxy.port('http'), 'reply:403');
      assert.equal(status, 403);
      assert.match(body, /^replied by the filter/);
      assert.match(await proxy.logLine(/^403 /), /^403 \d+ /);
      assert.equal(await proxy.stat('cluster.upstream.upstream_rq_total'), before);
    });
  });
}
