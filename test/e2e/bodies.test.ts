/** Bodies of every size and framing come through byte for byte, in both directions, on both socket interfaces. */
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { startBodyService } from '../support/body-service.ts';
import type { BodyService } from '../support/body-service.ts';
import { checkStream, eventually, KIB, MIB, patternStream, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

type Framing = 'length' | 'chunked';
const FRAMINGS: readonly Framing[] = ['length', 'chunked'];
/** Around the sizes of slabs, views and watermarks. */
const SIZES = [0, 1, 16_383, 65_535, 65_536, 65_537, 256 * KIB + 1, MIB - 1, MIB + 1, 8 * MIB + 3];
const GUARD_MS = 45_000;

interface Exchange {
  readonly up: number;
  readonly down: number;
  readonly framing: Framing;
}

for (const socketInterface of INTERFACES) {
  describe(`bodies on the ${socketInterface} interface`, () => {
    let upstream: BodyService;
    let proxy: RunningProxy;
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    before(async () => {
      upstream = await startBodyService();
      proxy = await startProxy({ staticResources: httpProxyTo([upstream.port]), socketInterface });
    });
    after(async () => {
      agent.destroy();
      upstream.stop();
      await proxy.stop();
    });

    async function exchange({ up, down, framing }: Exchange): Promise<void> {
      const path = `/body?size=${down}&framing=${framing}`;
      const response = await send(proxy.port('http'), agent, path, up, framing);
      const what = `${up} up, ${down} down, ${framing}`;
      assert.equal(response.statusCode, 200, what);
      assert.equal(response.headers['x-upload'], String(up), what);
      assert.equal(
        response.headers['x-upload-framing'],
        framing === 'chunked' ? 'chunked' : String(up),
        what,
      );
      assert.equal(String(await checkStream(response)), String(down), what);
    }

    for (const framing of FRAMINGS) {
      test(`sizes from 0 B to 8 MiB arrive whole both ways, framed by ${framing}`, () =>
        within(
          GUARD_MS,
          'the exchanges',
          (async () => {
            for (const size of SIZES) await exchange({ up: size, down: size, framing });
          })(),
        ));

      test(`64 MiB arrive whole both ways, framed by ${framing}`, () =>
        within(
          GUARD_MS,
          'the exchanges',
          (async () => {
            await exchange({ up: 64 * MIB, down: 0, framing });
            await exchange({ up: 0, down: 64 * MIB, framing });
          })(),
        ));
    }

    test('a body comes back whole while it is still being sent', () =>
      within(
        GUARD_MS,
        'the echo',
        (async () => {
          const response = await send(proxy.port('http'), agent, '/echo', 16 * MIB, 'chunked');
          assert.equal(String(await checkStream(response)), String(16 * MIB));
        })(),
      ));

    test('100 clients at once each get their own bytes, twice over kept connections', () =>
      within(
        GUARD_MS,
        'the exchanges',
        (async () => {
          const hundred = Array.from({ length: 100 }, (_, index) => index);
          const connectionsBefore = await proxy.stat('http.ingress.downstream_cx_total');
          for (let round = 0; round < 2; round += 1) {
            await Promise.all(
              hundred.map((index) =>
                exchange({
                  up: index * 3001,
                  down: 300_000 - index * 2999,
                  framing: index % 2 === 0 ? 'length' : 'chunked',
                }),
              ),
            );
          }
          const connections = (await proxy.stat('http.ingress.downstream_cx_total')) - connectionsBefore;
          assert.ok(connections <= 100, `${connections} connections for two rounds of 100`);
          await eventually(
            () => proxy.stat('cluster.upstream.upstream_rq_active'),
            0,
            'requests stay active',
          );
        })(),
      ));
  });
}

function send(
  port: number,
  agent: Agent,
  path: string,
  up: number,
  framing: Framing,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = framing === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': up };
  const outgoing = httpRequest({ port, host: '127.0.0.1', agent, path, method: 'POST', headers }, resolve);
  outgoing.on('error', reject);
  pipeline(patternStream(up), outgoing).catch(reject);
  return promise;
}
