/**
 * "Nothing is read and then ignored": a field that `supported.ts` lets through is named by some code outside the configuration.
 * It looks for the names only, so it cannot prove that a field is honoured, but it finds one that nobody has heard of.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { SUPPORTED_FIELDS } from '../../src/config/supported.ts';

/** Fields that are right to have no reader of their own. */
const WITHOUT_READER: Readonly<Record<string, string>> = {
  codec_type: 'one codec: the values that name another one are refused',
  google_re2: 'the only engine',
  filter_metadata: 'shown in the dump; matching by metadata comes later',
  runtime_key: 'static values only: the key is a name',
  use_independent_randomness: 'there is no trace id to sample by: it always is',
  validate_clusters: 'checked at load',
  max_direct_response_body_size_bytes: 'checked at load',
  traffic_direction: 'shown in the dump',
  transport_socket: 'raw_buffer is what there is without one',
};

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

test('a supported field is read by some code', () => {
  const text = globSync('**/*.ts', { cwd: SOURCES })
    .filter((file) => !/^(config|api)\//.test(file))
    .map((file) => readFileSync(SOURCES + file, 'utf8'))
    .join('\n');
  const words = new Set(text.match(/\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g));
  const unread = Object.entries(SUPPORTED_FIELDS).flatMap(([message, line]) =>
    line
      .split(/\s+/)
      .filter((field) => field.includes('_') && !words.has(field) && WITHOUT_READER[field] === undefined)
      .map((field) => `${message}.${field}`),
  );
  assert.deepEqual(unread, []);
});
