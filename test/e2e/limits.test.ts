/**
 * Nothing that a client offers without end is taken without end: each kind is ended by a named limit, with its reply, flag and details.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { cluster, httpListener, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const MIB = 1024 * 1024;
const OFFERED = 1024 * MIB;
const PIPELINED = 10_000;
/** Most that the process may have grown by, whatever was offered: what the collector has not yet given back. */
const GROWTH = 96 * MIB;
const CHUNKED = 'POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n';

interface Endless {
  readonly what: string;
  readonly start: string;
  readonly more: string;
  readonly status: number;
  readonly body: string;
  readonly details: string;
}

const TOO_LARGE = { status: 431, body: 'Request Header Fields Too Large' };
const ENDLESS: readonly Endless[] = [
  {
    what: 'a header value',
    start: 'GET / HTTP/1.1\r\nhost: test\r\nx: ',
    more: 'x'.repeat(65_536),
    details: 'http1.headers_too_large',
    ...TOO_LARGE,
  },
  {
    what: 'header lines',
    start: 'GET / HTTP/1.1\r\nhost: test\r\n',
    more: 'a: b\r\n'.repeat(10_000),
    details: 'http1.(headers_too_large|too_many_headers)',
    ...TOO_LARGE,
  },
  {
    what: 'a request target',
    start: 'GET /',
    more: 'x'.repeat(65_536),
    details: 'http1.headers_too_large',
    ...TOO_LARGE,
  },
  {
    what: 'a chunk extension',
    start: `${CHUNKED}5;x=`,
    more: 'x'.repeat(65_536),
    status: 400,
    body: 'Bad Request',
    details: 'http1.codec_error',
  },
  {
    what: 'digits of a chunk size',
    start: CHUNKED,
    more: '0'.repeat(65_536),
    status: 400,
    body: 'Bad Request',
    details: 'http1.codec_error',
  },
  {
    what: 'trailers',
    start: `${CHUNKED}0\r\n`,
    more: `x: ${'x'.repeat(8000)}\r\n`.repeat(8),
    details: 'http1.headers_too_large',
    ...TOO_LARGE,
  },
  {
    what: 'empty lines before a request',
    start: '\r\n',
    more: '\r\n'.repeat(30_000),
    status: 400,
    body: 'Bad Request',
    details: 'http1.codec_error',
  },
];

