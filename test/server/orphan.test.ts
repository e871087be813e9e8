import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { pause } from '../support/raw-client.ts';

const RUN = new URL('./orphan-child.ts', import.meta.url).pathname;
const GUARD_MS = 10_000;

test(
  'the proxies of a test run that is killed end too',
  { skip: !existsSync('/proc/self/stat') },
  async () => {
    const run = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', RUN], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(run.stdout, 'data')) as [Buffer];
    const [pid = '', folder = ''] = String(line).trim().split(' ');
    assert.match(commandOf(pid), /nodeproxy/);
    run.kill('SIGKILL');
    await once(run, 'exit');
    const until = Date.now() + GUARD_MS;
    while (commandOf(pid) !== '' && Date.now() < until) await pause(10);
    assert.equal(commandOf(pid), '');
    rmSync(folder, { recursive: true, force: true });
  },
);

/** '' when no such process lives (one that nobody has waited for yet has no command line any more). */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
