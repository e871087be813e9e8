/** `nodeproxy lab`: what it lists, what it refuses, and that nothing outlives it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { commandLine } from '../../src/cli/command-line.ts';
import { LABS } from '../../src/lab/labs.ts';
import { WALKS } from '../../src/lab/walks.ts';
import { END_WITH_PARENT } from '../support/proxy.ts';
import { pause } from '../support/raw-client.ts';

const BIN = new URL('../../bin/nodeproxy.js', import.meta.url).pathname;
const GUARD_MS = 30_000;

async function lab(...args: string[]): Promise<{ code: number; results: string; problems: string }> {
  let [results, problems] = ['', ''];
  const code = await commandLine(['lab', ...args], {
    result: (text) => void (results += `${text}\n`),
    problem: (text) => void (problems += `${text}\n`),
  });
  return { code, results, problems };
}

describe('nodeproxy lab', () => {
  test('lists every lab with its line', async () => {
    const { code, results } = await lab();
    assert.equal(code, 0);
    for (const { name, summary } of [...WALKS, ...LABS])
      assert.match(results, new RegExp(`^  ${name} +${RegExp.escape(summary)}$`, 'm'));
  });

  test('answers a mistyped name with the nearest one', async () => {
    const { code, problems } = await lab('slow-filtre');
    assert.equal(code, 2);
    assert.match(problems, /no lab slow-filtre \(did you mean "slow-filter"\?\)/);
  });

  test('takes one name, and no --fixed for the pitfalls, nor for a walk', async () => {
    assert.equal((await lab('slots', '--fixed')).code, 2);
    assert.equal((await lab('slow-filter', 'busy-loop')).code, 2);
    assert.equal((await lab('pitfalls', '--fixed')).code, 2);
    assert.equal((await lab('slow-filter', '--seconds', '0')).code, 2);
  });
});

/** Processes whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

async function until(look: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + GUARD_MS; Date.now() < end; await pause(20)) if (look()) return;
  assert.fail(what);
}

/** A zombie has ended too. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

describe('a lab that is interrupted', { skip: !existsSync('/proc/self/stat') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-lab-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`leaves nothing behind after ${signal}`, async () => {
      const args = [...END_WITH_PARENT, BIN, 'lab', 'slow-upstream', '--seconds', '60'];
      const command = spawn(process.execPath, args, {
        env: { ...process.env, NODEPROXY_SOURCE: '1', NO_COLOR: '1', TMPDIR: folder },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      const pid = command.pid ?? 0;
      await until(() => childrenOf(pid).length > 0, 'the proxy of the lab did not start');
      const children = childrenOf(pid);
      const ended = once(command, 'exit');
      command.kill(signal);
      await ended;
      await until(() => !children.some((child) => isAlive(child)), 'the proxy outlived the lab');
      // Nobody is left to do anything after the last one.
      if (signal === 'SIGKILL') return;
      assert.equal(command.exitCode, 130);
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});
