import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpConnectionManager } from '../../src/api/envoy.ts';
import { HttpBench, parse } from './support/http-bench.ts';

function request(headers: string, path = '/', version = '1.1', host = 'host: h\r\n'): string {
  return `GET ${path} HTTP/${version}\r\n${host}${headers}\r\n`;
}

interface RequestCase {
  readonly name: string;
  readonly config?: HttpConnectionManager;
  readonly headers?: string;
  /** What the filters see; null = absent. */
  readonly sees: Record<string, string | null>;
}

const EDGE: HttpConnectionManager = { use_remote_address: true };
const INTERNAL: HttpConnectionManager = {
  use_remote_address: true,
  internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
};

const REQUESTS: readonly RequestCase[] = [
  {
    name: 'hop-by-hop headers and those that connection names are taken away',
    headers:
      'connection: keep-alive, x-mine\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nx-mine: 1\r\nx-other: 2\r\n',
    sees: { connection: null, 'keep-alive': null, 'proxy-connection': null, 'x-mine': null, 'x-other': '2' },
  },
  { name: 'te goes unless it says trailers', headers: 'te: gzip\r\n', sees: { te: null } },
  { name: 'te: trailers stays', headers: 'te: trailers\r\n', sees: { te: 'trailers' } },
  { name: 'a request id is made where there is none', sees: { 'x-request-id': 'id-1' } },
  {
    name: 'a request id from inside the mesh stays',
    headers: 'x-request-id: theirs\r\n',
    sees: { 'x-request-id': 'theirs' },
  },
  {
    name: 'a request id from the edge is replaced',
    config: EDGE,
    headers: 'x-request-id: theirs\r\n',
    sees: { 'x-request-id': 'id-1' },
  },
  {
    name: 'unless it is to be preserved',
    config: { ...EDGE, preserve_external_request_id: true },
    headers: 'x-request-id: theirs\r\n',
    sees: { 'x-request-id': 'theirs' },
  },
  {
    name: 'no request id if it is switched off',
    config: { generate_request_id: false },
    sees: { 'x-request-id': null },
  },
  { name: 'without use_remote_address x-forwarded-for stays as it came', sees: { 'x-forwarded-for': null } },
  {
    name: 'with it the peer is appended',
    config: EDGE,
    headers: 'x-forwarded-for: 1.2.3.4\r\n',
    sees: { 'x-forwarded-for': '1.2.3.4,127.0.0.2', 'x-envoy-external-address': '127.0.0.2' },
  },
  {
    name: 'unless skip_xff_append',
    config: { ...EDGE, skip_xff_append: true },
    sees: { 'x-forwarded-for': null },
  },
  {
    name: 'a trusted hop in front names the client',
    config: { ...EDGE, xff_num_trusted_hops: 1 },
    headers: 'x-forwarded-for: 9.9.9.9, 1.2.3.4\r\n',
    sees: { 'x-envoy-external-address': '1.2.3.4' },
  },
  {
    name: 'too few entries for the hops: the socket',
    config: { ...EDGE, xff_num_trusted_hops: 3 },
    headers: 'x-forwarded-for: 1.2.3.4\r\n',
    sees: { 'x-envoy-external-address': '127.0.0.2' },
  },
  {
    name: 'x-forwarded-proto of a stranger is overwritten at the edge',
    config: EDGE,
    headers: 'x-forwarded-proto: https\r\n',
    sees: { 'x-forwarded-proto': 'http' },
  },
  {
    name: 'x-forwarded-proto of a trusted hop stays',
    config: { ...EDGE, xff_num_trusted_hops: 1 },
    headers: 'x-forwarded-proto: https\r\n',
    sees: { 'x-forwarded-proto': 'https' },
  },
  { name: 'x-forwarded-proto is set where there is none', sees: { 'x-forwarded-proto': 'http' } },
  {
    name: 'control headers of a stranger are taken away, other x-envoy headers are not',
    headers:
      'x-envoy-retry-on: 5xx\r\nx-envoy-upstream-rq-timeout-ms: 1\r\nx-envoy-fault-delay-request: 5\r\n',
    sees: {
      'x-envoy-retry-on': null,
      'x-envoy-upstream-rq-timeout-ms': null,
      'x-envoy-fault-delay-request': '5',
    },
  },
  {
    name: 'an internal peer keeps them and is marked',
    config: INTERNAL,
    headers: 'x-envoy-retry-on: 5xx\r\n',
    sees: { 'x-envoy-retry-on': '5xx', 'x-envoy-internal': 'true', 'x-envoy-external-address': null },
  },
  {
    name: 'x-envoy-internal cannot be claimed',
    config: INTERNAL,
    headers: 'x-forwarded-for: 1.1.1.1\r\nx-envoy-internal: true\r\n',
    sees: { 'x-envoy-internal': null },
  },
  { name: 'via is appended', config: { via: 'np' }, headers: 'via: 1.1 a\r\n', sees: { via: '1.1 a, np' } },
  {
    name: 'expect is ours to answer',
    headers: 'expect: 100-continue\r\ncontent-length: 1\r\n',
    sees: { expect: null },
  },
  {
    name: 'unless it is to be proxied',
    config: { proxy_100_continue: true },
    headers: 'expect: 100-continue\r\ncontent-length: 1\r\n',
    sees: { expect: '100-continue' },
  },
];

