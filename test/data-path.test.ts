/**
 * What the code of a request's path may not do, checked in its sources: stand still for a file, a program or another thread. What
 * runs at the start only, or costs no wait, is listed with the reason.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
/** Folders whose code runs in workers while they serve. */
const DATA_PATH = 'base os event buffer observe network listener codec upstream http router extensions'.split(
  ' ',
);
const SYNC_CALL = /\b\w+Sync\(/;
const SYNC_AT_START: Readonly<Record<string, string>> = {
  'os/thread.ts': 'the thread id, once per thread',
  'network/syscall-sockets.ts': 'a unix socket of a listener: removed and given its mode when it is bound',
  'network/portable-sockets.ts': 'the mode of a unix socket when it is bound',
  'extensions/access-log/log-format.ts': 'a format file, read when the log is prepared',
};
const WAIT_ON_PURPOSE: Readonly<Record<string, string>> = {
  'lab/held-service.ts': 'the service of a lab, which hangs for the reader to see',
};
/** Waits for another thread, whoever calls it. `Atomics.add`, `sub`, `load` and `store` wait for nobody. */
const WAIT = /\bAtomics\.(?:wait|waitAsync|notify)\b/;

interface Line {
  readonly path: string;
  readonly at: string;
  readonly text: string;
}

function linesOf(folder: string): Line[] {
  return readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const path = relative(SRC, join(SRC, folder, name));
      return readFileSync(join(SRC, path), 'utf8')
        .split('\n')
        .map((text, index) => ({ path, at: `${path}:${index + 1}`, text }));
    });
}

const dataPath = DATA_PATH.flatMap(linesOf);

test('no file of the data path starts a program or imports what does', () => {
  const found = dataPath.filter(({ text }) => /node:child_process|node:cluster/.test(text));
  assert.deepEqual(
    found.map(({ at }) => at),
    [],
  );
});

test('synchronous file calls of the data path are those that are known, and all of those still exist', () => {
  const found = dataPath.filter(({ text }) => SYNC_CALL.test(text) && !/^\s*(?:\*|\/\/|import)/.test(text));
  const strangers = found.filter(({ path }) => !(path in SYNC_AT_START));
  assert.deepEqual(
    strangers.map(({ at }) => at),
    [],
  );
  const used = new Set(found.map(({ path }) => path));
  assert.deepEqual(
    Object.keys(SYNC_AT_START).filter((path) => !used.has(path)),
    [],
  );
});

test('no thread waits for another one: there is no lock and no Atomics.wait', () => {
  const found = linesOf('.').filter(({ path, text }) => WAIT.test(text) && !(path in WAIT_ON_PURPOSE));
  assert.deepEqual(
    found.map(({ at }) => at),
    [],
  );
});
