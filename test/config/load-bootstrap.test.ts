/** From text to bootstrap: values arrive in the form that the types promise, and every mistake is found at once, in its place. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HttpConnectionManager } from '../../src/api/envoy.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadBootstrap, validate } from '../../src/config/load-bootstrap.ts';
import { ECHO, HCM, ROUTER_FILTER, bootstrapOf, issuesOf } from './configs.ts';

const load = (text: string, configYaml?: string) =>
  loadBootstrap({ text, file: 'envoy.yaml' }, configYaml === undefined ? {} : { configYaml });

test('durations become ms, wrappers plain values, enums names, an Any loses its prefix', () => {
  const bootstrap = load(
    JSON.stringify(
      bootstrapOf({
        manager: {
          stream_idle_timeout: '1.5s',
          use_remote_address: true,
          codec_type: 1,
          max_request_headers_kb: 8,
        },
        listener: { per_connection_buffer_limit_bytes: '4096' },
      }),
    ),
  );
  const listener = bootstrap.static_resources?.listeners?.[0];
  assert.equal(listener?.per_connection_buffer_limit_bytes, 4096);
  const config = listener?.filter_chains?.[0]?.filters?.[0]?.typed_config;
  assert.equal(config?.['@type'], HCM.slice('type.googleapis.com/'.length));
  const manager = config as HttpConnectionManager;
  assert.equal(manager.stream_idle_timeout, 1500);
  assert.equal(manager.use_remote_address, true);
  assert.equal(manager.codec_type, 'HTTP1');
  assert.equal(manager.max_request_headers_kb, 8);
  assert.equal(manager.request_timeout, undefined);
});

test('camel case names, as the JSON mapping allows them, read like the others', () => {
  assert.equal(load('statsFlushInterval: 2s').stats_flush_interval, 2000);
});

test('null and an empty file mean unset', () => {
  assert.deepEqual(load('admin: null\nnode:\n'), {});
  assert.deepEqual(load(''), {});
  assert.deepEqual(load('# only a comment\n'), {});
});

test('all mistakes are reported together, each with file, line, column and path', () => {
  const text = [
    'admin:',
    '  adress: {}',
    'stats_flush_interval: 5m',
    'node:',
    '  id: 7',
    'enable_dispatcher_stats: maybe',
  ].join('\n');
  assert.throws(
    () => load(text),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.message.split('\n'), [
        'envoy.yaml:2:3: admin.adress: unknown field "adress" in envoy.config.bootstrap.v3.Admin (did you mean "address"?)',
        'envoy.yaml:3:23: stats_flush_interval: expected a duration like "0.25s" or "10s", got "5m"',
        'envoy.yaml:5:7: node.id: expected a string, got 7 (put it in quotes)',
        'envoy.yaml:6:26: enable_dispatcher_stats: expected true or false, got "maybe"',
      ]);
      return true;
    },
  );
});

test('what Envoy has and we have not is told from what nobody has', () => {
  assert.deepEqual(issuesOf({ stats_sinks: [], stat_sinks: [] }), [
    'stats_sinks: known to Envoy, not supported by nodeproxy yet (envoy.config.bootstrap.v3.Bootstrap)',
    'stat_sinks: unknown field "stat_sinks" in envoy.config.bootstrap.v3.Bootstrap (did you mean "stats_sinks"?)',
  ]);
  assert.match(
    issuesOf(bootstrapOf({ cluster: { lb_policy: 'MAGLEV' } })).join(),
    /lb_policy: MAGLEV is known to Envoy, not supported by nodeproxy yet/,
  );
  assert.match(
    issuesOf(bootstrapOf({ cluster: { lb_policy: 'ROUND_ROBBIN' } })).join(),
    /invalid value "ROUND_ROBBIN".*did you mean "ROUND_ROBIN"/,
  );
});

test('an unknown extension type and a misplaced one are refused at their @type', () => {
  const bad = bootstrapOf({
    manager: {
      http_filters: [
        {
          name: 'a',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HttpFault' },
        },
        { name: 'b', typed_config: { '@type': ECHO } },
        { name: 'c', typed_config: {} },
        ROUTER_FILTER,
      ],
    },
  });
  const at = 'static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters';
  assert.deepEqual(issuesOf(bad), [
    `${at}[0].typed_config.@type: unknown type "envoy.extensions.filters.http.fault.v3.HttpFault" (did you mean "envoy.extensions.filters.http.fault.v3.HTTPFault"?)`,
    `${at}[1].typed_config.@type: envoy.extensions.filters.network.echo.v3.Echo: does not belong here`,
    `${at}[2].typed_config: missing "@type"`,
  ]);
});

test('the rules of the definitions are checked', () => {
  assert.deepEqual(issuesOf({ stats_flush_interval: '0s' }), ['stats_flush_interval: must be >= 0.001s']);
  assert.match(issuesOf(bootstrapOf({ cluster: { name: '' } })).join(), /clusters\[0\]\.name: required/);
  assert.match(
    issuesOf(bootstrapOf({ hosts: [{ name: 'a', domains: [] }] })).join(),
    /virtual_hosts\[0\]\.domains: must have at least 1 item/,
  );
  assert.match(
    issuesOf(
      bootstrapOf({ listener: { address: { socket_address: { address: '127.0.0.1', port_value: 65536 } } } }),
    ).join(),
    /port_value: must be <= 65535/,
  );
  assert.match(
    issuesOf(
      bootstrapOf({ hosts: [{ name: 'a', domains: ['*'], request_headers_to_remove: ['a\nb'] }] }),
    ).join(),
    /request_headers_to_remove\[0\]: holds characters/,
  );
});

test('members of one oneof exclude each other, and a required oneof must be there', () => {
  assert.match(
    issuesOf(
      bootstrapOf({
        hosts: [
          {
            name: 'a',
            domains: ['*'],
            routes: [{ match: { prefix: '/', path: '/' }, route: { cluster: 'service' } }],
          },
        ],
      }),
    ).join(),
    /match\.path: cannot be given together with "prefix"/,
  );
  assert.match(
    issuesOf(
      bootstrapOf({
        hosts: [{ name: 'a', domains: ['*'], routes: [{ match: {}, route: { cluster: 'service' } }] }],
      }),
    ).join(),
    /match: one of prefix, path, safe_regex, path_separated_prefix is required/,
  );
});

test('the same field under both spellings is given twice', () => {
  assert.deepEqual(issuesOf('stats_flush_interval: 1s\nstatsFlushInterval: 1s'), [
    'stats_flush_interval: "stats_flush_interval" is given twice',
  ]);
});

test('64-bit numbers that a double cannot hold are refused, not rounded', () => {
  const monitor = (max: string) => ({
    overload_manager: {
      resource_monitors: [
        {
          name: 'x',
          typed_config: {
            '@type':
              'x/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: max,
          },
        },
      ],
    },
  });
  assert.deepEqual(issuesOf(monitor('9007199254740991')), []);
  assert.match(issuesOf(monitor('9007199254740993')).join(), /out of range for int64/);
});

test('--config-yaml is laid over the file, and its mistakes name it', () => {
  const file = JSON.stringify(bootstrapOf({ bootstrap: { node: { id: 'a', cluster: 'c' } } }));
  const bootstrap = load(
    file,
    'node: { id: b }\nstatic_resources: { clusters: [{ name: two, load_assignment: { cluster_name: two } }] }',
  );
  assert.deepEqual(bootstrap.node, { id: 'b', cluster: 'c' });
  assert.deepEqual(
    bootstrap.static_resources?.clusters?.map((cluster) => cluster.name),
    ['service', 'two'],
  );
  assert.throws(
    () => load(file, 'node: { ix: b }'),
    /^ConfigError: --config-yaml:1:9: node\.ix: unknown field/,
  );
});

test('validate gives the issues of a file, and of one that is not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-config-'));
  try {
    const file = join(folder, 'a.json');
    writeFileSync(file, JSON.stringify(bootstrapOf()));
    assert.deepEqual(validate(file), { ok: true });
    writeFileSync(file, '{ "nod": {} }');
    const result = validate(file);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.issues.map(({ line, column, path }) => [line, column, path]),
      [[1, 3, 'nod']],
    );
    const missing = validate(join(folder, 'b.yaml'));
    assert.ok(!missing.ok);
    assert.match(missing.issues[0]?.message ?? '', /ENOENT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('thousands of mistakes are cut to a readable number, and the rest is counted', () => {
  const text = Array.from({ length: 1000 }, (_line, index) => `x${index}: 1`).join('\n');
  const issues = issuesOf(text);
  assert.equal(issues.length, 201);
  assert.equal(issues.at(-1), '(root): 800 more issues are not listed');
});
