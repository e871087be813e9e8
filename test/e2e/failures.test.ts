/**
 * One provoking request for each response flag that HTTP/1 can raise: status, body, flags and details as Envoy has them. `UR` needs
 * an upstream that resets a stream and `LR` one that refuses it: HTTP/1 has neither.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { eventually } from '../support/pattern.ts';
import { cluster, httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, headerOf, RawClient } from '../support/raw-client.ts';
import { DEAD_PORT } from '../support/tcp-upstream.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const RESET = 'upstream connect error or disconnect/reset before headers.';
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http';
const TIMEOUT_HEADER = 'x-envoy-upstream-rq-timeout-ms';
const ROUTER = { '@type': `${TYPE}.router.v3.Router`, strict_check_headers: [TIMEOUT_HEADER] };
const ALWAYS = { numerator: 100, denominator: 'HUNDRED' };

const SCRIPTS: Readonly<Record<string, (exchange: RawExchange) => void>> = {
  '/closes': ({ socket }) => socket.destroy(),
  '/resets': ({ socket }) => socket.resetAndDestroy(),
  '/garbage': ({ socket }) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
  '/big-head': ({ socket }) =>
    socket.write(`HTTP/1.1 200 OK\r\n${`x-filler: ${'x'.repeat(1000)}\r\n`.repeat(90)}\r\n`),
  '/many-headers': ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(101)}\r\n`),
  '/half-a-body': ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello'),
  '/bad-chunk': ({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nHello\r\nno size\r\n'),
  '/fails': ({ socket }) => socket.write('HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno'),
  '/stops': ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello'),
};

const ROUTES: Json = [
  { match: { path: '/unknown-cluster' }, route: { cluster: 'missing' } },
  { match: { path: '/no-host' }, route: { cluster: 'empty' } },
  { match: { path: '/refused' }, route: { cluster: 'refused' } },
  { match: { path: '/overflow' }, route: { cluster: 'tight' } },
  { match: { path: '/silent' }, route: { cluster: 'upstream', timeout: '0.25s' } },
  { match: { path: '/stops' }, route: { cluster: 'upstream', timeout: '0.5s' } },
  {
    match: { path: '/silent-tries' },
    route: {
      cluster: 'upstream',
      retry_policy: { retry_on: '5xx', per_try_timeout: '0.25s', num_retries: 1 },
    },
  },
  { match: { path: '/silent-idle' }, route: { cluster: 'upstream', idle_timeout: '0.25s', timeout: '0s' } },
  {
    match: { path: '/silent-long' },
    route: { cluster: 'upstream-short-lived', timeout: '0s' },
  },
  {
    match: { path: '/fails' },
    route: { cluster: 'upstream', retry_policy: { retry_on: '5xx', num_retries: 2 } },
  },
  {
    match: { path: '/refused-retried' },
    route: { cluster: 'refused', retry_policy: { retry_on: 'connect-failure', num_retries: 1 } },
  },
  {
    match: { path: '/delayed' },
    route: { cluster: 'upstream' },
    typed_per_filter_config: {
      fault: { '@type': `${TYPE}.fault.v3.HTTPFault`, delay: { fixed_delay: '0.01s', percentage: ALWAYS } },
    },
  },
  {
    match: { path: '/aborted' },
    route: { cluster: 'upstream' },
    typed_per_filter_config: {
      fault: { '@type': `${TYPE}.fault.v3.HTTPFault`, abort: { http_status: 418, percentage: ALWAYS } },
    },
  },
  { match: { prefix: '/up/' }, route: { cluster: 'upstream', prefix_rewrite: '/' } },
];

let upstream: RawService;
let proxy: RunningProxy;
let lines = 0;
let seen = 0;

before(async () => {
  upstream = await startRawService((exchange) => {
    seen += 1;
    const path = exchange.head.split(' ')[1] ?? '';
    const script = SCRIPTS[path];
    if (script !== undefined) script(exchange);
    else if (!path.startsWith('/silent')) exchange.socket.write(HELLO);
  });
  const base = httpProxyTo([upstream.port], {
    format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %REQ(:PATH)% %BYTES_SENT%',
    manager: {
      http_filters: [
        { name: 'fault', typed_config: { '@type': `${TYPE}.fault.v3.HTTPFault` } },
        { name: 'envoy.filters.http.router', typed_config: ROUTER },
      ],
      route_config: {
        name: 'routes',
        virtual_hosts: [{ name: 'all', domains: ['*'], routes: ROUTES }],
        validate_clusters: false,
      },
    },
  }) as { readonly clusters: readonly Json[] };
  const short = { common_http_protocol_options: { max_stream_duration: '0.25s' } };
  const staticResources = {
    ...base,
    clusters: [
      ...base.clusters,
      cluster('empty', []),
      cluster('refused', [DEAD_PORT]),
      cluster('tight', [upstream.port], { circuit_breakers: { thresholds: [{ max_requests: 0 }] } }),
      cluster('upstream-short-lived', [upstream.port], {
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            ...short,
            explicit_http_config: { http_protocol_options: {} },
          },
        },
      }),
    ],
  };
  proxy = await startProxy({ concurrency: 1, staticResources });
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

interface Failure {
  readonly path: string;
  readonly status: number;
  readonly body: string | RegExp;
  /** Flags and details, as the log has them. */
  readonly log: string;
  readonly overloaded?: true;
  /** Requests that reach the upstream. */
  readonly tries: number;
}

