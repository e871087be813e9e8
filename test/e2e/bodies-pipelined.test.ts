/** Pipelined requests with bodies: answered in order, each with its own bytes, however the client cuts what it sends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startBodyService } from '../support/body-service.ts';
import type { BodyService } from '../support/body-service.ts';
import { eventually, patternAt, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { ResponseReader } from '../support/response-reader.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 30_000;

interface Asked {
  readonly up: number;
  readonly down: number;
  readonly text: Buffer;
}

/** Every third upload is chunked, every other download. */
function ask(index: number): Asked {
  const up = (index * 9973) % 60_000;
  const down = (index * 7919) % 200_000;
  const head = `POST /body?size=${down}&framing=${index % 2 === 0 ? 'length' : 'chunked'} HTTP/1.1\r\nhost: test\r\n`;
  const body = patternAt(0, up);
  if (index % 3 !== 0)
    return { up, down, text: Buffer.concat([Buffer.from(`${head}content-length: ${up}\r\n\r\n`), body]) };
  const cut = Math.floor(up / 3);
  return {
    up,
    down,
    text: Buffer.concat([Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`), ...chunks(body, cut)]),
  };
}

function chunks(body: Buffer, cut: number): Buffer[] {
  const parts = [body.subarray(0, cut), body.subarray(cut)].filter((part) => part.length > 0);
  const framed = parts.flatMap((part) => [
    Buffer.from(`${part.length.toString(16)}\r\n`),
    part,
    Buffer.from('\r\n'),
  ]);
  return [...framed, Buffer.from('0\r\n\r\n')];
}

for (const socketInterface of INTERFACES) {
  describe(`pipelined requests on the ${socketInterface} interface`, () => {
    let upstream: BodyService;
    let proxy: RunningProxy;
    before(async () => {
      upstream = await startBodyService();
      proxy = await startProxy({ staticResources: httpProxyTo([upstream.port]), socketInterface });
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });

    /** Sends all of it, cut in pieces of `piece` bytes, and reads the answers. */
    async function run(asked: readonly Asked[], piece: number): Promise<void> {
      const socket = connect({ port: proxy.port('http'), host: '127.0.0.1', noDelay: true });
      const reader = new ResponseReader();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.on('data', (bytes: Buffer) => {
        try {
          reader.push(bytes);
        } catch (error) {
          reject(error);
        }
        if (reader.responses.length >= asked.length) resolve();
      });
      socket
        .on('error', reject)
        .on('close', () => reject(new Error(`closed after ${reader.responses.length}`)));
      await once(socket, 'connect');
      const text = Buffer.concat(asked.map((each) => each.text));
      for (let at = 0; at < text.length; at += piece) socket.write(text.subarray(at, at + piece));
      await within(GUARD_MS, `${asked.length} answers`, promise);
      for (const [index, { up, down }] of asked.entries()) {
        const response = reader.responses[index];
        assert.match(response?.head ?? '', /^HTTP\/1\.1 200 /);
        assert.match(response?.head ?? '', new RegExp(`^x-upload: ${up}$`, 'm'), `upload ${index}`);
        assert.equal(String(response?.body), String(down), `download ${index}`);
      }
      socket.destroy();
    }

    test('60 requests in one go are answered in order, each with its own body', () =>
      run(
        Array.from({ length: 60 }, (_, index) => ask(index)),
        1 << 20,
      ));

    test('so are requests cut at odd places', () =>
      run(
        Array.from({ length: 12 }, (_, index) => ask(index)),
        1009,
      ));

    test('20 pipelining clients at once do not get each other’s bytes, and nothing stays active', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, client) =>
          run(
            Array.from({ length: 10 }, (__, index) => ask(client * 10 + index)),
            50_000,
          ),
        ),
      );
      await eventually(() => proxy.stat('http.ingress.downstream_cx_active'), 0, 'connections stay');
      await eventually(() => proxy.stat('http.ingress.downstream_rq_active'), 0, 'requests stay');
      await eventually(() => proxy.stat('cluster.upstream.upstream_rq_active'), 0, 'upstream requests stay');
    });
  });
}
