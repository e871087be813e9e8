import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bootstrap } from '../../src/api/envoy.ts';
import { detached, PackedBootstrap } from '../../src/server/packed-bootstrap.ts';

function sample(): Bootstrap {
  const value = { name: 'odd', bytes: Buffer.from([0, 255]), infinite: Infinity, nothing: NaN };
  return { node: { id: 'n' }, static_resources: { clusters: [{ name: 'a' }, value] } } as Bootstrap;
}

test('a packed bootstrap is dumped as it was loaded, bytes and numbers without a JSON form too', async () => {
  const packed = new PackedBootstrap(sample());
  await packed.pack();
  await packed.pack();
  assert.deepEqual(packed.get(), sample());
  const [, odd] = packed.get().static_resources?.clusters ?? [];
  assert.ok(Buffer.isBuffer((odd as unknown as { bytes: unknown }).bytes));
});

test('packing takes the resources away from whoever loaded them, not before it is done', async () => {
  const loaded = sample();
  const packed = new PackedBootstrap(loaded);
  const done = packed.pack();
  assert.deepEqual(packed.get(), sample());
  await done;
  assert.deepEqual(loaded, { node: { id: 'n' }, static_resources: {} });
});

test('a detached tree is equal, shares nothing and keeps Buffers', () => {
  const tree = sample();
  assert.deepEqual(detached(tree), tree);
  assert.notEqual(detached(tree).node, tree.node);
});
