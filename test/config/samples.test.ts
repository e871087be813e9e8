/** Every file in config/ loads, says in its first line what it is for, and survives being dumped and loaded again. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { loadBootstrap } from '../../src/config/load-bootstrap.ts';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { checkFormat } from '../../src/observe/format/text-format.ts';
import { toProtoJson } from '../../src/config/proto-json.ts';

const FOLDER = fileURLToPath(new URL('../../config/', import.meta.url));

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))) {
  test(`config/${name} loads, and its dump loads to the same`, () => {
    const file = FOLDER + name;
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^# [A-Z].*\.\n/);
    const bootstrap = loadBootstrap({ text, file }, { checks: { accessLogFormat: checkFormat } });
    const dump = JSON.stringify(toProtoJson('envoy.config.bootstrap.v3.Bootstrap', bootstrap));
    assert.deepEqual(loadBootstrap({ text: dump, file }), bootstrap);
  });
}

test('config/instrumented-log.yaml holds the line of the talk, nothing more and nothing less', () => {
  const file = `${FOLDER}instrumented-log.yaml`;
  const text = JSON.stringify(loadBootstrap({ text: readFileSync(file, 'utf8'), file }));
  assert.ok(text.includes(JSON.stringify(INSTRUMENTED_FORMAT)));
});
