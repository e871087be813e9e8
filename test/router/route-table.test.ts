/** The route table: domain search, conditions, actions, splits; each row is one request and the route that it must find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route, RouteConfiguration, RouteMatch, VirtualHost } from '../../src/api/envoy.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { compileRouteTable } from '../../src/router/route-table.ts';
import { routeTo } from './fakes.ts';

function requestFor(target: string, headers: Record<string, string> = {}, method = 'GET'): HeaderList {
  const slash = target.indexOf('/');
  const list = HeaderList.request(method, target.slice(slash), target.slice(0, slash));
  for (const [name, value] of Object.entries(headers)) list.add(name, value);
  return list;
}

function found(
  config: RouteConfiguration,
  target: string,
  headers: Record<string, string> = {},
  random = 0,
): string {
  return compileRouteTable(config).match(requestFor(target, headers), random)?.routeName ?? 'none';
}

function hosts(...domains: string[][]): RouteConfiguration {
  return {
    virtual_hosts: domains.map((list): VirtualHost => {
      const route: Route = { name: list[0] ?? '', match: { prefix: '/' }, route: { cluster: 'c' } };
      return { name: list[0] ?? '', domains: list, routes: [route] };
    }),
  };
}

const DOMAINS = hosts(
  ['exact.com', 'exact.com:8080'],
  ['*.foo.com'],
  ['*.bar.foo.com'],
  ['*-x.bar.foo.com'],
  ['www.*'],
  ['www.long.*'],
  ['[::1]'],
  ['*'],
);

for (const [authority, expected] of [
  ['exact.com', 'exact.com'],
  ['EXACT.Com', 'exact.com'],
  ['exact.com:8080', 'exact.com'],
  ['exact.com:9090', '*'],
  ['a.foo.com', '*.foo.com'],
  ['A.FOO.COM', '*.foo.com'],
  ['.foo.com', '*'],
  ['foo.com', '*'],
  ['a.bar.foo.com', '*.bar.foo.com'],
  ['a-x.bar.foo.com', '*-x.bar.foo.com'],
  ['-x.bar.foo.com', '*.bar.foo.com'],
  ['www.other', 'www.*'],
  ['www.long.com', 'www.long.*'],
  ['www.', '*'],
  ['www.a.foo.com', '*.foo.com'],
  ['[::1]', '[::1]'],
  ['', '*'],
] as const) {
  test(`authority '${authority}' finds the virtual host ${expected}`, () => {
    assert.equal(found(DOMAINS, `${authority}/`), expected);
  });
}

test('a port is part of the host unless the table ignores it', () => {
  const config = { ...hosts(['a.com'], ['[::1]']), ignore_port_in_host_matching: true };
  assert.equal(found(config, 'a.com:1234/'), 'a.com');
  assert.equal(found(config, '[::1]:1234/'), '[::1]');
  assert.equal(found(config, '[::1]/'), '[::1]');
  assert.equal(found(hosts(['a.com']), 'a.com:1234/'), 'none');
});

test('a domain in two virtual hosts is refused, whatever its case', () => {
  for (const domain of ['*', 'a.com', '*.a.com', 'a.*']) {
    assert.throws(
      () => compileRouteTable(hosts([domain], [domain.toUpperCase()])),
      /more than one virtual host/,
    );
  }
});

test('a virtual host that was found but has no matching route ends the search', () => {
  const config: RouteConfiguration = {
    virtual_hosts: [
      { name: 'a', domains: ['a.com'], routes: [{ match: { path: '/only' }, route: { cluster: 'c' } }] },
      ...(hosts(['*']).virtual_hosts ?? []),
    ],
  };
  assert.equal(found(config, 'a.com/other'), 'none');
});

function matches(match: RouteMatch, path: string, headers: Record<string, string> = {}, random = 0): boolean {
  const routes = [{ name: 'hit', match, route: { cluster: 'c' } }];
  const config = { virtual_hosts: [{ name: 'v', domains: ['*'], routes }] };
  return found(config, `h${path}`, headers, random) === 'hit';
}

const ROOT = { prefix: '/' };
const header = (condition: object): RouteMatch => ({ ...ROOT, headers: [{ name: 'X-H', ...condition }] });
const query = (condition: object): RouteMatch => ({
  ...ROOT,
  query_parameters: [{ name: 'q', ...condition }],
});

const PATHS: readonly (readonly [string, RouteMatch, string, boolean])[] = [
  ['prefix', { prefix: '/api' }, '/api/x', true],
  ['prefix inside a word', { prefix: '/api' }, '/apis', true],
  ['prefix too short', { prefix: '/api' }, '/ap', false],
  ['prefix is case-sensitive', { prefix: '/api' }, '/API', false],
  ['prefix without case', { prefix: '/Api', case_sensitive: false }, '/aPI/x', true],
  ['path', { path: '/a' }, '/a', true],
  ['path with query', { path: '/a' }, '/a?x', true],
  ['path with fragment', { path: '/a' }, '/a#x', true],
  ['path longer', { path: '/a' }, '/a/', false],
  ['path shorter', { path: '/abc' }, '/ab', false],
  ['path without case', { path: '/AbC', case_sensitive: false }, '/aBc?Q', true],
  ['separated prefix itself', { path_separated_prefix: '/a/b' }, '/a/b', true],
  ['separated prefix below', { path_separated_prefix: '/a/b' }, '/a/b/c', true],
  ['separated prefix with query', { path_separated_prefix: '/a/b' }, '/a/b?c', true],
  ['separated prefix inside a word', { path_separated_prefix: '/a/b' }, '/a/bc', false],
  ['regex', { safe_regex: { regex: '/v[0-9]+/.*' } }, '/v12/x?y', true],
  ['regex matches the whole path', { safe_regex: { regex: '/v[0-9]+' } }, '/v12/x', false],
  ['regex does not see the query', { safe_regex: { regex: '/a' } }, '/a?b', true],
];

for (const [name, match, path, expected] of PATHS) {
  test(`${name}: ${JSON.stringify(match)} ${expected ? 'matches' : 'does not match'} ${path}`, () => {
    assert.equal(matches(match, path), expected);
  });
}

const HEADERS: readonly (readonly [object, string | null, boolean])[] = [
  [{ string_match: { exact: 'v' } }, 'v', true],
  [{ string_match: { exact: 'v' } }, 'V', false],
  [{ string_match: { exact: 'v', ignore_case: true } }, 'V', true],
  [{ string_match: { prefix: 'ab' } }, 'abc', true],
  [{ string_match: { suffix: 'bc' } }, 'abc', true],
  [{ string_match: { contains: 'B', ignore_case: true } }, 'abc', true],
  [{ string_match: { safe_regex: { regex: 'a.c' } } }, 'abc', true],
  [{ string_match: { safe_regex: { regex: 'a.' } } }, 'abc', false],
  [{ exact_match: 'v' }, 'v', true],
  [{ prefix_match: 'a' }, 'ab', true],
  [{ suffix_match: 'b' }, 'ab', true],
  [{ contains_match: 'x' }, 'ab', false],
  [{ present_match: true }, '', true],
  [{ present_match: true }, null, false],
  [{ present_match: false }, null, true],
  [{ present_match: true, invert_match: true }, null, true],
  [{}, 'anything', true],
  [{}, null, false],
  [{ range_match: { start: 1, end: 10 } }, '1', true],
  [{ range_match: { start: 1, end: 10 } }, '10', false],
  [{ range_match: { start: -5, end: 0 } }, '-3', true],
  [{ range_match: { start: 1, end: 10 } }, '5.5', false],
  [{ string_match: { exact: 'v' }, invert_match: true }, 'w', true],
  [{ string_match: { exact: 'v' }, invert_match: true }, null, false],
  [{ string_match: { exact: 'v' }, invert_match: true, treat_missing_header_as_empty: true }, null, true],
  [{ string_match: { exact: '' }, treat_missing_header_as_empty: true }, null, true],
];

for (const [condition, value, expected] of HEADERS) {
  test(`header ${value ?? 'missing'}: ${JSON.stringify(condition)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matches(header(condition), '/', value === null ? {} : { 'x-h': value }), expected);
  });
}

const QUERIES: readonly (readonly [object, string, boolean])[] = [
  [{ string_match: { exact: '1' } }, '/?q=1', true],
  [{ string_match: { exact: '1' } }, '/?a=2&q=1&b', true],
  [{ string_match: { exact: '1' } }, '/?q=2&q=1', false],
  [{ string_match: { exact: '1' } }, '/?qq=1', false],
  [{ string_match: { exact: '' } }, '/?q', true],
  [{ present_match: true }, '/?q', true],
  [{ present_match: true }, '/?a#q', false],
  [{ present_match: true }, '/q', false],
  [{ present_match: false }, '/?a', true],
  [{}, '/?q=', true],
];

for (const [condition, path, expected] of QUERIES) {
  test(`query of ${path}: ${JSON.stringify(condition)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matches(query(condition), path), expected);
  });
}

test('pseudo headers can be conditions, all conditions must hold, the first route that matches wins', () => {
  const routes: Route[] = [
    {
      name: 'post',
      match: { ...ROOT, headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
      route: { cluster: 'c' },
    },
    { name: 'both', match: { ...ROOT, headers: [{ name: 'a' }, { name: 'b' }] }, route: { cluster: 'c' } },
    { name: 'rest', match: ROOT, route: { cluster: 'c' } },
    { name: 'never', match: ROOT, route: { cluster: 'c' } },
  ];
  const table = compileRouteTable({ virtual_hosts: [{ name: 'v', domains: ['*'], routes }] });
  assert.equal(table.match(requestFor('h/', {}, 'POST'), 0)?.routeName, 'post');
  assert.equal(table.match(requestFor('h/', { a: '1', b: '2' }), 0)?.routeName, 'both');
  assert.equal(table.match(requestFor('h/', { a: '1' }), 0)?.routeName, 'rest');
});

function split(weights: Record<string, number>, extra: object = {}): RouteConfiguration {
  const clusters = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  return routeTo({ cluster: undefined, weighted_clusters: { clusters, ...extra } });
}

function clusterOf(config: RouteConfiguration, random: number, headers: Record<string, string> = {}): string {
  const route = compileRouteTable(config).match(requestFor('h/', headers), random);
  return route?.kind === 'forward' ? route.cluster : 'none';
}

test('a 90/10 canary gives 10 % ± 1 over 10,000 requests, and the header always the new one', () => {
  const canary = {
    name: 'canary',
    match: { ...ROOT, headers: [{ name: 'x-canary', string_match: { exact: '1' } }] },
    route: { cluster: 'v2' },
  };
  const base = split({ v1: 90, v2: 10 }).virtual_hosts?.[0];
  const table = compileRouteTable({
    virtual_hosts: [{ ...base, routes: [canary, ...(base?.routes ?? [])] }],
  });
  let seed = 42;
  let second = 0;
  for (let index = 0; index < 10_000; index += 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const route = table.match(requestFor('h/'), seed / 2 ** 32);
    if (route?.kind === 'forward' && route.cluster === 'v2') second += 1;
    const pinned = table.match(requestFor('h/', { 'x-canary': '1' }), seed / 2 ** 32);
    assert.equal(pinned?.routeName, 'canary');
  }
  assert.ok(Math.abs(second - 1000) < 100, `${second} of 10,000`);
});

test('a split honours its borders, never takes weight 0, and checks its total', () => {
  const config = split({ off: 0, a: 1, b: 3, alsoOff: 0 });
  assert.deepEqual(
    [0, 0.2499, 0.25, 0.999_999].map((random) => clusterOf(config, random)),
    ['a', 'a', 'b', 'b'],
  );
  assert.throws(() => compileRouteTable(split({ a: 0 })), /add up to 0/);
  assert.throws(() => compileRouteTable(split({ a: 1 }, { total_weight: 2 })), /total_weight says 2/);
});

test('a split can take its random from a header', () => {
  const config = split({ a: 1, b: 3 }, { header_name: 'X-Random' });
  assert.equal(clusterOf(config, 0.9, { 'x-random': '4' }), 'a');
  assert.equal(clusterOf(config, 0, { 'x-random': '18446744073709551615' }), 'b');
  assert.equal(clusterOf(config, 0, { 'x-random': 'junk' }), 'a');
});

test('runtime_fraction takes its share, independent of the split', () => {
  const fraction = (numerator: number, random: number): boolean =>
    matches({ ...ROOT, runtime_fraction: { default_value: { numerator } } }, '/', {}, random);
  assert.equal(fraction(0, 0.3), false);
  assert.equal(fraction(100, 0.3), true);
  let hits = 0;
  for (let index = 0; index < 1000; index += 1) if (fraction(30, (index * 0.618_033_988_749) % 1)) hits += 1;
  assert.ok(Math.abs(hits - 300) < 40, `${hits} of 1,000`);
});

for (const [redirect, match, target, expected] of [
  [{ path_redirect: '/new' }, ROOT, 'h/old?q=1', '301 http://h/new?q=1'],
  [{ path_redirect: '/new', strip_query: true }, ROOT, 'h/old?q=1', '301 http://h/new'],
  [{ path_redirect: '/new?own=1' }, ROOT, 'h/old?q=1', '301 http://h/new?own=1'],
  [{ prefix_rewrite: '/b' }, { prefix: '/a' }, 'h/a/c?q', '301 http://h/b/c?q'],
  [
    { regex_rewrite: { pattern: { regex: '^/u/(\\d+)$' }, substitution: '/user?id=\\1' } },
    ROOT,
    'h/u/7',
    '301 http://h/user?id=7',
  ],
  [{ https_redirect: true }, ROOT, 'h:80/x', '301 https://h/x'],
  [{ https_redirect: true }, ROOT, 'h:8080/x', '301 https://h:8080/x'],
  [{ https_redirect: true, port_redirect: 8443 }, ROOT, 'h:8080/x', '301 https://h:8443/x'],
  [{ scheme_redirect: 'ftp' }, ROOT, 'h/x', '301 ftp://h/x'],
  [{ host_redirect: 'other', response_code: 'FOUND' }, ROOT, 'h:81/x', '302 http://other/x'],
  [{ host_redirect: 'other', port_redirect: 9 }, ROOT, 'h/x', '301 http://other:9/x'],
  [{ response_code: 'SEE_OTHER', strip_query: true }, ROOT, 'h/x?y', '303 http://h/x'],
  [{ response_code: 'TEMPORARY_REDIRECT' }, ROOT, 'h/x', '307 http://h/x'],
  [{ response_code: 'PERMANENT_REDIRECT' }, ROOT, 'h/x', '308 http://h/x'],
] as const) {
  test(`redirect ${JSON.stringify(redirect)} of ${target} is ${expected}`, () => {
    const routes = [{ match, redirect }];
    const table = compileRouteTable({ virtual_hosts: [{ name: 'v', domains: ['*'], routes }] });
    const headers = requestFor(target);
    const route = table.match(headers, 0);
    assert.equal(route?.kind === 'redirect' ? `${route.status} ${route.location(headers)}` : '', expected);
  });
}

test('require_tls sends plain requests to https; external only spares internal ones', () => {
  const table = (require_tls: 'ALL' | 'EXTERNAL_ONLY'): ReturnType<typeof compileRouteTable> =>
    compileRouteTable(routeTo({}, { require_tls }));
  assert.equal(table('ALL').match(requestFor('h/'), 0)?.kind, 'redirect');
  assert.equal(table('ALL').match(requestFor('h/', { 'x-forwarded-proto': 'https' }), 0)?.kind, 'forward');
  assert.equal(
    table('EXTERNAL_ONLY').match(requestFor('h/', { 'x-envoy-internal': 'true' }), 0)?.kind,
    'forward',
  );
  assert.equal(table('EXTERNAL_ONLY').match(requestFor('h/'), 0)?.kind, 'redirect');
});

test('per-filter settings: the most specific level wins whole', () => {
  const level = (value: string): object => ({
    typed_per_filter_config: { f: { value }, [value]: { value } },
  });
  const config: RouteConfiguration = {
    ...level('table'),
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        ...level('host'),
        routes: [{ match: ROOT, route: { cluster: 'c' }, ...level('route') }],
      },
    ],
  };
  const settings = compileRouteTable(config).match(requestFor('h/'), 0)?.settings;
  assert.deepEqual(settings?.perFilterConfig('f'), { value: 'route' });
  assert.deepEqual(settings?.perFilterConfig('host'), { value: 'host' });
  assert.equal(settings?.perFilterConfig('other'), undefined);
});

test('limits and upgrades of a route reach the connection manager', () => {
  const action = {
    idle_timeout: 7,
    max_stream_duration: { max_stream_duration: 9 },
    upgrade_configs: [{ upgrade_type: 'WebSocket' }, { upgrade_type: 'x', enabled: false }],
  };
  const settings = compileRouteTable(routeTo(action)).match(requestFor('h/'), 0)?.settings;
  assert.deepEqual([settings?.idleTimeoutMs, settings?.maxStreamDurationMs], [7, 9]);
  const upgrades = ['websocket', 'X', 'other'].map((token) => settings?.upgradeEnabled(token));
  assert.deepEqual(upgrades, [true, false, null]);
});

test('the retry policy of a route wins whole over the virtual host’s; a per-try limit not below the route’s is dropped', () => {
  const host = { retry_policy: { retry_on: '5xx', num_retries: 7, per_try_timeout: 10 } };
  const own = compileRouteTable(routeTo({ retry_policy: { retry_on: 'reset' } }, host)).match(
    requestFor('h/'),
    0,
  );
  assert.equal(own?.kind === 'forward' ? own.retry?.retries : 0, 1);
  const inherited = compileRouteTable(routeTo({ timeout: 10 }, host)).match(requestFor('h/'), 0);
  assert.ok(inherited?.kind === 'forward');
  assert.deepEqual([inherited.retry?.retries, inherited.limits.perTryMs], [7, 0]);
});

for (const [problem, config] of [
  [
    'a bad regular expression',
    {
      virtual_hosts: [
        { domains: ['*'], routes: [{ match: { safe_regex: { regex: '(' } }, route: { cluster: 'c' } }] },
      ],
    },
  ],
  [
    'a look-behind, which is not linear',
    {
      virtual_hosts: [
        {
          domains: ['*'],
          routes: [{ match: { safe_regex: { regex: '(?<=a)b' } }, route: { cluster: 'c' } }],
        },
      ],
    },
  ],
  ['a route without an action', { virtual_hosts: [{ domains: ['*'], routes: [{ match: ROOT }] }] }],
  ['a forwarding route without a cluster', routeTo({ cluster: undefined })],
  ['an unknown retry condition', routeTo({ retry_policy: { retry_on: '5xxx' } })],
  [
    'a substitution without its group',
    routeTo({ regex_rewrite: { pattern: { regex: 'a' }, substitution: '\\1' } }),
  ],
  [
    'a pseudo header to add',
    { ...routeTo({}), request_headers_to_add: [{ header: { key: ':path', value: 'x' } }] },
  ],
  ['Host to add', { ...routeTo({}), request_headers_to_add: [{ header: { key: 'Host', value: 'x' } }] }],
  ['hedging', routeTo({ hedge_policy: {} })],
] as const) {
  test(`${problem} is refused`, () => {
    assert.throws(() => compileRouteTable(config as unknown as RouteConfiguration));
  });
}

test('a pattern that would hang a backtracking engine is answered', () => {
  assert.equal(matches({ safe_regex: { regex: '/(a+)+b' } }, `/${'a'.repeat(3000)}`), false);
});

test('values with operators are compiled by the given formatter, %% is a percent sign', () => {
  const headers = [
    { header: { key: 'x-dynamic', value: '%REQ(a)%!' } },
    { header: { key: 'x-literal', value: '100%%' } },
    { header: { key: 'x-empty', value: '%REQ(none)%' } },
    { header: { key: 'x-kept', value: '' }, keep_empty_value: true },
  ];
  const config = { ...routeTo({}), request_headers_to_add: headers };
  const table = compileRouteTable(
    config,
    (format) => (context) => (format.startsWith('%REQ(a)%') ? `${context.request?.get('a') ?? ''}!` : ''),
  );
  const request = requestFor('h/', { a: 'value' });
  const context = { info: {}, request, response: null, trailers: null, logType: '' };
  for (const mutation of table.match(request, 0)?.requestMutations ?? [])
    mutation.apply(request, context as never);
  assert.equal(request.get('x-dynamic'), 'value!');
  assert.equal(request.get('x-literal'), '100%');
  assert.deepEqual([request.has('x-empty'), request.get('x-kept')], [false, '']);
});

test('operators of the access log work in header values, a missing one leaves the header out', () => {
  const headers = ['%REQ(a)%-%PROTOCOL%', '%REQ(none)%', '%REQ(a):2%'].map((value, index) => ({
    header: { key: `x-${index}`, value },
  }));
  const table = compileRouteTable({ ...routeTo({}), request_headers_to_add: headers });
  const request = requestFor('h/', { a: 'va"lue' });
  const info = { protocol: 'HTTP/1.1', flags: [] };
  const context = { info, request, response: null, trailers: null, logType: '' };
  for (const mutation of table.match(request, 0)?.requestMutations ?? [])
    mutation.apply(request, context as never);
  assert.deepEqual(
    [request.get('x-0'), request.get('x-1'), request.get('x-2')],
    ['va"lue-HTTP/1.1', null, 'va'],
  );
  const unknown = [{ header: { key: 'x', value: '%NOPE%' } }];
  assert.throws(() => compileRouteTable({ ...routeTo({}), request_headers_to_add: unknown }));
});

for (const text of ['a\r\nb: c', 'a\u0000', 'sn\u2603w']) {
  test(`configured text ${JSON.stringify(text)} cannot reach a message`, () => {
    const header = { header: { key: 'x', value: text } };
    assert.throws(() => compileRouteTable({ ...routeTo({}), request_headers_to_add: [header] }));
    for (const field of ['prefix_rewrite', 'host_rewrite_literal']) {
      assert.throws(() => compileRouteTable(routeTo({ [field]: text })), field);
    }
    const substitution = { pattern: { regex: 'a' }, substitution: text };
    assert.throws(() => compileRouteTable(routeTo({ regex_rewrite: substitution })));
    const routes = [{ match: ROOT, redirect: { host_redirect: text } }];
    assert.throws(() => compileRouteTable({ virtual_hosts: [{ domains: ['*'], routes }] }));
  });
}
