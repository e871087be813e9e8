/**
 * A peer that reads 1 KiB at a time of 256 MiB: the proxy keeps what its buffers allow and no more, everyone else stays fast, and
 * when the peer hurries up everything arrives whole. One worker, so that the slow one and the others share it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { eventually, MIB, PatternCheck, within, writePattern } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { readHead, startRawUpstream } from '../support/raw-bodies.ts';
import type { RawUpstream } from '../support/raw-bodies.ts';
import { pause } from '../support/raw-client.ts';
import { ResponseReader } from '../support/response-reader.ts';
import { SlowPeer } from '../support/slow-peer.ts';
import { INTERFACES } from '../support/thread.ts';

const BODY_BYTES = 256 * MIB;
const GUARD_MS = 25_000;
/** The bound. */
const RESIDENT_MARGIN_BYTES = 32 * MIB;
const PORTIONS = 12;
const FORMAT =
  '%REQ(:METHOD)% %RESPONSE_CODE% [%RESPONSE_FLAGS%] %BYTES_RECEIVED% %BYTES_SENT% %LEDGER% | %VERDICT%';

for (const socketInterface of INTERFACES) {
  describe(`a slow peer on the ${socketInterface} interface`, () => {
    let upstream: RawUpstream;
    let proxy: RunningProxy;
    let onUpload: (peer: SlowPeer) => void = () => undefined;
    const upload = new PatternCheck();
    before(async () => {
      upstream = await startRawUpstream(function answer(socket, head, rest) {
        if (head.startsWith('PUT')) {
          upload.push(rest);
          onUpload(new SlowPeer(socket, (bytes) => upload.push(bytes)));
          return;
        }
        const size = head.startsWith('GET /small') ? 5 : BODY_BYTES;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
        void writePattern(socket, 0, size);
        readHead(socket, answer);
      });
      proxy = await startProxy({
        socketInterface,
        concurrency: 1,
        staticResources: httpProxyTo([upstream.port], { format: FORMAT, route: { timeout: '0s' } }),
      });
      for (let count = 0; count < 20; count += 1) await small();
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });

    async function small(): Promise<number> {
      const begun = performance.now();
      const { statusCode, body } = await request(`http://127.0.0.1:${proxy.port('http')}/small`);
      assert.equal(statusCode, 200);
      await body.text();
      return performance.now() - begun;
    }

    /** While the peer takes a few portions: memory, and how others fare. */
    async function crawl(peer: SlowPeer, idleBytes: number): Promise<void> {
      let highest = 0;
      const times: number[] = [];
      for (let portion = 0; portion < PORTIONS; portion += 1) {
        await peer.read();
        await pause(100);
        times.push(await small());
        highest = Math.max(highest, proxy.resident());
      }
      const grown = highest - idleBytes;
      assert.ok(grown <= RESIDENT_MARGIN_BYTES, `${(grown / MIB).toFixed(1)} MiB above idle`);
      const median = times.sort((left, right) => left - right)[PORTIONS / 2] ?? 0;
      assert.ok(median < 250, `other requests take ${median.toFixed(1)} ms`);
    }

    async function settled(): Promise<void> {
      await eventually(() => proxy.stat('http.ingress.downstream_rq_active'), 0, 'requests stay');
      await eventually(() => proxy.stat('cluster.upstream.upstream_rq_active'), 0, 'upstream requests stay');
    }

    test('a client that crawls holds up its upstream, not the proxy’s memory, and gets all of it in the end', () =>
      within(
        GUARD_MS,
        'the download',
        (async () => {
          const idle = proxy.resident();
          const reader = new ResponseReader();
          const { promise, resolve } = Promise.withResolvers<void>();
          const peer = await SlowPeer.connect(proxy.port('http'), (bytes) => {
            reader.push(bytes);
            if (reader.responses.length === 1) resolve();
          });
          peer.socket.write('GET /large HTTP/1.1\r\nhost: test\r\n\r\n');
          await crawl(peer, idle);
          assert.ok((await proxy.stat('cluster.upstream.upstream_flow_control_paused_reading_total')) >= 1);
          peer.drain();
          await promise;

          assert.equal(String(reader.responses[0]?.body), String(BODY_BYTES));
          peer.socket.destroy();
          await settled();
          assert.equal(
            await proxy.stat('cluster.upstream.upstream_flow_control_paused_reading_total'),
            await proxy.stat('cluster.upstream.upstream_flow_control_resumed_reading_total'),
          );
          // The pauses of the crawl, over a second of them, stand where they belong.
          await proxy.logLine(/^GET 200 \[-\] 0 268435456 .*flow\.downstream=\d{7,}/);
        })(),
      ));

    test('a client that crawls and then leaves gives everything back', () =>
      within(
        GUARD_MS,
        'the end',
        (async () => {
          const idle = proxy.resident();
          const peer = await SlowPeer.connect(proxy.port('http'), () => undefined);
          peer.socket.write('GET /large HTTP/1.1\r\nhost: test\r\n\r\n');
          await crawl(peer, idle);
          peer.socket.resetAndDestroy();
          await settled();
          await proxy.logLine(
            /^GET 200 \[DC\] 0 \d+ .*flow\.downstream=\d{7,}.*\| flow\.downstream \d+\.\dms \d+%$/,
          );
          assert.ok((await small()) < 1000);
        })(),
      ));

    test('an upstream that crawls holds up its client, not the proxy’s memory, and gets all of it in the end', () =>
      within(
        GUARD_MS,
        'the upload',
        (async () => {
          const idle = proxy.resident();
          const served = new Promise<SlowPeer>((resolve) => {
            onUpload = resolve;
          });
          const client = await SlowPeer.connect(proxy.port('http'), () => undefined);
          client.socket.write(`PUT /upload HTTP/1.1\r\nhost: test\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`);
          const sent = writePattern(client.socket, 0, BODY_BYTES);
          const peer = await served;
          await crawl(peer, idle);
          assert.ok((await proxy.stat('http.ingress.downstream_flow_control_paused_reading_total')) >= 1);
          assert.ok((await proxy.stat('cluster.upstream.upstream_flow_control_backed_up_total')) >= 1);
          peer.drain();
          assert.equal(await sent, true);
          await eventually(async () => upload.received, BODY_BYTES, 'bytes are missing');

          assert.equal(String(upload), String(BODY_BYTES));
          peer.socket.write('HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n');
          const [answer] = (await once(client.socket.resume(), 'data')) as [Buffer];
          assert.match(String(answer), /^HTTP\/1\.1 201 /);
          client.socket.destroy();
          await settled();
          for (const [paused, resumed] of [
            [
              'http.ingress.downstream_flow_control_paused_reading_total',
              'http.ingress.downstream_flow_control_resumed_reading_total',
            ],
            [
              'cluster.upstream.upstream_flow_control_backed_up_total',
              'cluster.upstream.upstream_flow_control_drained_total',
            ],
          ] as const)
            assert.equal(await proxy.stat(paused), await proxy.stat(resumed), paused);
          await proxy.logLine(/^PUT 201 \[-\] 268435456 0 .*flow\.upstream=\d{7,}/);
        })(),
      ));
  });
}
