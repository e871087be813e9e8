/** What Envoy refuses when it builds its objects, found at load. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ECHO, HCM, ROUTER_FILTER, STDOUT, TCP_PROXY, bootstrapOf, endpoint, issuesOf } from './configs.ts';

const LISTENER = 'static_resources.listeners[0]';
const CHAIN = `${LISTENER}.filter_chains[0]`;
const ROUTES = `${CHAIN}.filters[0].typed_config.route_config`;
const CLUSTER = 'static_resources.clusters[0]';
const echo = { name: 'echo', typed_config: { '@type': ECHO } };
const tcp = { name: 'tcp', typed_config: { '@type': TCP_PROXY, stat_prefix: 't', cluster: 'service' } };
const buffer = {
  name: 'buffer',
  typed_config: { '@type': 'x/envoy.extensions.filters.http.buffer.v3.Buffer', max_request_bytes: 1 },
};
const listener = (name: string, port: number): object => ({
  name,
  address: { socket_address: { address: '127.0.0.1', port_value: port } },
  filter_chains: [{ filters: [echo] }],
});

test('the configuration that the others are made from loads', () => {
  assert.deepEqual(issuesOf(bootstrapOf()), []);
});

test('names and addresses of listeners are their own', () => {
  const twins = bootstrapOf({
    resources: { listeners: [listener('a', 1), listener('a', 1), listener('b', 0), listener('c', 0)] },
  });
  assert.deepEqual(issuesOf(twins), [
    'static_resources.listeners[1].name: there is another listener called "a"',
    'static_resources.listeners[1].address: 127.0.0.1:1 belongs to static_resources.listeners[0]',
  ]);
});

test('names of clusters are their own', () => {
  const cluster = { name: 'service', load_assignment: { cluster_name: 'x' } };
  assert.deepEqual(issuesOf(bootstrapOf({ resources: { clusters: [cluster, cluster] } })), [
    'static_resources.clusters[1].name: there is another cluster called "service"',
  ]);
});

test('a listener needs an address to bind and a filter chain', () => {
  assert.deepEqual(issuesOf(bootstrapOf({ listener: { address: null, filter_chains: null } })), [
    `${LISTENER}.address: required`,
    `${LISTENER}.filter_chains: a listener needs at least one filter chain`,
  ]);
  assert.deepEqual(
    issuesOf(
      bootstrapOf({ listener: { address: { socket_address: { address: 'localhost', port_value: 1 } } } }),
    ),
    [`${LISTENER}.address.socket_address.address: must be an IP address to listen on, got "localhost"`],
  );
});

test('filter chains must be told apart, whatever the order of the fields', () => {
  const one = { filters: [echo], filter_chain_match: { destination_port: 1, source_type: 'EXTERNAL' } };
  const two = { filters: [echo], filter_chain_match: { source_type: 'EXTERNAL', destination_port: 1 } };
  assert.deepEqual(issuesOf(bootstrapOf({ chains: [one, { filters: [echo] }, two] })), [
    `${LISTENER}.filter_chains[2].filter_chain_match: matches the same connections as filter_chains[0]`,
  ]);
});

test('a terminal network filter stands last, and only there', () => {
  assert.deepEqual(issuesOf(bootstrapOf({ filters: [tcp, echo] })), [
    `${CHAIN}.filters[0]: a terminal filter must be the last one of its chain`,
  ]);
  assert.deepEqual(issuesOf(bootstrapOf({ filters: [{ name: 'empty' }] })), [
    `${CHAIN}.filters[0].typed_config: required`,
  ]);
});

test('the router is the last HTTP filter', () => {
  const at = `${CHAIN}.filters[0].typed_config.http_filters`;
  assert.deepEqual(issuesOf(bootstrapOf({ manager: { http_filters: [] } })), [
    `${at}: the chain must end with the router filter`,
  ]);
  assert.deepEqual(issuesOf(bootstrapOf({ manager: { http_filters: [ROUTER_FILTER, buffer] } })), [
    `${at}[0]: the router must be the last HTTP filter`,
    `${at}[1]: the last HTTP filter must be the router`,
  ]);
  assert.deepEqual(
    issuesOf(bootstrapOf({ manager: { http_filters: [{ ...ROUTER_FILTER, disabled: true }] } })),
    [`${at}[0].disabled: the router cannot be disabled`],
  );
});

test('a domain is served by one virtual host', () => {
  const hosts = [
    { name: 'a', domains: ['*', 'Example.org'] },
    { name: 'b', domains: ['example.org', '*', 'a*b.org'] },
  ];
  assert.deepEqual(issuesOf(bootstrapOf({ hosts })), [
    `${ROUTES}.virtual_hosts[1].domains[0]: domain "example.org" is already served by virtual host "a"`,
    `${ROUTES}.virtual_hosts[1].domains[1]: domain "*" is already served by virtual host "a"`,
    `${ROUTES}.virtual_hosts[1].domains[2]: "a*b.org": * may stand only at the beginning or the end`,
  ]);
});

test('a route names clusters that exist, unless validate_clusters is off', () => {
  const split = {
    cluster: null,
    weighted_clusters: {
      clusters: [
        { name: 'service', weight: 1 },
        { name: 'gone', weight: 1 },
      ],
    },
  };
  assert.deepEqual(issuesOf(bootstrapOf({ route: { cluster: 'nope' } })), [
    `${ROUTES}.virtual_hosts[0].routes[0].route.cluster: unknown cluster "nope"`,
  ]);
  assert.deepEqual(issuesOf(bootstrapOf({ route: split })), [
    `${ROUTES}.virtual_hosts[0].routes[0].route.weighted_clusters.clusters[1].name: unknown cluster "gone"`,
  ]);
  const table = {
    validate_clusters: false,
    virtual_hosts: [
      { name: 'a', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'nope' } }] },
    ],
  };
  assert.deepEqual(issuesOf(bootstrapOf({ manager: { route_config: table } })), []);
});

test('weights must be there to draw from', () => {
  const split = { cluster: null, weighted_clusters: { clusters: [{ name: 'service', weight: 0 }] } };
  assert.match(issuesOf(bootstrapOf({ route: split })).join(), /weighted_clusters: the weights add up to 0/);
});

test('a cluster without hosts to resolve is refused', () => {
  assert.deepEqual(issuesOf(bootstrapOf({ cluster: { load_assignment: null } })), [
    `${CLUSTER}.load_assignment: required for a cluster of type STATIC`,
  ]);
  const assignment = {
    cluster_name: 'service',
    endpoints: [{ lb_endpoints: [endpoint('example.org', 80)] }],
  };
  assert.match(
    issuesOf(bootstrapOf({ cluster: { load_assignment: assignment } })).join(),
    /must be an IP address in a STATIC cluster/,
  );
  assert.deepEqual(
    issuesOf(bootstrapOf({ cluster: { type: 'STRICT_DNS', load_assignment: assignment } })),
    [],
  );
});

test('a cluster type that is not supported brings no second complaint about its hosts', () => {
  const assignment = {
    cluster_name: 'service',
    endpoints: [{ lb_endpoints: [endpoint('example.org', 80)] }],
  };
  assert.equal(
    issuesOf(bootstrapOf({ cluster: { type: 'LOGICAL_DNS', load_assignment: assignment } })).length,
    1,
  );
});

test('thresholds are given once per priority', () => {
  const cluster = {
    circuit_breakers: { thresholds: [{ max_requests: 1 }, { priority: 'HIGH' }, { priority: 'DEFAULT' }] },
  };
  assert.deepEqual(issuesOf(bootstrapOf({ cluster })), [
    `${CLUSTER}.circuit_breakers.thresholds[2].priority: thresholds for DEFAULT are given twice`,
  ]);
});

test('protocol options stand under the name of their type', () => {
  const options = {
    '@type': 'x/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http_protocol_options: {} },
  };
  assert.match(
    issuesOf(bootstrapOf({ cluster: { typed_extension_protocol_options: { http: options } } })).join(),
    /the key must be the name of the type/,
  );
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  assert.deepEqual(
    issuesOf(bootstrapOf({ cluster: { typed_extension_protocol_options: { [key]: options } } })),
    [],
  );
});

test('regular expressions are RE2, and substitutions name groups that exist', () => {
  const hosts = (regex: string, substitution: string) => [
    {
      name: 'a',
      domains: ['*'],
      routes: [
        {
          match: { safe_regex: { regex } },
          route: { cluster: 'service', regex_rewrite: { pattern: { regex }, substitution } },
        },
      ],
    },
  ];
  assert.deepEqual(issuesOf(bootstrapOf({ hosts: hosts('/a/(.*)', '/b/\\1\\\\') })), []);
  assert.match(
    issuesOf(bootstrapOf({ hosts: hosts('/a/(.*)', '/b/\\2') })).join(),
    /"\\2" names no group of the pattern, which has 1/,
  );
  assert.match(issuesOf(bootstrapOf({ hosts: hosts('(?=x)', '') })).join(), /not a valid RE2 expression/);
});

test('log formats go to the checker that was handed in, JSON ones value by value', () => {
  const log = (format: object) => ({
    access_log: [{ name: 'x', typed_config: { '@type': STDOUT, log_format: format } }],
  });
  const checks = {
    accessLogFormat: (format: string) => (format.includes('%BAD%') ? 'no operator %BAD%' : null),
  };
  const at = `${CHAIN}.filters[0].typed_config.access_log[0].typed_config.log_format`;
  assert.deepEqual(
    issuesOf(bootstrapOf({ manager: log({ text_format_source: { inline_string: 'a %BAD%' } }) }), { checks }),
    [`${at}.text_format_source.inline_string: no operator %BAD%`],
  );
  assert.deepEqual(
    issuesOf(bootstrapOf({ manager: log({ json_format: { a: '%OK%', b: { c: ['%BAD%'] } } }) }), { checks }),
    [`${at}.json_format.b.c[0]: no operator %BAD%`],
  );
});

test('an access log needs its configuration', () => {
  assert.match(
    issuesOf(bootstrapOf({ manager: { access_log: [{ name: 'x' }] } })).join(),
    /access_log\[0\]\.typed_config: required/,
  );
});

test('a direct response keeps to the limit of its size', () => {
  const hosts = [
    {
      name: 'a',
      domains: ['*'],
      routes: [
        {
          match: { prefix: '/' },
          direct_response: { status: 200, body: { inline_string: 'x'.repeat(4097) } },
        },
      ],
    },
  ];
  assert.match(issuesOf(bootstrapOf({ hosts })).join(), /the body has 4097 bytes/);
});

test('only runtime keys that something reads may be set', () => {
  const layers = (layer: object) => ({ layered_runtime: { layers: [{ name: 's', static_layer: layer }] } });
  assert.deepEqual(
    issuesOf(bootstrapOf({ bootstrap: layers({ overload: { global_downstream_max_connections: 5 } }) })),
    [],
  );
  assert.deepEqual(
    issuesOf(bootstrapOf({ bootstrap: layers({ 'envoy.resource_limits.listener.in.connection_limit': 5 }) })),
    [],
  );
  assert.match(
    issuesOf(bootstrapOf({ bootstrap: layers({ 're2.max': 5 }) })).join(),
    /runtime key "re2\.max" is not read/,
  );
});

test('the module of a javascript filter is found beside the file, or missed', () => {
  const filter = (module: string) => ({
    http_filters: [
      {
        name: 'js',
        typed_config: { '@type': 'x/nodeproxy.extensions.filters.http.javascript.v1.JavaScript', module },
      },
      ROUTER_FILTER,
    ],
  });
  assert.deepEqual(issuesOf(bootstrapOf({ manager: filter('package.json') })), []);
  assert.match(
    issuesOf(bootstrapOf({ manager: filter('nothing-here.js') })).join(),
    /module: there is no file \/.*nothing-here\.js/,
  );
  assert.match(issuesOf(bootstrapOf({ manager: filter('') })).join(), /module: required/);
});

test('a trial compilation of the routes reports at the table', () => {
  const checks = { routeConfiguration: () => 'cannot be compiled' };
  assert.deepEqual(issuesOf(bootstrapOf(), { checks }), [`${ROUTES}: cannot be compiled`]);
});

test('headers of a mapper of local replies are tried where they stand', () => {
  const checks = {
    addedHeaders: (headers: readonly unknown[]) => (headers.length > 0 ? 'no such header' : null),
  };
  const added = [{ header: { key: 'x', value: 'y' } }];
  const mappers = [{ filter: { not_health_check_filter: {} }, headers_to_add: added }];
  const place = ROUTES.replace(/route_config$/, 'local_reply_config.mappers[0].headers_to_add');
  const manager = { local_reply_config: { mappers } };
  assert.deepEqual(issuesOf(bootstrapOf({ manager }), { checks }), [`${place}: no such header`]);
});

test('what could not be read is not reported again as missing', () => {
  const text = JSON.stringify(bootstrapOf()).replace('"filter_chains":[', '"filter_chains":[7,');
  assert.deepEqual(issuesOf(text), [
    `${LISTENER}.filter_chains[0]: expected a mapping (envoy.config.listener.v3.FilterChain), got 7`,
  ]);
  assert.equal(HCM.includes('HttpConnectionManager'), true);
});
