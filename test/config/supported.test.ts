/** The lists of what is implemented name things that exist, and leave no hole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envoySchema } from '../../src/config/schema.ts';
import { Support } from '../../src/config/support.ts';
import { SUPPORTED_EXTENSIONS, SUPPORTED_FIELDS, SUPPORTED_VALUES } from '../../src/config/supported.ts';

const schema = envoySchema();
const words = (line: string): string[] => line.split(/\s+/).filter((word) => word !== '');

test('every listed field exists in its message', () => {
  for (const [message, line] of Object.entries(SUPPORTED_FIELDS)) {
    assert.ok(schema.isMessage(message), message);
    const known = schema.message(message).fields.map((field) => field.name);
    for (const word of words(line)) assert.ok(known.includes(word), `${message}.${word}`);
    assert.equal(new Set(words(line)).size, words(line).length, `${message} lists a field twice`);
  }
});

test('every listed value exists in its enum', () => {
  for (const [name, line] of Object.entries(SUPPORTED_VALUES)) {
    for (const word of words(line)) assert.ok(schema.enum(name).numbers.has(word), `${name}.${word}`);
  }
});

test('a message that a listed field leads to is listed', () => {
  for (const [message, line] of Object.entries(SUPPORTED_FIELDS)) {
    for (const word of words(line)) {
      const target = schema.message(message).byName.get(word)?.m;
      if (target === undefined || target.startsWith('google.protobuf.')) continue;
      assert.ok(SUPPORTED_FIELDS[target] !== undefined, `${message}.${word} leads to ${target}`);
    }
  }
});

test('a listed Any has its extensions, and each extension its fields', () => {
  for (const [message, line] of Object.entries(SUPPORTED_FIELDS)) {
    for (const word of words(line)) {
      if (schema.message(message).byName.get(word)?.m !== 'google.protobuf.Any') continue;
      assert.ok(SUPPORTED_EXTENSIONS[`${message}.${word}`] !== undefined, `${message}.${word}`);
    }
  }
  for (const [place, types] of Object.entries(SUPPORTED_EXTENSIONS)) {
    for (const type of types) assert.ok(SUPPORTED_FIELDS[type] !== undefined, `${place}: ${type}`);
  }
});

test('no listed message is out of reach', () => {
  const reached = new Set<string>();
  const queue = ['envoy.config.bootstrap.v3.Bootstrap'];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    for (const word of words(SUPPORTED_FIELDS[name] ?? '')) {
      const target = schema.message(name).byName.get(word)?.m;
      if (target === 'google.protobuf.Any') queue.push(...(SUPPORTED_EXTENSIONS[`${name}.${word}`] ?? []));
      else if (target !== undefined) queue.push(target);
    }
  }
  assert.deepEqual(
    Object.keys(SUPPORTED_FIELDS).filter((name) => !reached.has(name)),
    [],
  );
});

test('an extension in the wrong place is told from one that is not implemented', () => {
  const support = new Support();
  const place = 'envoy.config.listener.v3.Filter.typed_config';
  assert.equal(support.refusedExtension(place, 'envoy.extensions.filters.network.echo.v3.Echo'), '');
  assert.match(
    support.refusedExtension(place, 'envoy.extensions.filters.http.router.v3.Router'),
    /does not belong here/,
  );
  assert.match(
    support.refusedExtension(place, 'envoy.extensions.filters.network.rbac.v3.RBAC'),
    /not supported by nodeproxy yet/,
  );
});
