/**
 * Ctrl-C at the process that a user starts: the scenario gets to clean up, and the exit code tells the signal. The process is
 * `main.ts` with the list of scenarios replaced by one that waits.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildOf } from '../../bench/harness/set-up.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const LIST = new URL('../../bench/scenarios/scenarios.ts', import.meta.url).href;
const skip = buildOf() === 'missing' ? 'dist/ is not built' : false;
let folder: string;

/** Says `started`, waits for what `waits` names, and says `cleaned` at the end. */
const SCENARIO = `
  const wait = (bench) => new Promise((resolve, reject) => {
    const timer = setInterval(() => {}, 1000);
    const end = () => { clearInterval(timer); reject(bench.signal.reason); };
    if (process.env.WAITS !== 'deaf') bench.signal.addEventListener('abort', end);
    if (process.env.WAITS === 'astray') setTimeout(() => { throw new Error('thrown astray'); }, 10);
  });
  export const SCENARIOS = [{
    name: 'waits', title: 'Waits', summary: 'waits', options: [],
    async run(bench) {
      console.log('started ' + bench.folder);
      try { await wait(bench); } finally { console.log('cleaned'); }
      return [];
    },
  }];`;

/** Makes \`main.ts\` import the scenario of the test in place of the project's. */
const HOOKS = (list: string): string => `
  import { registerHooks } from 'node:module';
  registerHooks({
    load: (url, context, next) =>
      url === ${JSON.stringify(LIST)} ? { format: 'module', source: ${JSON.stringify(list)}, shortCircuit: true } : next(url, context),
  });`;

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | string | null>;
}

function start(waits: string, out: string): Run {
  const hooks = join(folder, 'hooks.mjs');
  writeFileSync(hooks, HOOKS(SCENARIO));
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--import',
    pathToFileURL(hooks).href,
    MAIN,
    'waits',
    '--out',
    out,
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WAITS: waits },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string | null);
  return { child, output: () => text, ended };
}

async function until(run: Run, words: string): Promise<void> {
  while (!run.output().includes(words)) {
    assert.equal(run.child.exitCode, null, run.output());
    await Promise.race([
      once(run.child.stdout ?? run.child, 'data'),
      once(run.child.stderr ?? run.child, 'data'),
      run.ended,
    ]);
  }
}

describe('a run that is interrupted', { skip }, () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-bench-signals-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    test(`${signal} lets the scenario clean up and ends with ${code}`, async () => {
      const out = join(folder, signal);
      const run = start('listening', out);
      await until(run, 'started');
      run.child.kill(signal);
      assert.equal(await run.ended, code, run.output());
      assert.match(run.output(), /cleaned/);
      assert.match(run.output(), new RegExp(`interrupted by ${signal}, no report was written`));
      assert.deepEqual(readdirSync(out), []);
      assert.equal(existsSync(/started (.*)/.exec(run.output())?.[1] ?? '/'), false, 'its folder is gone');
    });

  test('a second signal ends it at once, also where the scenario does not listen', async () => {
    const run = start('deaf', join(folder, 'deaf'));
    await until(run, 'started');
    run.child.kill('SIGINT');
    await until(run, 'once more ends at once');
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 'SIGTERM', run.output());
    rmSync(/started (.*)/.exec(run.output())?.[1] ?? '', { recursive: true });
  });

  test('an error that nobody caught is the reason, and the scenario still cleans up', async () => {
    const run = start('astray', join(folder, 'astray'));
    assert.equal(await run.ended, 1, run.output());
    assert.match(run.output(), /cleaned[^]*bench: thrown astray/);
  });
});
