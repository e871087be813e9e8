/** Properties over random messages of the whole schema, and over random and damaged text. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { GeneratorValue } from 'fast-check';
import { dump } from 'js-yaml';
import { ConfigError, IssueList } from '../../src/config/config-error.ts';
import { loadBootstrap } from '../../src/config/load-bootstrap.ts';
import { MessageReader } from '../../src/config/message-reader.ts';
import type { Message } from '../../src/config/message-reader.ts';
import { toProtoJson } from '../../src/config/proto-json.ts';
import { envoySchema, wrappedScalar } from '../../src/config/schema.ts';
import type { Field } from '../../src/config/schema.ts';
import { Source, parseTree } from '../../src/config/yaml-tree.ts';

const schema = envoySchema();
const messages = [...schema.names()].filter((name) => schema.isMessage(name) && !name.startsWith('google.'));
const MAX_DEPTH = 4;
const MAX_FIELDS = 5;
const MAX_ITEMS = 3;

const oneOf = (names: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...names);

function randomMessage(g: GeneratorValue, typeName: string, depth: number): Message {
  const { fields } = schema.message(typeName);
  const message: Message = {};
  const oneofs = new Set<string>();
  const count = fields.length === 0 ? 0 : g(fc.nat, Math.min(MAX_FIELDS, fields.length));
  for (let index = 0; index < count; index++) {
    const field = fields[g(fc.nat, fields.length - 1)];
    if (field === undefined || (field.o !== undefined && oneofs.has(field.o))) continue;
    const value = randomField(g, field, depth);
    if (value === undefined || Object.hasOwn(message, field.name)) continue;
    if (field.o !== undefined) oneofs.add(field.o);
    message[field.name] = value;
  }
  return message;
}

function randomField(g: GeneratorValue, field: Field, depth: number): unknown {
  if (depth > MAX_DEPTH && field.m !== undefined && !field.m.startsWith('google.')) return undefined;
  if (field.k !== undefined) {
    const map: Message = {};
    for (let left = g(fc.nat, MAX_ITEMS); left > 0; left--) {
      const key =
        field.k === 'string' ? `k${g(fc.nat, 99)}` : field.k === 'bool' ? 'true' : String(g(fc.nat, 99));
      map[key] = randomValue(g, field, depth);
    }
    return map;
  }
  if (field.r === 1) return Array.from({ length: g(fc.nat, MAX_ITEMS) }, () => randomValue(g, field, depth));
  return randomValue(g, field, depth);
}

function randomValue(g: GeneratorValue, field: Field, depth: number): unknown {
  if (field.e !== undefined) {
    if (field.e === 'google.protobuf.NullValue') return 'NULL_VALUE';
    return g(oneOf, [...schema.enum(field.e).names.values()]);
  }
  if (field.m === undefined) return randomScalar(g, field.t ?? '');
  const wrapped = wrappedScalar(field.m);
  if (wrapped !== '') return randomScalar(g, wrapped);
  switch (field.m) {
    case 'google.protobuf.Duration':
      return g(fc.integer, { min: -1_000_000_000, max: 1_000_000_000 }) / 1000;
    case 'google.protobuf.Timestamp':
      return '2026-01-31T12:00:00.5Z';
    case 'google.protobuf.Struct':
      return { a: g(fc.nat), b: [g(fc.boolean), null, g(randomText)], c: { d: g(randomText) } };
    case 'google.protobuf.Value':
      return g(fc.constantFrom<unknown[]>, null, 1, 'x', true, [1], { y: 2 });
    case 'google.protobuf.ListValue':
      return [g(fc.nat), g(randomText)];
    case 'google.protobuf.Any': {
      const name = depth > MAX_DEPTH ? 'envoy.extensions.filters.network.echo.v3.Echo' : g(oneOf, messages);
      return { '@type': name, ...randomMessage(g, name, depth + 1) };
    }
    case 'google.protobuf.Empty':
      return {};
  }
  return randomMessage(g, field.m, depth + 1);
}

function randomText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', 'yes', '1', 'null', '~', '0x1', ' a ', 'a: b', '- a', '#', '1s'),
  );
}

function randomScalar(g: GeneratorValue, type: string): unknown {
  switch (type) {
    case 'bool':
      return g(fc.boolean);
    case 'string':
      return g(randomText);
    case 'bytes':
      return Buffer.from(g(fc.uint8Array, { maxLength: 8 }));
    case 'double':
    case 'float':
      return g(fc.double, { noNaN: true }) + 0;
  }
  const unsigned = /^(u|fixed)/.test(type);
  const bits = type.endsWith('64') ? 53 : unsigned ? 32 : 31;
  return g(fc.integer, {
    min: unsigned ? 0 : -(2 ** 31),
    max: 2 ** bits - 1,
  });
}

function read(typeName: string, text: string): Message {
  const issues = new IssueList('random.yaml');
  const tree = parseTree(new Source('random.yaml', text), issues);
  const message = new MessageReader({ schema, issues, support: null, rules: false }).read(typeName, tree);
  issues.throwIfAny();
  return message;
}

test('a random message printed as YAML or as JSON loads back to the same message', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const typeName = g(oneOf, messages);
      const message = randomMessage(g, typeName, 0);
      const json = toProtoJson(typeName, message);
      assert.deepEqual(read(typeName, JSON.stringify(json)), message);
      assert.deepEqual(read(typeName, dump(json)), message);
    }),
    { numRuns: 400 },
  );
});

const sample = readFileSync(new URL('../../config/weighted-canary.yaml', import.meta.url), 'utf8');

function survives(text: string): void {
  try {
    loadBootstrap({ text, file: 'random.yaml' });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    for (const issue of error.issues) assert.ok(issue.message !== '' && issue.path !== '');
  }
}

test('random bytes end in a ConfigError or load, never in another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      survives(Buffer.from(bytes).toString('utf8'));
      survives(Buffer.from(bytes).toString('latin1'));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'{}[]:,-&*!|>\'"%@`# \n\tab1?~<.'.split('')) }),
      survives,
    ),
    { numRuns: 1000 },
  );
});

test('a good file with a damaged piece ends in a ConfigError or loads', () => {
  const damage = fc.record({
    at: fc.nat(sample.length),
    cut: fc.nat(40),
    put: fc.string({ unit: fc.constantFrom(...'{}[]:,-&*!|>\'"%@# \n\ta1'.split('')), maxLength: 6 }),
  });
  fc.assert(
    fc.property(damage, ({ at, cut, put }) => {
      survives(sample.slice(0, at) + put + sample.slice(at + cut));
    }),
    { numRuns: 500 },
  );
});
