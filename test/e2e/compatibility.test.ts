/**
 * What applications and clients of before stumble over: the case of header names, large heads, uploads that are refused, and
 * connections that are closed while the other side still talks.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, Json, RunningProxy } from '../support/proxy.ts';
import { get, headerOf, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const KIB = 1024;
const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';
const FORMAT = '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%';
const PRESERVE = {
  stateful_formatter: {
    name: 'preserve_case',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    },
  },
};
const UPSTREAM_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const UPLOAD_BYTES = 4 * 1024 * KIB;
const DELAYED_CLOSE_MS = 400;

/** `upstreamHeads`: what the upstream was sent. It answers with a header of mixed case. */
async function withProxy(
  options: HttpOptions & { readonly socketInterface?: 'syscall' | 'portable' },
  use: (proxy: RunningProxy, upstreamHeads: readonly string[]) => Promise<void>,
): Promise<void> {
  const heads: string[] = [];
  const upstream = await startRawService(({ socket, head }) => {
    heads.push(head);
    if (headerOf(head, 'x-filler') !== null && head.length > 16 * KIB)
      socket.write('HTTP/1.1 431 Too Large\r\ncontent-length: 6\r\n\r\ntheirs');
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-AnsWer: Yes\r\n\r\nok');
  });
  const { socketInterface, ...more } = options;
  const proxy = await startProxy({
    concurrency: 1,
    ...(socketInterface === undefined ? {} : { socketInterface }),
    staticResources: httpProxyTo([upstream.port], { format: FORMAT, ...more }),
  });
  try {
    await use(proxy, heads);
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
}

describe('the case of header names', () => {
  async function exchange(manager: { readonly [key: string]: Json }, upstream: Json | null) {
    const options: Json =
      upstream === null
        ? {}
        : {
            typed_extension_protocol_options: {
              [UPSTREAM_OPTIONS]: {
                '@type': `type.googleapis.com/${UPSTREAM_OPTIONS}`,
                explicit_http_config: { http_protocol_options: { header_key_format: upstream } },
              },
            },
          };
    let seen = { request: '', response: '' };
    await withProxy({ manager, cluster: options as { [key: string]: Json } }, async (proxy, heads) => {
      const client = await RawClient.connect(proxy.port('http'));
      const { head } = await client.ask(get('/', ['X-MyKey: Value', 'x-OTHER-key: 1']));
      seen = { request: heads[0] ?? '', response: head };
      client.destroy();
    });
    return seen;
  }

  test('is lower by default, in both directions', async () => {
    const { request, response } = await exchange({}, null);
    assert.match(request, /^x-mykey: Value\r?$/m);
    assert.match(response, /^x-answer: Yes\r?$/m);
    assert.doesNotMatch(request + response, /^[a-z-]*[A-Z][\w-]*: /m);
  });

  test('is kept where preserve_case is asked for, in both directions', async () => {
    const { request, response } = await exchange(
      { http_protocol_options: { header_key_format: PRESERVE } },
      PRESERVE,
    );
    assert.match(request, /^X-MyKey: Value\r?$/m);
    assert.match(request, /^x-OTHER-key: 1\r?$/m);
    assert.match(response, /^X-AnsWer: Yes\r?$/m);
    assert.match(response, /^Content-Length: 2\r?$/m);
  });

  test('is Proper-Case where that is asked for', async () => {
    const proper = { proper_case_words: {} };
    const { request, response } = await exchange(
      { http_protocol_options: { header_key_format: proper } },
      proper,
    );
    assert.match(request, /^X-Mykey: Value\r?$/m);
    assert.match(request, /^X-Other-Key: 1\r?$/m);
    assert.match(response, /^X-Answer: Yes\r?$/m);
  });
});

test('a head of 24 KiB passes, and who refuses it is told apart from the proxy’s own 431 beyond 60 KiB', async () => {
  await withProxy({}, async (proxy, heads) => {
    const client = await RawClient.connect(proxy.port('http'));
    // Lines of 1000 bytes, far from a hundred of them.
    const head = (kib: number): string =>
      get('/', Array(kib).fill(`x-filler: ${'x'.repeat(1012)}`) as string[]);
    const theirs = await client.ask(head(24));
    assert.deepEqual([theirs.status, theirs.body], [431, 'theirs']);
    const ours = await client.ask(head(61));
    assert.equal(ours.status, 431);
    assert.notEqual(ours.body, 'theirs');
    assert.equal(heads.length, 1);
    const lines = await proxy.logLines(2);
    assert.deepEqual(lines, ['431 - via_upstream', '431 DPE http1.headers_too_large']);
    await client.closed();
  });
});

for (const socketInterface of INTERFACES) {
  describe(`a connection that the proxy closes on the ${socketInterface} interface`, () => {
    const buffer = {
      name: 'envoy.filters.http.buffer',
      typed_config: { '@type': `${FILTERS}.buffer.v3.Buffer`, max_request_bytes: 16 * KIB },
    };
    const manager = { delayed_close_timeout: `${DELAYED_CLOSE_MS / 1000}s` };

    test('an upload too large gets its 413 whole, not a reset, while it is still being sent', async () => {
      // Longer than the upload takes on any machine.
      const patient = { delayed_close_timeout: '30s' };
      await withProxy({ filters: [buffer], manager: patient, socketInterface }, async (proxy, heads) => {
        const client = await RawClient.connect(proxy.port('http'));
        let failed: NodeJS.ErrnoException | null = null;
        client.socket.on('error', (error: NodeJS.ErrnoException) => (failed ??= error));
        client.write(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${UPLOAD_BYTES}\r\n\r\n`);
        const piece = Buffer.alloc(64 * KIB, 'x');
        for (let sent = 0; sent < UPLOAD_BYTES; sent += piece.length) client.write(piece);
        const answer = await client.response();
        assert.equal(answer.status, 413);
        assert.match(answer.head, /^connection: close\r?$/m);
        assert.equal(answer.body, 'Payload Too Large');
        client.end();
        await client.closed();
        assert.equal(failed, null);
        assert.equal(heads.length, 0);
        assert.match((await proxy.logLines(1))[0] ?? '', /^413 - request_payload_too_large/);
        client.destroy();
      });
    });

    test('waits for its client as long as delayed_close_timeout, counted when it passes', async () => {
      await withProxy({ manager, socketInterface }, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        const begun = performance.now();
        assert.equal((await client.ask(get('/', ['connection: close']))).status, 200);
        // FIN has come; the other direction is open until the time is over.
        await client.closed();
        await untilStat(proxy, 'http.ingress.downstream_cx_delayed_close_timeout', 1);
        assert.ok(performance.now() - begun >= DELAYED_CLOSE_MS - 1);
        client.destroy();
      });
    });

    test('does not wait for a client that closes too, nor with a timeout of 0', async () => {
      await withProxy({ manager: { delayed_close_timeout: '30s' }, socketInterface }, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        await client.ask(get('/', ['connection: close']));
        client.end();
        await untilStat(proxy, 'http.ingress.downstream_cx_destroy', 1);
        assert.equal(await proxy.stat('http.ingress.downstream_cx_delayed_close_timeout'), 0);
      });
      await withProxy({ manager: { delayed_close_timeout: '0s' }, socketInterface }, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        await client.ask(get('/', ['connection: close']));
        // The client has not closed its side.
        await untilStat(proxy, 'http.ingress.downstream_cx_destroy', 1);
        client.destroy();
      });
    });
  });
}
