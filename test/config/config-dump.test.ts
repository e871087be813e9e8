/** The dump is Envoy's, and it is a configuration again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configDumpSections, nodeJson, routeConfigurations } from '../../src/config/config-dump.ts';
import { loadBootstrap } from '../../src/config/load-bootstrap.ts';
import { bootstrapOf } from './configs.ts';

const load = (config: object) => loadBootstrap({ text: JSON.stringify(config), file: 'envoy.yaml' });
const bootstrap = load(
  bootstrapOf({ bootstrap: { node: { id: 'n', cluster: 'c' } }, manager: { stream_idle_timeout: '2.5s' } }),
);

test('the sections come in the order of Envoy, typed and stamped', () => {
  const sections = configDumpSections(bootstrap, 0);
  assert.deepEqual(
    sections.map((section) => section['@type']),
    ['Bootstrap', 'Clusters', 'Listeners', 'Routes'].map(
      (name) => `type.googleapis.com/envoy.admin.v3.${name}ConfigDump`,
    ),
  );
  const text = JSON.stringify(sections);
  assert.ok(text.includes('"stream_idle_timeout":"2.500s"'));
  assert.ok(text.includes('"last_updated":"1970-01-01T00:00:00.000Z"'));
  assert.ok(text.includes('"@type":"type.googleapis.com/envoy.config.cluster.v3.Cluster"'));
});

test('the dumped bootstrap loads to the one that runs', () => {
  const dumped = configDumpSections(bootstrap, 0)[0]?.['bootstrap'];
  assert.deepEqual(load(dumped as object), bootstrap);
});

test('route tables are found behind their listeners', () => {
  assert.deepEqual(
    routeConfigurations(bootstrap).map((table) => table.virtual_hosts?.[0]?.name),
    ['all'],
  );
});

test('the node is shown, and an unset one is empty', () => {
  assert.deepEqual(nodeJson(bootstrap), { id: 'n', cluster: 'c' });
  assert.deepEqual(nodeJson({}), {});
});
