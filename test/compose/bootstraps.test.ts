/** The proxies' bootstraps in `compose/config`: valid, with the log that a diagnosis needs, and naming only what they can reach. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { formatIssue } from '../../src/config/config-error.ts';
import { validate } from '../../src/config/load-bootstrap.ts';
import { DIAGNOSTIC_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { CONFIG_CHECKS } from '../../src/server/config-checks.ts';
import { ROOT } from '../docs/markdown.ts';
import { Addresses } from './engine/addresses.ts';
import { ofProfile, readCompose } from './engine/compose-file.ts';

const ALL = readCompose(join(ROOT, 'docker-compose.yml'));
const FILES = globSync('compose/config/*.yaml', { cwd: ROOT });
const SERVICES = ['one', 'two', 'three'];

interface Listener {
  readonly name: string;
  readonly filter_chains: readonly {
    readonly filters: readonly { readonly typed_config: Manager }[];
  }[];
}

interface Manager {
  readonly stat_prefix: string;
  readonly access_log: readonly {
    readonly typed_config: {
      readonly path: string;
      readonly log_format: { readonly text_format_source: { readonly inline_string: string } };
    };
  }[];
  readonly route_config: { readonly virtual_hosts: readonly { readonly domains: readonly string[] }[] };
}

interface Bootstrap {
  readonly static_resources: {
    readonly listeners: readonly Listener[];
    readonly clusters: readonly { readonly type: string; readonly load_assignment: unknown }[];
  };
}

function bootstrapOf(file: string): Bootstrap {
  return load(readFileSync(join(ROOT, file), 'utf8'), {
    schema: CORE_SCHEMA.withTags(mergeTag),
  }) as Bootstrap;
}

function managersOf(file: string): Manager[] {
  return bootstrapOf(file).static_resources.listeners.flatMap(({ filter_chains: chains }) =>
    chains.flatMap(({ filters }) => filters.map(({ typed_config: config }) => config)),
  );
}

/** Proxies that run with a file. */
function proxiesWith(file: string): string[] {
  const word = `--config-path=/etc/nodeproxy/${basename(file)}`;
  return [...ALL.values()].filter(({ command }) => command?.includes(word) === true).map(({ name }) => name);
}

test('there is a bootstrap for each kind of proxy, and each is used', () => {
  const used = Object.fromEntries(FILES.map((file) => [basename(file), proxiesWith(file).length]));
  assert.deepEqual(used, { 'node-a.yaml': 1, 'node-b.yaml': 1, 'sidecar.yaml': 4 });
});

for (const file of FILES)
  describe(file, () => {
    test('is valid', () => {
      const result = validate(join(ROOT, file), { checks: CONFIG_CHECKS });
      assert.deepEqual(result.ok ? [] : result.issues.map((issue) => formatIssue(issue)), []);
    });

    test('logs every request of both listeners in the form that a diagnosis reads, into the volume', () => {
      const managers = managersOf(file);
      assert.deepEqual(
        managers.map((manager) => manager.stat_prefix),
        ['outbound', 'inbound'],
      );
      for (const { access_log: logs } of managers) {
        assert.equal(logs.length, 1);
        assert.equal(logs[0]?.typed_config.path, '/var/log/nodeproxy/access.log');
        assert.equal(logs[0]?.typed_config.log_format.text_format_source.inline_string, DIAGNOSTIC_FORMAT);
      }
    });

    test('sends its pods to every service', () => {
      const domains = managersOf(file)[0]?.route_config.virtual_hosts.flatMap((host) => host.domains);
      assert.deepEqual(domains, SERVICES);
    });

    test('names only services that share a network with each proxy that runs with it', () => {
      const { clusters } = bootstrapOf(file).static_resources;
      for (const proxy of proxiesWith(file)) {
        const service = ALL.get(proxy);
        assert.ok(service !== undefined);
        const addresses = new Addresses(ofProfile(ALL, service.profiles[0] ?? ''), process.pid);
        for (const { type, load_assignment: assignment } of clusters) {
          const names = [...JSON.stringify(assignment).matchAll(/"address":"([^"]+)"/g)].map(
            ([, name = '']) => name,
          );
          assert.equal(names.length, 1);
          if (type === 'STRICT_DNS')
            assert.ok(addresses.resolve(names[0] ?? '', service) !== null, `${proxy}: ${names[0]}`);
          else assert.deepEqual(names, ['127.0.0.1']);
        }
      }
    });
  });

test("a node's proxy cannot go around the other one", () => {
  const addresses = new Addresses(ofProfile(ALL, 'nodeproxy'), process.pid);
  const [a, b] = [ALL.get('node-a'), ALL.get('node-b')];
  assert.ok(a !== undefined && b !== undefined);
  const reached = (by: typeof a): string[] => SERVICES.filter((name) => addresses.resolve(name, by) !== null);
  assert.deepEqual(reached(a), ['one']);
  assert.deepEqual(reached(b), ['two', 'three']);
});
