import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptError } from '../../../src/extensions/http/javascript/script.ts';
import { StrayErrors } from '../../../src/extensions/http/javascript/stray-errors.ts';
import { MapStats } from '../../upstream/fakes.ts';

const SRC = new URL('../../../src/', import.meta.url).href;
const SCRIPT = '    at poll (file:///etc/scripts/a.js:3:1)';
const OTHER = '    at poll (file:///etc/scripts/b.js:3:1)';
const PROXY = `    at flush (${SRC}network/write-side.ts:3:1)`;
const HANDLE = `    at set (${SRC}extensions/http/javascript/handles.ts:3:1)`;
const RUNTIME = '    at listOnTimeout (node:internal/timers:685:17)';

function errorWith(...frames: string[]): Error {
  const error = new Error('text');
  error.stack = ['Error: text', ...frames].join('\n');
  return error;
}

function watched(...names: string[]) {
  const stats = new MapStats();
  const logged: string[] = [];
  const strays = new StrayErrors((level, message) => logged.push(`${level} ${message.split('\n')[0]}`));
  for (const name of names)
    strays.watch({ url: `file:///etc/scripts/${name}.js`, name, errors: stats.counter(name) });
  return { stats, logged, strays };
}

test('an exception is a script’s unless it has unwound code of the proxy', () => {
  const { strays } = watched('a');
  assert.equal(strays.take(errorWith(SCRIPT, RUNTIME), 'uncaughtException'), true);
  assert.equal(strays.take(errorWith(HANDLE, SCRIPT, RUNTIME), 'uncaughtException'), true);
  assert.equal(strays.take(errorWith(RUNTIME), 'uncaughtException'), true);
  assert.equal(strays.take('text', 'uncaughtException'), true);
  assert.equal(strays.take(errorWith(PROXY, RUNTIME), 'uncaughtException'), false);
  assert.equal(strays.take(errorWith(SCRIPT, PROXY, RUNTIME), 'uncaughtException'), false);
  assert.equal(strays.take(errorWith(PROXY, HANDLE, SCRIPT), 'uncaughtException'), false);
  assert.equal(strays.take(new Error(`no such file: ${SRC}x`), 'unhandledRejection'), true);
});

test('a rejection is whose code made the error', () => {
  const { strays } = watched('a');
  assert.equal(strays.take(errorWith(SCRIPT, PROXY), 'unhandledRejection'), true);
  assert.equal(strays.take(errorWith(RUNTIME, SCRIPT, PROXY), 'unhandledRejection'), true);
  assert.equal(strays.take(errorWith(RUNTIME, PROXY, SCRIPT), 'unhandledRejection'), false);
  const told = new ScriptError('the script has returned');
  told.stack = errorWith(HANDLE, PROXY).stack ?? '';
  assert.equal(strays.take(told, 'unhandledRejection'), true);
});

test('without scripts nothing is a script’s', () => {
  assert.equal(watched().strays.take(errorWith(RUNTIME), 'uncaughtException'), false);
});

test('it is counted and logged as the script’s that its stack names', () => {
  const { strays, stats, logged } = watched('a', 'b');
  strays.take(errorWith(OTHER), 'uncaughtException');
  strays.take(errorWith(RUNTIME), 'uncaughtException');
  assert.deepEqual(logged, [
    'error b: outside of any request: Error: text',
    'error a or another script: outside of any request: Error: text',
  ]);
  assert.deepEqual([stats.get('a'), stats.get('b')], [1, 1]);
});
