/** A mesh as configuration: what the generator writes is what the proxy loads, at any size and in bounded memory. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  MOST_PODS,
  meshParts,
  podAddress,
  serviceCluster,
  serviceHost,
  writeMesh,
} from '../../bench/harness/mesh.ts';
import type { Mesh } from '../../bench/harness/mesh.ts';
import { validateText } from '../../src/config/load-bootstrap.ts';
import { CONFIG_CHECKS } from '../../src/server/config-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-mesh-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function mesh(services: number, endpoints = 2): Mesh {
  return { services, endpoints, podPort: 8080, port: 0 };
}

interface Loaded {
  readonly static_resources: {
    readonly clusters: {
      readonly name: string;
      readonly load_assignment: { readonly endpoints: { readonly lb_endpoints: object[] }[] };
    }[];
    readonly listeners: object[];
  };
}

for (const services of [0, 1, 150]) {
  test(`a mesh of ${services} services is a configuration that the proxy accepts`, () => {
    const text = [...meshParts(mesh(services))].join('');
    assert.deepEqual(validateText({ text, file: 'mesh.json' }, { checks: CONFIG_CHECKS }), { ok: true });
    const { clusters } = (JSON.parse(text) as Loaded).static_resources;
    assert.equal(clusters.length, services);
    assert.equal(text.match(/"domains"/g)?.length ?? 0, services);
  });
}

test('every service has its own name, and every pod its own loopback address', () => {
  const text = [...meshParts(mesh(300, 3))].join('');
  const { clusters } = (JSON.parse(text) as Loaded).static_resources;
  assert.equal(new Set(clusters.map(({ name }) => name)).size, 300);
  const addresses = Array.from(
    text.matchAll(/"address":"(127\.\d+\.\d+\.\d+)","port_value":8080/g),
    ([, ip]) => ip,
  );
  assert.equal(addresses.length, 900);
  assert.equal(new Set(addresses).size, 900);
  assert.equal(serviceCluster(7), `outbound|80||${serviceHost(7)}`);
});

test('pods begin behind localhost and end with the loopback network', () => {
  assert.equal(podAddress(0), '127.1.0.0');
  assert.equal(podAddress(256), '127.1.1.0');
  assert.equal(podAddress(MOST_PODS - 1), '127.255.255.255');
  for (const pod of [-1, MOST_PODS, 0.5, NaN]) assert.throws(() => podAddress(pod), RangeError);
});

test('a mesh that cannot be is refused before a byte is written', () => {
  for (const wrong of [mesh(-1), mesh(1.5), mesh(NaN), mesh(1, -1), mesh(MOST_PODS, 2)])
    assert.throws(() => [...meshParts(wrong)], RangeError);
});

test('fields of the listener stand beside the generated ones', () => {
  const text = [...meshParts({ ...mesh(1), listener: { enable_reuse_port: false } })].join('');
  const [listener] = (JSON.parse(text) as Loaded).static_resources.listeners;
  assert.deepEqual(Object.keys(listener ?? {}), ['name', 'address', 'enable_reuse_port', 'filter_chains']);
});

test('the file holds what the parts are, across chunks', async () => {
  const file = join(folder, 'some.json');
  await writeMesh(file, mesh(700));
  assert.equal(readFileSync(file, 'utf8'), [...meshParts(mesh(700))].join(''));
});

test('100,000 pods in 50,000 services are written within a minute and a bounded heap', () => {
  const file = join(folder, 'large.json');
  const harness = new URL('../../bench/harness/mesh.ts', import.meta.url).href;
  // A heap in which the file alone would not fit twice: the process would end with it.
  const program = `import { writeMesh } from ${JSON.stringify(harness)};
    await writeMesh(${JSON.stringify(file)}, ${JSON.stringify(mesh(50_000))});`;
  execFileSync(process.execPath, ['--max-old-space-size=16', '--input-type=module', '-e', program], {
    timeout: 60_000,
  });
  assert.ok(statSync(file).size > 30_000_000);
});
