/** compose/README.md: the commands are ones that exist, the files, services and ports that it names are there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandsOf, readDocument, ROOT } from '../docs/markdown.ts';
import { readCompose } from './engine/compose-file.ts';

const README = readDocument('compose/README.md');
const COMMANDS = commandsOf(README);
const SERVICES = readCompose(join(ROOT, 'docker-compose.yml'));
const PROFILES = new Set([...SERVICES.values()].flatMap(({ profiles }) => profiles));

test('every profile and every container that a command names is one', () => {
  const profiles = COMMANDS.flatMap((command) =>
    [...command.matchAll(/--profile (\w+)/g)].map(([, name = '']) => name),
  );
  assert.deepEqual(new Set(profiles), PROFILES);
  for (const command of COMMANDS) {
    const [, client] = /--exit-code-from (\S+)/.exec(command) ?? [];
    const [, copied] = / cp ([^:]+):/.exec(command) ?? [];
    for (const name of [client, copied]) if (name !== undefined) assert.ok(SERVICES.has(name), command);
  }
});

test('every path of the project that the page names exists', () => {
  const paths = [...README.matchAll(/`((?:compose|bench|src)\/[\w./-]+)`/g)].map(([, path = '']) => path);
  assert.ok(paths.length >= 5);
  for (const path of paths) assert.ok(existsSync(join(ROOT, path)), path);
});

test('every port and every variable of a port is of docker-compose.yml', () => {
  const file = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  const ports = [...SERVICES.values()].flatMap(({ ports }) => ports.map((port) => port.split(':')[1] ?? ''));
  for (const port of ports) assert.ok(README.includes(port), port);
  const variables = [...file.matchAll(/\$\{(\w+_PORT):-/g)].map(([, name = '']) => name);
  assert.equal(variables.length, 7);
  for (const name of variables) assert.ok(README.includes(`\`${name}\``), name);
  for (const command of COMMANDS)
    for (const [, port = ''] of command.matchAll(/127\.0\.0\.1:(\d+)/g))
      assert.ok(ports.includes(port), command);
});

test('the drawing is the one of docker-compose.yml', () => {
  const drawing = /```text\n([^`]*)```/.exec(README)?.[1] ?? '';
  const lines = drawing
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
  const file = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  assert.equal(lines.length, 4);
  for (const line of lines) assert.ok(file.includes(line), line);
});

test('the commands of the project that it names exist', () => {
  const ours = COMMANDS.filter((command) => command.startsWith('npm run'));
  assert.ok(ours.length >= 4);
  for (const command of ours)
    assert.match(command, /^npm run (?:bench -- compare|nodeproxy -- logs (?:diagnose|show)) /);
});