for (const { name, config, headers, sees } of REQUESTS) {
  test(`request: ${name}`, () => {
    const bench = new HttpBench(config === undefined ? {} : { config });
    bench.receive(request(headers ?? ''));
    for (const [header, value] of Object.entries(sees)) {
      assert.equal(bench.terminal.headers?.getJoined(header), value, header);
    }
  });
}

interface PathCase {
  readonly config: HttpConnectionManager;
  readonly path: string;
  /** The path that filters see, or the status line's code. */
  readonly gives: string | number;
  readonly details?: string;
}

const UNESCAPE: HttpConnectionManager = { path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' };
const NORMALIZE: HttpConnectionManager = { normalize_path: true };

const PATHS: readonly PathCase[] = [
  { config: {}, path: '/a/../b//c', gives: '/a/../b//c' },
  { config: NORMALIZE, path: '/a/../b/./c', gives: '/b/c' },
  { config: NORMALIZE, path: '/../../etc', gives: '/etc' },
  { config: NORMALIZE, path: '/a/..', gives: '/' },
  { config: NORMALIZE, path: '/a/.', gives: '/a/' },
  { config: NORMALIZE, path: '/%61%2e%2e/%2e%2e/b', gives: '/b' },
  { config: NORMALIZE, path: '/a%2Fb', gives: '/a%2Fb' },
  { config: NORMALIZE, path: '/a\\b', gives: '/a/b' },
  { config: NORMALIZE, path: '/a?x=/../y', gives: '/a?x=/../y' },
  { config: NORMALIZE, path: '/a.b/...c', gives: '/a.b/...c' },
  { config: NORMALIZE, path: '/a%zz', gives: 400, details: 'path_normalization_failed' },
  { config: NORMALIZE, path: '/a%0', gives: 400, details: 'path_normalization_failed' },
  { config: NORMALIZE, path: '/a%00b', gives: 400, details: 'path_normalization_failed' },
  { config: { merge_slashes: true }, path: '//a///b/?c=//d', gives: '/a/b/?c=//d' },
  { config: UNESCAPE, path: '/a%2fb%5Cc?d=%2f', gives: '/a/b\\c?d=%2f' },
  { config: { ...UNESCAPE, ...NORMALIZE }, path: '/a%2f..%2fb', gives: '/b' },
  {
    config: { path_with_escaped_slashes_action: 'REJECT_REQUEST' },
    path: '/a%2Fb',
    gives: 400,
    details: 'path_normalization_failed',
  },
  { config: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' }, path: '/a%2Fb', gives: 307 },
  { config: {}, path: '/a#b', gives: 400 },
];

for (const { config, path, gives, details } of PATHS) {
  test(`path: ${path} with ${JSON.stringify(config)} gives ${gives}`, () => {
    const bench = new HttpBench({ config });
    bench.receive(request('', path));
    if (typeof gives === 'string') {
      assert.equal(bench.terminal.headers?.path, gives);
      return;
    }
    const { status, headers } = parse(bench.answer());
    assert.match(status, new RegExp(`^HTTP/1.1 ${gives} `));
    if (details !== undefined) assert.equal(bench.log[0]?.details, details);
    if (gives === 307) assert.ok(headers.includes('location: /a/b'));
    assert.equal(bench.terminals.length, 0);
  });
}

const HOSTS: readonly [HttpConnectionManager, string, string][] = [
  [{}, 'a:10000', 'a:10000'],
  [{ strip_matching_host_port: true }, 'a:10000', 'a'],
  [{ strip_matching_host_port: true }, 'a:10001', 'a:10001'],
  [{ strip_any_host_port: true }, 'a:10001', 'a'],
  [{ strip_any_host_port: true }, '[::1]:80', '[::1]'],
  [{ strip_any_host_port: true }, '[::1]', '[::1]'],
  [{ strip_trailing_host_dot: true }, 'a.b.', 'a.b'],
  [{ strip_trailing_host_dot: true }, 'a.b.:80', 'a.b:80'],
];

for (const [config, host, seen] of HOSTS) {
  test(`host: ${host} with ${JSON.stringify(config)} is ${seen}`, () => {
    const bench = new HttpBench({ config });
    bench.receive(request('', '/', '1.1', `host: ${host}\r\n`));
    assert.equal(bench.terminal.headers?.authority, seen);
  });
}

test('HTTP/1.0 is answered 426 unless it is accepted, and then gets a default host and a close', () => {
  const refused = new HttpBench();
  refused.receive(request('', '/', '1.0'));
  assert.match(refused.answer(), /^HTTP\/1\.[01] 426 Upgrade Required/);
  assert.equal(refused.log[0]?.details, 'low_version');
  assert.equal(refused.connection.closedBy, 'flush-delayed');
  const taken = new HttpBench({
    config: { http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'old' } },
  });
  taken.receive(request('', '/', '1.0', ''));
  assert.equal(taken.terminal.headers?.authority, 'old');
  taken.terminal.respond(200, 'x');
  assert.equal(parse(taken.answer()).body, 'x');
  assert.equal(taken.connection.closedBy, 'flush-delayed');
});

test('a request without Host is 400', () => {
  const bench = new HttpBench();
  bench.receive(request('', '/', '1.1', ''));
  assert.match(bench.answer(), /^HTTP\/1\.1 400 /);
});

const SERVERS: readonly [HttpConnectionManager, string | undefined, string | null][] = [
  [{}, 'theirs', 'nodeproxy'],
  [{ server_name: 'mine' }, undefined, 'mine'],
  [{ server_header_transformation: 'APPEND_IF_ABSENT' }, 'theirs', 'theirs'],
  [{ server_header_transformation: 'APPEND_IF_ABSENT' }, undefined, 'nodeproxy'],
  [{ server_header_transformation: 'PASS_THROUGH' }, 'theirs', 'theirs'],
  [{ server_header_transformation: 'PASS_THROUGH' }, undefined, null],
];

for (const [config, theirs, gives] of SERVERS) {
  test(`response: server with ${JSON.stringify(config)} and ${theirs ?? 'none'} is ${gives ?? 'none'}`, () => {
    const bench = new HttpBench({ config });
    bench.receive(request(''));
    bench.terminal.respond(200, 'x', theirs === undefined ? {} : { server: theirs });
    const line = parse(bench.answer()).headers.find((header) => header.startsWith('server: '));
    assert.equal(line, gives === null ? undefined : `server: ${gives}`);
  });
}

test('response: what the proxy adds stays, even if the upstream names it in connection', () => {
  const bench = new HttpBench();
  bench.receive(request(''));
  bench.terminal.respond(200, 'x', { connection: 'x-frame-options', 'x-frame-options': 'deny' });
  const { headers } = parse(bench.answer());
  assert.ok(headers.includes('x-frame-options: deny'));
  assert.ok(!headers.some((header) => header.startsWith('connection:')));
});

test('response: hop-by-hop headers go, an upstream date stays, the request id comes back if asked for', () => {
  const bench = new HttpBench({ config: { always_set_request_id_in_response: true, via: 'np' } });
  bench.receive(request(''));
  bench.terminal.respond(200, 'x', {
    connection: 'close, x-hop',
    'keep-alive': '5',
    date: 'yesterday',
  });
  const { headers } = parse(bench.answer());
  assert.deepEqual(headers, [
    'content-length: 1',
    'date: yesterday',
    'server: nodeproxy',
    'via: np',
    'x-request-id: id-1',
  ]);
  assert.equal(bench.connection.closedBy, null, 'what the upstream does with its connection is not ours');
});