const BEFORE = 'upstream_reset_before_response_started';
const FAILURES: readonly Failure[] = [
  { path: '/elsewhere', status: 404, body: '', log: 'NR route_not_found', tries: 0 },
  { path: '/unknown-cluster', status: 503, body: '', log: 'NC cluster_not_found', tries: 0 },
  { path: '/no-host', status: 503, body: 'no healthy upstream', log: 'UH no_healthy_upstream', tries: 0 },
  {
    path: '/refused',
    status: 503,
    body: /^upstream connect error or disconnect\/reset before headers\. reset reason: remote connection failure, transport failure reason: .*refused/i,
    log: `UF ${BEFORE}{remote_connection_failure`,
    tries: 0,
  },
  {
    path: '/refused-retried',
    status: 503,
    body: /before headers\. retried and the latest reset reason: remote connection failure/,
    log: `UF,URX ${BEFORE}{remote_connection_failure`,
    tries: 0,
  },
  {
    path: '/overflow',
    status: 503,
    body: `${RESET} reset reason: overflow`,
    log: `UO ${BEFORE}{overflow}`,
    overloaded: true,
    tries: 0,
  },
  {
    path: '/up/closes',
    status: 503,
    body: `${RESET} reset reason: connection termination`,
    log: `UC ${BEFORE}{connection_termination}`,
    tries: 1,
  },
  {
    path: '/up/resets',
    status: 503,
    body: `${RESET} reset reason: connection termination`,
    log: `UC ${BEFORE}{connection_termination`,
    tries: 1,
  },
  {
    path: '/up/garbage',
    status: 502,
    body: `${RESET} reset reason: protocol error`,
    log: `UPE ${BEFORE}{protocol_error,http1.codec_error}`,
    tries: 1,
  },
  {
    path: '/up/big-head',
    status: 502,
    body: `${RESET} reset reason: protocol error`,
    log: `UPE ${BEFORE}{protocol_error,http1.headers_too_large}`,
    tries: 1,
  },
  {
    path: '/up/many-headers',
    status: 502,
    body: `${RESET} reset reason: protocol error`,
    log: `UPE ${BEFORE}{protocol_error,http1.too_many_headers}`,
    tries: 1,
  },
  { path: '/silent', status: 504, body: 'upstream request timeout', log: 'UT response_timeout', tries: 1 },
  {
    path: '/silent-tries',
    status: 504,
    body: 'upstream request timeout',
    log: 'URX,UT upstream_per_try_timeout',
    tries: 2,
  },
  { path: '/silent-idle', status: 504, body: 'stream timeout', log: 'SI stream_idle_timeout', tries: 1 },
  {
    path: '/silent-long',
    status: 504,
    body: 'upstream max stream duration reached',
    log: 'UMSDR upstream_max_stream_duration_reached',
    tries: 1,
  },
  { path: '/fails', status: 503, body: 'no', log: 'URX via_upstream', tries: 3 },
  { path: '/delayed', status: 200, body: 'Hello world\n', log: 'DI via_upstream', tries: 1 },
  { path: '/aborted', status: 418, body: 'fault filter abort', log: 'FI fault_filter_abort', tries: 0 },
];

describe('a request that fails is answered and logged with its reason', () => {
  for (const { path, status, body, log, overloaded, tries } of FAILURES) {
    test(`${log.split(' ')[0] ?? ''} ${path}`, async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const before = seen;
      const answer = await client.ask(get(path));
      assert.equal(answer.status, status);
      if (typeof body === 'string') assert.equal(answer.body, body);
      else assert.match(answer.body, body);
      assert.equal(headerOf(answer.head, 'x-envoy-overloaded'), overloaded === true ? 'true' : null);
      const line = await nextLine();
      assert.ok(line.startsWith(`${status} ${log}`), line);
      // The last of them may still be on its way.
      await eventually(() => Promise.resolve(seen - before), tries, 'requests that reach the upstream');
      // The connection has taken no harm.
      assert.equal((await client.ask(get('/up/'))).status, 200);
      await nextLine();
      client.destroy();
    });
  }
});

describe('a response that breaks off behind its head', () => {
  for (const [path, log] of [
    ['/up/half-a-body', 'UC upstream_reset_after_response_started{connection_termination'],
    ['/up/bad-chunk', 'UPE upstream_reset_after_response_started{protocol_error,http1.codec_error}'],
    ['/stops', 'UT response_timeout'],
  ] as const) {
    test(`${path} closes the client's connection and cannot pass for a whole one`, async () => {
      const client = await RawClient.connect(proxy.port('http'));
      client.write(get(path));
      const received = await client.closed();
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n[^]*Hello/);
      assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
      const line = await nextLine();
      assert.ok(line.startsWith(`200 ${log}`), line);
    });
  }
});
