/** Processes under measurement: how they are started, read and ended, also when they do not want to. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { cpuTimeOf, MeasuredProcess, StartError } from '../../bench/harness/process.ts';
import { findProgram, freePort } from '../../bench/harness/programs.ts';
import { coresOf } from '../../bench/harness/set-up.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-process-'));
const core = coresOf().proxy;
after(() => rmSync(folder, { recursive: true, force: true }));

describe('CPU time of a process', () => {
  const fields = `S ${Array.from({ length: 10 }, (_, index) => index).join(' ')} 250 125 7 7`;

  it('is read in seconds', () => {
    assert.deepEqual(cpuTimeOf(`42 (nginx) ${fields}`), { user: 2.5, system: 1.25 });
  });

  it('is found behind a name with spaces, parentheses and numbers', () => {
    assert.deepEqual(cpuTimeOf(`42 (a) S 1 2 3) 4 (b) ${fields}`), { user: 2.5, system: 1.25 });
  });

  it('is refused where there is none', () => {
    assert.throws(() => cpuTimeOf(''), /no CPU time/);
    assert.throws(() => cpuTimeOf('42 (nginx) S 1 2'), /no CPU time/);
  });
});

describe('a program', () => {
  it('is found on the path, by its own path, or not at all', () => {
    const file = join(folder, 'program');
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(folder, 'no-program'), '', { mode: 0o644 });
    assert.equal(findProgram('program', `/nonexistent::${folder}`), file);
    assert.equal(findProgram(file, ''), file);
    assert.equal(findProgram('no-program', folder), undefined);
    assert.equal(findProgram(join(folder, 'no-program'), folder), undefined);
    assert.equal(findProgram(folder, ''), undefined, 'a folder is no program');
    assert.equal(findProgram('', folder), undefined);
  });
});

describe('a process under measurement', () => {
  it('that is not installed is an error that names it', async () => {
    const start = startCommand('missing one', '/nonexistent/program', []);
    await assert.rejects(start, (error: Error) => {
      assert.ok(error instanceof StartError);
      return /missing one/.test(error.message);
    });
  });

  it('that ends at its start is an error with its last words', async () => {
    const start = startScript('loser', `console.error('first words'); throw new Error('no such option');`);
    await assert.rejects(start, (error: Error) => {
      assert.ok(error instanceof StartError);
      return /loser ended at its start: .*/.test(error.message);
    });
  });

  it('that never listens is ended when the run is interrupted', async () => {
    const pidFile = join(folder, 'silent.pid');
    const stop = new AbortController();
    const script = `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000);`;
    const start = startScript('silent', script, stop.signal);
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await pause();
    stop.abort(new Error('interrupted'));
    await assert.rejects(start, /interrupted/);
    assert.ok(gone(Number(readFileSync(pidFile, 'utf8'))));
  });

  it('shows what it spends and takes', async () => {
    const started = await startScript(
      'busy',
      LISTEN + 'setInterval(() => { const until = Date.now() + 20; while (Date.now() < until); }, 1);',
    );
    const before = started.cpu();
    for (let waited = 0; started.cpu().user < before.user + 0.1; waited += 1) {
      assert.ok(waited < 1000, 'it computes, and no CPU time is seen');
      await pause();
    }
    assert.ok(started.pss() > 2 ** 20);
    await started.stop();
  });

  it(
    'is pinned to its core, where there is taskset',
    { skip: findProgram('taskset') === undefined && 'no taskset' },
    async () => {
      const started = await startScript('pinned', LISTEN);
      const status = readFileSync(`/proc/${started.pids[0]}/status`, 'utf8');
      assert.equal(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1], String(core));
      await started.stop();
    },
  );

  it('that does not heed SIGTERM is killed, with its children', { timeout: 25_000 }, async () => {
    const script =
      `process.on('SIGTERM', () => {});` +
      `require('child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']).once('spawn', () => {${LISTEN}});`;
    const started = await startScript('stubborn', script, undefined, true);
    const { pids } = started;
    assert.equal(pids.length, 2);
    await started.stop();
    for (let waited = 0; !pids.every(gone); waited += 1) {
      assert.ok(waited < 200, 'one of them is left');
      await pause();
    }
    assert.ok(started.ended);
    await started.stop();
  });

  it('that has ended cannot be read any more, and says so', async () => {
    const started = await startScript('short', LISTEN);
    process.kill(started.pids[0] ?? 0, 'SIGKILL');
    while (!started.ended) await pause();
    assert.throws(() => started.cpu());
    assert.throws(() => started.pss());
  });
});

const LISTEN = `require('net').createServer().listen(Number(process.argv[1]), '127.0.0.1');`;

async function startScript(
  name: string,
  script: string,
  signal?: AbortSignal,
  measureChildren = false,
): Promise<MeasuredProcess> {
  return startCommand(name, process.execPath, ['-e', script], signal, measureChildren);
}

async function startCommand(
  name: string,
  command: string,
  args: readonly string[],
  signal?: AbortSignal,
  measureChildren = false,
): Promise<MeasuredProcess> {
  const port = await freePort();
  const options = { name, command, args: [...args, String(port)], core, port, measureChildren };
  return MeasuredProcess.start({ ...options, ...(signal === undefined ? {} : { signal }) });
}

function gone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A killed child of a killed parent may wait for whoever adopts it.
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
