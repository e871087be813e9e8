/**
 * Retries live: which condition asks for a second attempt and which does not, and the race with an upstream that closes connections
 * that it thinks idle.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Socket } from 'node:net';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';

function status(code: number, header = ''): (socket: Socket) => void {
  return (socket) => void socket.write(`HTTP/1.1 ${code} X\r\ncontent-length: 0\r\n${header}\r\n`);
}

interface Case {
  readonly on: string;
  readonly first: string;
  readonly fails: (socket: Socket) => void;
  readonly retried: boolean;
  readonly more?: { readonly [key: string]: Json };
}

const closes = (socket: Socket): void => void socket.destroy();
const CASES: readonly Case[] = [
  { on: '5xx', first: '500', fails: status(500), retried: true },
  { on: '5xx', first: 'close', fails: closes, retried: true },
  { on: '5xx', first: '404', fails: status(404), retried: false },
  { on: 'gateway-error', first: '503', fails: status(503), retried: true },
  { on: 'gateway-error', first: '500', fails: status(500), retried: false },
  { on: 'reset', first: 'close', fails: closes, retried: true },
  { on: 'reset', first: '503', fails: status(503), retried: false },
  { on: 'connect-failure', first: 'close', fails: closes, retried: false },
  { on: 'retriable-4xx', first: '409', fails: status(409), retried: true },
  { on: 'retriable-4xx', first: '400', fails: status(400), retried: false },
  {
    on: 'retriable-status-codes',
    first: '418',
    fails: status(418),
    retried: true,
    more: { retriable_status_codes: [418] },
  },
  {
    on: 'retriable-headers',
    first: 'header',
    fails: status(200, 'x-again: yes\r\n'),
    retried: true,
    more: { retriable_headers: [{ name: 'x-again', present_match: true }] },
  },
  {
    on: 'envoy-ratelimited',
    first: 'limited',
    fails: status(429, 'x-envoy-ratelimited: true\r\n'),
    retried: true,
  },
];

let upstream: RawService;
let proxy: RunningProxy;
let answer: (exchange: RawExchange) => void;
let seen: RawExchange[] = [];

before(async () => {
  upstream = await startRawService((exchange) => {
    seen.push(exchange);
    answer(exchange);
  });
  const routes = CASES.map(({ on, first, more = {} }): Json => {
    const policy = { retry_on: on, num_retries: 1, retry_back_off: { base_interval: '0.001s' }, ...more };
    return { match: { path: `/${on}/${first}` }, route: { cluster: 'upstream', retry_policy: policy } };
  });
  const virtualHost = {
    name: 'all',
    domains: ['*'],
    routes: [...routes, { match: { prefix: '/' }, route: { cluster: 'upstream' } }],
  };
  proxy = await startProxy({
    concurrency: 1,
    staticResources: httpProxyTo([upstream.port], {
      format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %DURATION(us)% %LEDGER%',
      manager: { route_config: { name: 'routes', virtual_hosts: [virtualHost] } },
    }),
  });
});
after(async () => {
  await proxy.stop();
  await upstream.stop();
});

describe('retry_on', () => {
  for (const { on, first, fails, retried } of CASES) {
    test(`${on} ${retried ? 'tries again' : 'does not try again'} after ${first}`, async () => {
      seen = [];
      answer = ({ socket }) => {
        if (seen.length === 1) fails(socket);
        else socket.write(HELLO);
      };
      const client = await RawClient.connect(proxy.port('http'));
      const body = 'kept for the second attempt';
      const got = await client.ask(post(`/${on}/${first}`, body));
      assert.equal(seen.length, retried ? 2 : 1);
      assert.equal(got.body === 'Hello world\n', retried);
      if (retried) assert.equal(seen[1]?.body.toString(), body, 'the body goes again');
      client.destroy();
    });
  }

  test('a retry does not follow a response that the client has begun to see', async () => {
    seen = [];
    answer = ({ socket }) => socket.end('HTTP/1.1 500 X\r\ncontent-length: 5\r\n\r\nhal');
    const client = await RawClient.connect(proxy.port('http'));
    client.write(get('/reset/close'));
    assert.match(await client.closed(), /^HTTP\/1\.1 500 /);
    assert.equal(seen.length, 1);
  });
});

function endOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.end(() => resolve());
  });
}

for (const socketInterface of INTERFACES) {
  test(`a connection that the upstream closed while idle is never given to a request (${socketInterface})`, async () => {
    const sockets = new Set<Socket>();
    const closing = await startRawService(({ socket }) => {
      sockets.add(socket);
      socket.write(HELLO);
    });
    const own = await startProxy({
      concurrency: 1,
      socketInterface,
      staticResources: httpProxyTo([closing.port], { format: '%RESPONSE_CODE% %RESPONSE_FLAGS%' }),
    });
    try {
      const client = await RawClient.connect(own.port('http'));
      const rounds = 200;
      for (let round = 0; round < rounds; round += 1) {
        // The kernel has the FIN before the next request is sent: the proxy may learn of both at once.
        if (round % 2 === 0) await Promise.all(Array.from(sockets, endOf));
        sockets.clear();
        const { status: code } = await client.ask(round % 4 === 0 ? post('/', 'x') : get('/'));
        assert.equal(code, 200, `round ${round}`);
      }
      const lines = await own.logLines(rounds);
      assert.deepEqual(new Set(lines), new Set(['200 -']));
      client.destroy();
      await untilStat(own, 'http.ingress.downstream_cx_destroy', 1);
    } finally {
      await own.stop();
      await closing.stop();
    }
  });
}
