/** The YAML reader under attack: what it refuses, where it points, and that its cost stays bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Source } from '../../src/config/yaml-tree.ts';
import { issuesOf } from './configs.ts';

test('a duplicate key is refused where the second one stands', () => {
  assert.deepEqual(issuesOf('node: {}\nnode: {}'), ['(root): not valid YAML: duplicate key "node"']);
});

test('a second document, a tag, a list as key and an unknown alias are refused', () => {
  assert.match(issuesOf('node: {}\n---\nnode: {}').join(), /more than one document/);
  assert.match(issuesOf('node: !!str {}').join(), /tags are not supported|tag/);
  assert.match(issuesOf('? [a]\n: 1').join(), /a key must be a plain value/);
  assert.match(issuesOf('node: *nowhere').join(), /unknown alias "nowhere"/);
});

test('an alias inside its own anchor is unknown, so no tree has a cycle', () => {
  assert.match(issuesOf('node: &a { metadata: { x: *a } }').join(), /unknown alias "a"/);
});

test('an anchor gives its value in a second place', () => {
  assert.deepEqual(
    issuesOf('watchdogs:\n  main_thread_watchdog: &w { miss_timeout: 1s }\n  worker_watchdog: *w'),
    [],
  );
});

test('aliases that multiply are stopped by the budget, quickly', () => {
  const lines = ['node:', '  metadata:', '    a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++) {
    const before = String.fromCharCode(96 + level);
    const name = String.fromCharCode(97 + level);
    lines.push(`    ${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
  }
  const started = process.cpuUsage().user;
  assert.match(issuesOf(lines.join('\n')).join(), /expands to more than 1000000 values/);
  assert.ok(process.cpuUsage().user - started < 5_000_000);
});

test('nesting beyond the limit is an issue, written out or stacked by aliases', () => {
  assert.match(
    issuesOf(`node: { metadata: { x: ${'['.repeat(500)}${']'.repeat(500)} } }`).join(),
    /depth|nest/i,
  );
  const half = (anchor: string, core: string): string =>
    `&${anchor} ${'['.repeat(80)}${core}${']'.repeat(80)}`;
  const text = `node:\n  metadata:\n    a: ${half('a', 'x')}\n    b: ${half('b', '*a')}\n    c: ${half('c', '*b')}`;
  assert.match(issuesOf(text).join(), /nested too deeply/);
});

test('a key called __proto__ is an entry like any other', () => {
  assert.match(issuesOf('__proto__: { admin: {} }').join(), /unknown field "__proto__"/);
  assert.deepEqual(issuesOf('node: { metadata: { __proto__: { polluted: true } } }'), []);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('a byte order mark and CR LF line ends do not move the positions', () => {
  const source = new Source('x', 'a: 1\r\nb: 2');
  assert.deepEqual(source.positionOf(6), { line: 2, column: 1 });
  assert.deepEqual(issuesOf('\uFEFFstats_flush_interval: 1s\r\n'), []);
});
