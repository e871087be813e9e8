/** The header map as filters use it, held against a plain model under random operations, and its table of names. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { HeaderList } from '../../src/codec/header-map.ts';
import { hashStep, headerName, HeaderNameTable } from '../../src/codec/header-name.ts';

test('pseudo headers are fields, not entries, and host is the authority', () => {
  const headers = HeaderList.request('GET', '/x', 'a.test');
  headers.add('b', '1');
  assert.equal(headers.size, 1);
  assert.equal(headers.get(':path'), '/x');
  assert.equal(headers.get('host'), 'a.test');
  assert.equal(headers.get(':protocol'), null);
  headers.set(':path', '/y');
  headers.set('host', 'b.test');
  assert.equal(headers.path, '/y');
  assert.equal(headers.authority, 'b.test');
  assert.equal(headers.remove(':path'), 1);
  assert.equal(headers.has(':path'), false);
  assert.equal(HeaderList.response(404).get(':status'), '404');
  assert.throws(() => headers.set(':nope', 'x'), /pseudo/);
});

test('set replaces all entries at the place of the first and keeps its spelling', () => {
  const headers = new HeaderList();
  headers.add('A', '1');
  headers.add('B', '2');
  headers.add('a', '3');
  headers.set('a', '4');
  assert.deepEqual(
    [headers.size, headers.originalNameAt(0), headers.valueAt(0), headers.valueAt(1)],
    [2, 'A', '4', '2'],
  );
});

test('a clone shares nothing', () => {
  const headers = HeaderList.request('GET', '/', 'a');
  headers.add('b', '1');
  const copy = headers.clone();
  copy.set('b', '2');
  copy.path = '/2';
  assert.equal(headers.get('b'), '1');
  assert.equal(headers.path, '/');
});

const name = fc.constantFrom('a', 'b', 'set-cookie', 'x-long-name');
const operation = fc.record({
  kind: fc.constantFrom('add', 'set', 'remove'),
  name,
  value: fc.string({ unit: 'grapheme-ascii' }),
});

test('random operations agree with a list of pairs', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const headers = new HeaderList();
      let model: [string, string][] = [];
      for (const { kind, name: key, value } of operations) {
        if (kind === 'add') {
          headers.add(key, value);
          model.push([key, value]);
        } else if (kind === 'remove') {
          assert.equal(headers.remove(key), model.filter(([entry]) => entry === key).length);
          model = model.filter(([entry]) => entry !== key);
        } else {
          headers.set(key, value);
          const first = model.findIndex(([entry]) => entry === key);
          if (first === -1) model.push([key, value]);
          else
            model = model
              .filter(([entry], index) => entry !== key || index === first)
              .map((pair, index) => (index === first ? [key, value] : pair));
        }
      }
      assert.equal(headers.size, model.length);
      model.forEach(([key, value], index) =>
        assert.deepEqual([headers.nameAt(index), headers.valueAt(index)], [key, value]),
      );
      const all = model.filter(([entry]) => entry === 'a').map(([, value]) => value);
      assert.deepEqual(headers.getAll('a'), all);
      assert.equal(headers.get('a'), all[0] ?? null);
      assert.equal(headers.getJoined('a'), all.length === 0 ? null : all.join(', '));
    }),
  );
});

function find(table: HeaderNameTable, text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  let hash = 0;
  for (const byte of bytes) hash = hashStep(hash, byte);
  return table.find(bytes, 0, bytes.length, hash).wire;
}

test('the table of names gives the right name under a flood of invented ones, and known names stay', () => {
  const table = new HeaderNameTable(['host', 'user-agent']);
  const host = Buffer.from('host');
  let hash = 0;
  for (const byte of host) hash = hashStep(hash, byte);
  const kept = table.find(host, 0, 4, hash);
  for (let index = 0; index < 20_000; index += 1) assert.equal(find(table, `x-${index}`), `x-${index}`);
  assert.equal(table.find(host, 0, 4, hash), kept);
  assert.equal(kept, headerName('host'), 'bytes and strings give one object');
  // 'Aa' and 'BB' have one hash.
  assert.equal(find(table, 'Aa'), 'Aa');
  assert.equal(find(table, 'BB'), 'BB');
  assert.equal(find(table, 'Aa'), 'Aa');
  assert.equal(find(table, 'y'.repeat(300)), 'y'.repeat(300));
});

test('names that a peer invents take no place from names that filters ask for', () => {
  const table = new HeaderNameTable([]);
  const long = 'x'.repeat(5000);
  for (let index = 0; index < 5000; index += 1) {
    const bytes = Buffer.from(index % 2 === 0 ? `${long}${index}` : `x-invented-${index}`);
    let hash = 0;
    for (const byte of bytes) hash = hashStep(hash, byte);
    assert.equal(table.find(bytes, 0, bytes.length, hash).wire.length, bytes.length);
  }
  assert.equal(headerName('x-of-a-filter'), headerName('x-of-a-filter'));
  assert.notEqual(headerName(long), headerName(long), 'a long name is not kept');
});

test('a pseudo header is set to what a start line can hold, or not at all', () => {
  const headers = HeaderList.request('GET', '/', 'a.test');
  for (const [name = '', value = ''] of [
    [':path', '/a b'],
    [':path', '/a\x7f'],
    [':method', 'GET /'],
    [':authority', 'a b'],
    ['host', 'a\tb'],
    [':status', '99'],
    [':status', 'abc'],
    [':status', '1000'],
  ]) {
    assert.throws(() => headers.set(name, value), `${name} ${value}`);
    assert.throws(() => headers.add(name, value), `${name} ${value}`);
  }
  assert.deepEqual(
    [headers.method, headers.path, headers.authority, headers.status],
    ['GET', '/', 'a.test', 0],
  );
});
