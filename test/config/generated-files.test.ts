/** The generated files are what the generator makes of the installed definitions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SCHEMA_FILE, TYPES_FILE, generate } from '../../scripts/gen-schema.ts';
import { envoySchema } from '../../src/config/schema.ts';
import { rulesOf } from '../../scripts/schema/rules.ts';

const made = generate();

test('envoy-schema.txt is up to date (else: npm run gen:schema)', () => {
  assert.ok(made.schema === readFileSync(SCHEMA_FILE, 'utf8'), 'stale');
});

test('src/api/envoy.ts is up to date (else: npm run gen:schema)', () => {
  assert.ok(made.types === readFileSync(TYPES_FILE, 'utf8'), 'stale');
});

test('every message and enum that a field refers to is in the schema', () => {
  const schema = envoySchema();
  for (const name of schema.names()) {
    if (!schema.isMessage(name)) continue;
    for (const field of schema.message(name).fields) {
      assert.ok(field.t !== undefined || schema.has(field.m ?? field.e ?? ''), `${name}.${field.name}`);
    }
  }
});

test('both files name their source and its licence', () => {
  for (const text of [made.schema, made.types])
    assert.match(text.slice(0, 900), /Envoy Project Authors.*Apache License 2\.0/s);
});

test('no type is printed twice', () => {
  const names = [...made.types.matchAll(/^export (?:interface|type) (\w+)/gm)].map((match) => match[1]);
  assert.equal(new Set(names).size, names.length);
});

test('a validation rule without translation stops the generator', () => {
  assert.throws(
    () => rulesOf([{ '(validate.rules)': { string: { uuid: true } } }], 'x.y'),
    /x\.y: rule "string\.uuid"/,
  );
});

test('validation rules of every kind become one flat shape', () => {
  const rules = rulesOf(
    [
      { '(validate.rules)': { duration: { gte: { nanos: 1_000_000 }, lt: { seconds: 300 } } } },
      {
        '(validate.rules)': {
          repeated: {
            min_items: 1,
            items: { string: { min_len: 2, well_known_regex: 'HTTP_HEADER_NAME', strict: false } },
          },
        },
      },
    ],
    'x.y',
  );
  assert.deepEqual(rules, {
    min: 1,
    below: 300_000,
    minItems: 1,
    items: { minLen: 2, header: 'name', lax: 1 },
  });
});
