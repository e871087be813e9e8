/**
 * The slot's memory: what a writer publishes, readers of every version find, decoding each entry at most once while it stays.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SnapshotReader, SnapshotWriter } from '../../src/server/snapshot.ts';

const value = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.record({ hosts: fc.array(fc.string()), weight: fc.nat() }, { noNullPrototype: true }),
);
const change = fc.record({
  set: fc.dictionary(fc.string(), value, { maxKeys: 8 }),
  drop: fc.array(fc.nat({ max: 30 })),
});

test('every published version reads as the map it was made from, also after later ones', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const writer = new SnapshotWriter<unknown>();
      const reader = new SnapshotReader<unknown>();
      const model = new Map<string, unknown>();
      const kept: { names: string[]; values: unknown[]; snapshot: ReturnType<typeof reader.get> }[] = [];
      for (const { set, drop } of changes) {
        const removed = drop
          .flatMap((index) => [...model.keys()][index] ?? [])
          .filter((name) => !Object.hasOwn(set, name));
        for (const [name, each] of Object.entries(set)) model.set(name, each);
        for (const name of removed) model.delete(name);
        reader.set(writer.publish(new Map(Object.entries(set)), removed));
        kept.push({ names: [...model.keys()], values: [...model.values()], snapshot: reader.get() });
      }
      for (const { names, values, snapshot } of kept) {
        assert.deepEqual([...snapshot.names()], names);
        assert.deepEqual(
          names.map((name) => snapshot.get(name)),
          values,
        );
        assert.equal(snapshot.get('no such name, surely'), undefined);
      }
    }),
  );
});

test('a push of one entry decodes that entry alone', () => {
  const writer = new SnapshotWriter<{ port: number }>();
  const reader = new SnapshotReader<{ port: number }>();
  const all = new Map(Array.from({ length: 1000 }, (_, index) => [`cluster-${index}`, { port: index }]));
  reader.set(writer.replaceAll(all));
  assert.equal(reader.decoded, 0);
  const before = [...all.keys()].map((name) => reader.get().get(name));
  assert.equal(reader.decoded, 1000);
  reader.set(writer.publish(new Map([['cluster-7', { port: 7777 }]])));
  const after = [...all.keys()].map((name) => reader.get().get(name));
  assert.equal(reader.decoded, 1001);
  assert.deepEqual(after[7], { port: 7777 });
  assert.equal(after.filter((each, index) => each === before[index]).length, 999);
});

test('replaceAll keeps the version of entries whose content is the same', () => {
  const writer = new SnapshotWriter<string>();
  const reader = new SnapshotReader<string[]>();
  reader.set(
    writer.replaceAll(
      new Map([
        ['a', 'x'],
        ['b', 'y'],
      ]),
    ),
  );
  const kept = reader.get().get('a');
  reader.set(
    writer.replaceAll(
      new Map([
        ['a', 'x'],
        ['c', 'z'],
      ]),
    ),
  );
  assert.equal(reader.get().get('a'), kept);
  assert.equal(reader.decoded, 1);
  assert.equal(reader.get().get('b'), undefined);
});

test('a snapshot that a request started on stays as it was', () => {
  const writer = new SnapshotWriter<string>();
  const reader = new SnapshotReader<string>();
  reader.set(
    writer.publish(
      new Map([
        ['a', 'old'],
        ['unread', 'old'],
      ]),
    ),
  );
  const started = reader.get();
  started.get('a');
  reader.set(
    writer.publish(
      new Map([
        ['a', 'new'],
        ['unread', 'new'],
      ]),
    ),
  );
  assert.deepEqual([started.get('a'), started.get('unread')], ['old', 'old']);
  assert.deepEqual([reader.get().get('a'), reader.get().get('unread')], ['new', 'new']);
});

test('bytes come back as Buffers', () => {
  const writer = new SnapshotWriter<{ inline: Buffer }>();
  const reader = new SnapshotReader<{ inline: Buffer }>();
  const inline = Buffer.from([0, 255, 10]);
  reader.set(writer.publish(new Map([['cert', { inline }]])));
  const read = reader.get().get('cert')?.inline;
  assert.ok(Buffer.isBuffer(read));
  assert.deepEqual(read, inline);
});

test('memory is compacted when most of it is dead', () => {
  const writer = new SnapshotWriter<string>();
  const reader = new SnapshotReader<string>();
  for (let round = 0; round < 500; round += 1)
    reader.set(writer.publish(new Map([['a', String(round).repeat(500)]])));
  assert.ok(writer.byteLength < 400_000, `${writer.byteLength} bytes are held`);
  assert.equal(reader.get().get('a'), '499'.repeat(500));
});

test('asking for unknown names leaves nothing behind', () => {
  const writer = new SnapshotWriter<string>();
  const reader = new SnapshotReader<string>();
  reader.set(writer.publish(new Map([['a', '1']])));
  for (let index = 0; index < 1000; index += 1) assert.equal(reader.get().get(`unknown-${index}`), undefined);
  assert.equal(reader.decoded, 0);
});

test('a slot read before its first set is a broken invariant', () => {
  assert.throws(() => new SnapshotReader<string>().get(), /before it was set/);
});