for (const socketInterface of INTERFACES) {
  describe(`limits on the ${socketInterface} interface`, () => {
    let proxy: RunningProxy;
    let upstream: RawService;
    let lines = 0;

    before(async () => {
      upstream = await startRawService(({ socket, number }) =>
        socket.write(HELLO.replace('Hello world\n', String(number).padStart(12, '0'))),
      );
      proxy = await startProxy({
        concurrency: 1,
        socketInterface,
        staticResources: resources(upstream.port),
      });
      // What a working process holds anyway (young generation, compiled code) is there before anything is measured.
      await pipeline(PIPELINED / 2);
      const client = await RawClient.connect(proxy.port('http'));
      const offer = new Offer(client, 'GET / HTTP/1.1\r\n', 'x: y\r\n'.repeat(10_000));
      await client.response();
      await offer.end();
      await nextLine();
    });
    after(async () => {
      await proxy.stop();
      await upstream.stop();
    });

    async function nextLine(): Promise<string> {
      lines += 1;
      return (await proxy.logLines(lines))[lines - 1] ?? '';
    }

    async function pipeline(requests: number): Promise<void> {
      const client = await RawClient.connect(proxy.port('http'));
      client.write(get('/').repeat(requests));
      let last = 0;
      for (let count = 0; count < requests; count += 1) {
        const number = Number((await client.response()).body);
        assert.ok(number > last, `response ${count}: ${number} after ${last}`);
        last = number;
      }
      client.destroy();
      lines += requests;
    }

    for (const { what, start, more, status, body, details } of ENDLESS) {
      test(`${what} without end: ${status}, and the connection is closed`, async () => {
        const resident = proxy.resident();
        const client = await RawClient.connect(proxy.port('http'));
        const offer = new Offer(client, start, more);
        const answer = await client.response();
        assert.equal(answer.status, status);
        assert.equal(answer.body, body);
        assert.match(answer.head, /^connection: close$/im);
        assert.match(await nextLine(), new RegExp(`^${status} DPE ${details} `));
        await offer.end();
        assert.ok(offer.offered < OFFERED, 'ended long before');
        assert.ok(proxy.resident() - resident < GROWTH, `grown by ${proxy.resident() - resident}`);
      });
    }

    test('a client that writes on behind its answer is cut off in time', async () => {
      const client = await RawClient.connect(proxy.port('hasty'));
      const offer = new Offer(client, '\r\n', '\r\n'.repeat(30_000), Infinity);
      await offer.closed;
      assert.match(await nextLine(), /^400 DPE http1.codec_error /);
      await untilStat(proxy, 'http.hasty.downstream_cx_delayed_close_timeout', 1);
    });

    test('a head sent byte by byte is a head, and its fragments are summed up', async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const received = await proxy.stat('http.ingress.downstream_cx_rx_bytes_total');
      const request = get('/', ['x-filler: abcdefghij']);
      for (let at = 0; at < request.length - 1; at += 1) {
        client.write(request.charAt(at));
        // Some of them read for sure one by one.
        if (at < 20) await untilStat(proxy, 'http.ingress.downstream_cx_rx_bytes_total', received + at + 1);
      }
      assert.equal((await client.ask(request.slice(-1))).status, 200);
      const line = await nextLine();
      assert.match(line, /-\(\+\d+,\d+\)-/);
      const bytes = [...line.matchAll(/,(\d+)[\])]/g)].reduce((sum, match) => sum + Number(match[1]), 0);
      assert.equal(bytes, request.length);
      client.destroy();
    });

    test('a head that never comes to its end is answered 408 in time', async () => {
      const client = await RawClient.connect(proxy.port('hasty'));
      client.write('GET / HTTP/1.1\r\nhost: test\r\n');
      const drip = setInterval(() => client.write('x: y\r\n'), 20);
      const answer = await client.response();
      clearInterval(drip);
      assert.equal(answer.status, 408);
      assert.equal(answer.body, 'request header timeout');
      await client.closed();
      assert.match(await nextLine(), /^408 - request_header_timeout /);
      assert.equal(await proxy.stat('http.hasty.downstream_rq_header_timeout'), 1);
    });

    test(`${PIPELINED} pipelined requests are answered in order, within the same memory`, async () => {
      const resident = proxy.resident();
      await pipeline(PIPELINED);
      assert.ok(proxy.resident() - resident < GROWTH, `grown by ${proxy.resident() - resident}`);
      assert.equal((await proxy.logLines(lines)).length, lines);
    });
  });
}

/** The listener `http` is patient: whatever the machine is busy with, nothing ends by time there. On `hasty` it does. */
function resources(port: number): Json {
  const format = '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "%DOWNSTREAM_READ_DURATION%"';
  const patient = { delayed_close_timeout: '30s' };
  const hasty = { stat_prefix: 'hasty', request_headers_timeout: '0.2s', delayed_close_timeout: '0.2s' };
  return {
    clusters: [cluster('upstream', [port])],
    listeners: [
      httpListener({ format, manager: patient }),
      httpListener({ format, manager: hasty, listener: { name: 'hasty' } }),
    ],
  };
}

/**
 * Writes `more` again and again until it is told to end, the other side has closed or `most` bytes were taken. Reads between two
 * pieces: on loopback the other side takes as fast as this one gives, so that writing until the kernel takes no more would keep
 * this thread from its event loop, and from the answer, until the other side has lost its patience.
 */
class Offer {
  offered: number;
  readonly closed: Promise<void>;
  #ended = false;
  readonly #socket: Socket;

  constructor({ socket }: RawClient, start: string, more: string, most = OFFERED) {
    this.#socket = socket;
    this.offered = start.length;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
    const piece = Buffer.from(more, 'latin1');
    const push = (): void => {
      if (this.#ended || socket.destroyed || this.offered >= most) return;
      this.offered += piece.length;
      socket.write(piece, () => setImmediate(push));
    };
    socket.write(start, 'latin1');
    push();
  }

  /** Ends this side as soon as what it has begun to write is taken, and waits for the other to close. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#socket.end();
    await this.closed;
  }
}
