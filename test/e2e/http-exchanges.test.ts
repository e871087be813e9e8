/**
 * HTTP/1.1 as a client sees it that knows the protocol well: every kind of request on one connection, the order of 100 Continue and
 * 413, trailers, and what filters of ours see and do. Through the whole proxy, on both socket interfaces.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { javascriptFilter } from '../support/instrumented.ts';
import { eventually } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, Json, RunningProxy } from '../support/proxy.ts';
import { get, headerOf, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const LIMIT = 1_048_576;
const CHUNKED = 'transfer-encoding: chunked';
const moduleOf = (name: string): string => new URL(`../support/filters/${name}`, import.meta.url).pathname;
const BUFFER: Json = {
  name: 'envoy.filters.http.buffer',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer',
    max_request_bytes: LIMIT,
  },
};

interface Exchange {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly response: ServerResponse;
}

/** `200` with what was asked and the length of what was sent; `/missing` is the service's own 404. */
function answerPlainly({ request, body, response }: Exchange): void {
  const text = `${request.method} ${request.url} ${body.length}`;
  response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-length': text.length });
  response.end(text);
}

for (const socketInterface of INTERFACES) {
  describe(`exchanges on the ${socketInterface} interface`, () => {
    let answer: (exchange: Exchange) => void = answerPlainly;
    const upstream = createServer((request, response) => {
      let body = '';
      request.setEncoding('latin1').on('data', (text: string) => (body += text));
      request.on('end', () => answer({ request, body, response }));
    });
    let upstreamPort = 0;
    before(async () => {
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      upstreamPort = (upstream.address() as AddressInfo).port;
    });
    after(() => {
      upstream.closeAllConnections();
      upstream.close();
    });

    async function withProxy(
      options: HttpOptions,
      use: (proxy: RunningProxy, client: RawClient) => Promise<void>,
    ): Promise<void> {
      answer = answerPlainly;
      const proxy = await startProxy({
        staticResources: httpProxyTo([upstreamPort], options),
        socketInterface,
      });
      const client = await RawClient.connect(proxy.port('http'));
      try {
        await use(proxy, client);
      } finally {
        client.destroy();
        await proxy.stop();
      }
    }

    test('one connection carries every kind of request, and each gets its answer', () =>
      withProxy({}, async (_proxy, client) => {
        assert.equal((await client.ask(get('/a'))).body, 'GET /a 0');
        const head = await client.ask(get('/head').replace('GET', 'HEAD'), { head: true });
        assert.equal(headerOf(head.head, 'content-length'), '12');
        assert.equal((await client.ask(post('/p', 'x'.repeat(4000)))).body, 'POST /p 4000');
        const chunks = '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n';
        const chunked = `POST /c HTTP/1.1\r\nhost: test\r\n${CHUNKED}\r\n\r\n${chunks}`;
        assert.equal((await client.ask(chunked)).body, 'POST /c 11');
        client.write(get('/1') + get('/2') + post('/3', 'abc'));
        for (const expected of ['GET /1 0', 'GET /2 0', 'POST /3 3'])
          assert.equal((await client.response()).body, expected);
        client.write(
          post('/expects', '', ['expect: 100-continue']).replace('content-length: 0', 'content-length: 4'),
        );
        assert.equal((await client.response()).status, 100);
        assert.equal((await client.ask('body')).body, 'POST /expects 4');
        const broken = await client.ask('GET / HTTP/1.1\r\nhost : x\r\n\r\n');
        assert.equal(broken.status, 400);
        assert.equal(await client.closed(), '');
      }));

    test('trailers pass both ways where they are enabled', () => {
      const enabled = { http_protocol_options: { enable_trailers: true } };
      const typed = {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          explicit_http_config: { http_protocol_options: { enable_trailers: true } },
        },
      };
      const options = { manager: enabled, cluster: { typed_extension_protocol_options: typed } };
      return withProxy(options, async (_proxy, client) => {
        let seen: unknown;
        answer = ({ request, body, response }) => {
          seen = [body, request.trailers];
          response.writeHead(200, { trailer: 'x-sum' });
          response.write('ok');
          response.addTrailers({ 'x-sum': '17' });
          response.end();
        };
        client.write(
          `POST /t HTTP/1.1\r\nhost: test\r\n${CHUNKED}\r\n\r\n3\r\nabc\r\n0\r\nx-check: 4\r\n\r\n`,
        );
        await client.until(/\r\n0\r\nx-sum: 17\r\n\r\n$/);
        assert.deepEqual(seen, ['abc', { 'x-check': '4' }]);
      });
    });

    test('a body of exactly max_request_bytes passes the buffer, one byte more is 413', () =>
      withProxy({ filters: [BUFFER] }, async (_proxy, client) => {
        assert.equal((await client.ask(post('/up', 'x'.repeat(LIMIT)))).body, `POST /up ${LIMIT}`);
        const refused = await client.ask(post('/up', 'x'.repeat(LIMIT + 1)));
        assert.deepEqual([refused.status, refused.body], [413, 'Payload Too Large']);
      }));

    test('100 uploads of 10 MiB each read their 413 whole, behind 100 Continue, and none is reset before', () =>
      withProxy(
        { filters: [BUFFER], format: '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED%' },
        async (proxy) => {
          const size = 10 * LIMIT;
          const piece = Buffer.alloc(64 * 1024, 'x');
          for (let attempt = 0; attempt < 100; attempt += 1) {
            const client = await RawClient.connect(proxy.port('http'));
            client.write(
              post('/big', '', ['expect: 100-continue']).replace(
                'content-length: 0',
                `content-length: ${size}`,
              ),
            );
            assert.equal((await client.response()).status, 100);
            let sent = 0;
            // As curl does: it stops when the answer is there.
            while (client.received === '' && sent < size) {
              client.write(piece);
              sent += piece.length;
              await new Promise(setImmediate);
            }
            const { head, body } = await client.response();
            assert.match(
              head,
              /^HTTP\/1\.1 413 Payload Too Large\r\ncontent-length: 17\r\ncontent-type: text\/plain\r\ndate: [^\r]+ GMT\r\nserver: nodeproxy\r\nconnection: close$/,
            );
            assert.equal(body, 'Payload Too Large');
            assert.equal(await client.closed(), '');
            client.destroy();
          }
          const lines = await proxy.logLines(100);
          for (const line of lines) {
            const [code, details, received] = line.split(' ');
            assert.deepEqual([code, details], ['413', 'request_payload_too_large']);
            assert.ok(Number(received) < size, line);
          }
        },
      ));

    test('a filter sees the connection that the log names', () => {
      const filters = [javascriptFilter('reveal', moduleOf('reveal.js'))];
      const format = '%THREAD_ID% %CONNECTION_ID% %DOWNSTREAM_REMOTE_ADDRESS%';
      return withProxy({ filters, format }, async (proxy, client) => {
        const { head } = await client.ask(get('/'));
        const [line] = await proxy.logLines(1);
        const told = ['x-threadid', 'x-id', 'x-remoteaddress'].map((name) => headerOf(head, name));
        assert.equal(told.join(' '), line);
        assert.equal(told[2], `127.0.0.1:${client.port}`);
      });
    });

    test('the script of the talk: four warnings, a header, and its worker stands still', () => {
      const filters = [javascriptFilter('delay', moduleOf('talk-delay.js'))];
      return withProxy(
        { filters, format: '%REQUEST_DURATION% %DURATION% %LEDGER%' },
        async (proxy, client) => {
          let delayed: unknown;
          answer = (exchange) => {
            delayed = exchange.request.headers['x-delayed-response'];
            answerPlainly(exchange);
          };
          assert.equal((await client.ask(get('/', ['x-delay: 0.3']))).status, 200);
          assert.equal(delayed, '0.3');
          const [line = ''] = await proxy.logLines(1);
          assert.ok(Number(line.split(' ')[1]) >= 299, line);
          assert.ok(Number(/filter\.delay=(\d+)/.exec(line)?.[1]) >= 299_000, line);
          const warnings = [
            'get request',
            'Delaying request for 0.3 seconds',
            'Adding delay header to response',
            'Sleeping for 0.3 seconds',
          ];
          const said = (): string[] => warnings.filter((text) => proxy.output.includes(text));
          await eventually(() => Promise.resolve(said().length), 4, proxy.output);
        },
      );
    });

    test('a 404 of the proxy is told from one of the service by its flag', () => {
      const route = { match: { prefix: '/' }, route: { cluster: 'upstream' } };
      const manager = {
        route_config: { name: 'r', virtual_hosts: [{ name: 'known', domains: ['known'], routes: [route] }] },
      };
      return withProxy({ manager, format: '%RESPONSE_CODE% %RESPONSE_FLAGS%' }, async (proxy, client) => {
        assert.equal((await client.ask(get('/'))).status, 404);
        const theirs = await client.ask(get('/missing').replace('host: test', 'host: known'));
        assert.deepEqual([theirs.status, theirs.body], [404, 'GET /missing 0']);
        assert.deepEqual(await proxy.logLines(2), ['404 NR', '404 -']);
        assert.equal(await proxy.stat('http.ingress.no_route'), 1);
      });
    });
  });
}
