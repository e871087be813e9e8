/**
 * Lines that a client tries to shape: no upstream in them where none was asked, and nothing in a request can make two lines of one,
 * end a quoted value, or look like groups.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawService } from '../support/lab-server.ts';
import { LONG_FORMAT, parseLong } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const FORGED = ' : 1, 0, 0, 1, 0, 1 : (1) "-" "-" "-" 1 0';
const CONTROLS = Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 9);

let upstream: RawService;
let proxy: RunningProxy;
let lines = 0;

before(async () => {
  upstream = await startRawService(({ socket }) => socket.write(HELLO));
  proxy = await startProxy({
    concurrency: 1,
    staticResources: httpProxyTo([upstream.port], {
      format: LONG_FORMAT,
      manager: {
        route_config: {
          name: 'routes',
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              routes: [
                {
                  match: { path: '/direct' },
                  direct_response: { status: 418, body: { inline_string: 'tea' } },
                },
                { match: { path: '/nowhere' }, route: { cluster: 'missing' } },
                { name: 'default', match: { prefix: '/up' }, route: { cluster: 'upstream' } },
              ],
            },
          ],
          validate_clusters: false,
        },
      },
    }),
  });
});
after(async () => {
  await proxy.stop();
  await upstream.stop();
});

/** Sends it on a connection of its own; the one line that it leaves. */
async function lineOf(request: string | Buffer): Promise<string> {
  const client = await RawClient.connect(proxy.port('http'));
  await client.ask(request);
  client.destroy();
  lines += 1;
  const all = await proxy.logLines(lines);
  assert.equal(all.length, lines, `one line: ${all.slice(lines - 1).join('\n')}`);
  return all[lines - 1] ?? '';
}

describe('a local reply', () => {
  for (const [path, status, flag] of [
    ['/direct', 418, null],
    ['/none', 404, 'NR'],
    ['/nowhere', 503, 'NC'],
  ] as const) {
    test(`prints no upstream: ${status} ${flag ?? ''}`, async () => {
      const line = parseLong(await lineOf(get(path)));
      assert.equal(line.base.responseCode, status);
      assert.equal(line.base.responseFlags, flag);
      assert.deepEqual([line.upstreamWrites, line.upstreamReads], [[], []]);
      assert.match(line.text, /\]H" "-" "-" - - "\[C\d+:R:/);
      const { requestTxDuration, responseDuration, upstreamServiceTime } = line.six;
      assert.deepEqual([requestTxDuration, responseDuration, upstreamServiceTime], [null, null, null]);
      assert.equal(line.base.upstreamHost, null);
    });
  }

  test('to a head that is none prints a line of the same shape', async () => {
    const line = parseLong(await lineOf('GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n'));
    assert.equal(line.base.responseCode, 400);
    assert.equal(line.base.responseFlags, 'DPE');
  });
});

describe('what a request holds cannot forge a line', () => {
  test('quotes and backslashes of a header stay inside its value', async () => {
    const agent = `a" "b" "c" "d" "e"${FORGED}\\`;
    const line = parseLong(await lineOf(get('/up', [`user-agent: ${agent}`])));
    assert.equal(line.base.responseCode, 200);
    assert.notEqual(line.threadId, 1);
    assert.equal(line.base.upstreamCluster, 'upstream');
  });

  test('nor in any header that the line prints', async () => {
    const evil = `x"${FORGED}`;
    const headers = [`x-forwarded-for: ${evil}`, `user-agent: ${evil}`, `x-request-id: ${evil}`];
    const line = parseLong(await lineOf(get('/up', headers)));
    assert.notEqual(line.threadId, 1);
    assert.equal(line.base.upstreamCluster, 'upstream');
  });

  test('nor in the path', async () => {
    const line = parseLong(await lineOf(get('/up"HTTP/1.1"200:(1)"-""-""-"')));
    assert.equal(line.base.responseCode, 200);
    assert.notEqual(line.threadId, 1);
  });

  test('nor by bytes that are no ASCII', async () => {
    const request = Buffer.from(get('/up', ['user-agent: \xff\x80\xe2\x80\xa8\xc2\x85"']), 'latin1');
    const text = await lineOf(request);
    assert.equal(parseLong(text).base.responseCode, 200);
    assert.doesNotMatch(text, /[\u0085\u2028\u2029]/);
  });

  test('control characters are refused, and what is logged of them is one line', async () => {
    for (const code of CONTROLS) {
      const value = `x${String.fromCharCode(code)}[2026-01-01T00:00:00.000Z] "GET /forged`;
      const text = await lineOf(get('/up', [`user-agent: ${value}`]));
      const line = parseLong(text);
      // LF ends a header line: what stands behind it is no header either.
      assert.equal(line.base.responseCode, 400, `0x${code.toString(16)}: ${text}`);
      assert.doesNotMatch(text, /\p{Cc}/u);
    }
  });

  test('a long value is cut nowhere inside an escape, and the line stays one', async () => {
    const line = parseLong(await lineOf(get('/up', [`user-agent: ${'"\\'.repeat(10_000)}`])));
    assert.equal(line.base.responseCode, 200);
  });
});
