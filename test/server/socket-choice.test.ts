/** Which socket interface a machine gets: what was asked for, or what works, said in one line of the log. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { configureLogging } from '../../src/base/logger.ts';
import { probeSyscalls } from '../../src/os/probe.ts';
import { chooseSocketInterface, SocketInterfaceError } from '../../src/server/socket-choice.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-sockets-'));
const path = join(folder, 'app.log');
const platform = Object.getOwnPropertyDescriptor(process, 'platform');
const missing = probeSyscalls();

beforeEach(() => {
  rmSync(path, { force: true });
  configureLogging({ format: 'text', path, thread: '1' });
});
afterEach(() => {
  if (platform !== undefined) Object.defineProperty(process, 'platform', platform);
});
after(() => rmSync(folder, { recursive: true }));

function pretendToBe(name: string): void {
  Object.defineProperty(process, 'platform', { ...platform, value: name });
}

function logged(): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

test('auto takes the system calls where they work, and says nothing', { skip: missing !== null }, () => {
  assert.equal(chooseSocketInterface('auto'), 'syscall');
  assert.deepEqual(logged(), []);
});

test('auto falls back where they do not, and one line says why', () => {
  pretendToBe('freebsd');
  assert.equal(chooseSocketInterface('auto'), 'portable');
  const lines = logged();
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /\[warning\]\[main\] portable socket interface: the platform is freebsd, not Linux;/,
  );
});

test('asked for by name there is no fall-back: the reason is the error', () => {
  pretendToBe('freebsd');
  assert.throws(
    () => chooseSocketInterface('syscall'),
    (error: unknown) => {
      assert.ok(error instanceof SocketInterfaceError);
      assert.match(error.message, /^--socket-interface syscall: the platform is freebsd, not Linux$/);
      return true;
    },
  );
});

test('portable is taken without a question, and without a line', () => {
  assert.equal(chooseSocketInterface('portable'), 'portable');
  assert.deepEqual(logged(), []);
});
