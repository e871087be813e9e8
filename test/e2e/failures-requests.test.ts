/**
 * Failures that begin at the client: it goes away (DC), sends what is no HTTP (DPE), or steers the router with nonsense (IH).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';

const TIMEOUT_HEADER = 'x-envoy-upstream-rq-timeout-ms';
const ROUTER = {
  '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  strict_check_headers: [TIMEOUT_HEADER],
};

let upstream: RawService;
let proxy: RunningProxy;
let lines = 0;
let asked: (exchange: RawExchange) => void = () => undefined;

before(async () => {
  upstream = await startRawService((exchange) => {
    const begun = exchange.head.includes('/stops');
    exchange.socket.write(begun ? 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello' : '');
    asked(exchange);
  });
  proxy = await startProxy({
    concurrency: 1,
    staticResources: httpProxyTo([upstream.port], {
      format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_SENT%',
      manager: {
        // Only requests from inside may steer the router.
        internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
        http_filters: [{ name: 'envoy.filters.http.router', typed_config: ROUTER }],
      },
    }),
  });
});
after(async () => {
  await proxy.stop();
  await upstream.stop();
});

async function nextLine(): Promise<string> {
  lines += 1;
  const all = await proxy.logLines(lines);
  assert.equal(all.length, lines, 'one line a request');
  return all[lines - 1] ?? '';
}

describe('a client that goes away', () => {
  test('before any response is DC with status 0', async () => {
    const client = await RawClient.connect(proxy.port('http'));
    const { promise, resolve } = Promise.withResolvers<RawExchange>();
    asked = resolve;
    client.write(get('/silent'));
    await promise;
    client.reset();
    assert.match(await nextLine(), /^0 DC downstream_remote_disconnect 0$/);
  });

  test('in the middle of a response is DC with its status', async () => {
    const client = await RawClient.connect(proxy.port('http'));
    client.write(get('/stops'));
    await client.until(/Hello/);
    client.destroy();
    assert.match(await nextLine(), /^200 DC downstream_remote_disconnect 5$/);
  });

  test('in the middle of its request is DC', async () => {
    const client = await RawClient.connect(proxy.port('http'));
    const streams = await proxy.stat('http.ingress.downstream_rq_total');
    client.write('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhalf');
    await untilStat(proxy, 'http.ingress.downstream_rq_total', streams + 1);
    client.destroy();
    assert.match(await nextLine(), /^0 DC downstream_remote_disconnect/);
  });
});

describe('a request that is none', () => {
  for (const [what, request, status, body, log] of [
    [
      'head',
      'GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n',
      400,
      'Bad Request',
      'DPE http1.codec_error',
    ],
    [
      'coding',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n',
      501,
      'Not Implemented',
      'DPE http1.invalid_transfer_encoding',
    ],
    [
      'length',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'Bad Request',
      'DPE http1.content_length_and_chunked_not_allowed',
    ],
    ['version', 'GET / HTTP/1.0\r\n\r\n', 426, '', '- low_version'],
    ['host', 'GET / HTTP/1.1\r\n\r\n', 400, '', '- missing_host_header'],
  ] as const) {
    test(`by its ${what} is refused with ${status} and loses its connection if the rest cannot be read`, async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const answer = await client.ask(request);
      assert.equal(answer.status, status);
      assert.equal(answer.body, body);
      const line = await nextLine();
      assert.ok(line.startsWith(`${status} ${log}`), line);
      if (log.startsWith('DPE')) assert.equal(await client.closed(), '');
      client.destroy();
    });
  }

  test('IH: a header that steers the router and is none of its values, where that is checked strictly', async () => {
    const client = await RawClient.connect(proxy.port('http'));
    const answer = await client.ask(get('/', ['x-forwarded-for: 10.0.0.1', `${TIMEOUT_HEADER}: soon`]));
    assert.equal(answer.status, 400);
    assert.equal(answer.body, `invalid header '${TIMEOUT_HEADER}' with value 'soon'`);
    assert.match(
      await nextLine(),
      /^400 IH request_headers_failed_strict_check\{x-envoy-upstream-rq-timeout-ms\}/,
    );
    client.destroy();
  });
});
