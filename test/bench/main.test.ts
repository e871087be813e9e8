/**
 * `npm run bench` itself: what it lists, runs, refuses and leaves behind. Scenarios are made up here; those of the project are only
 * listed, by the process as a user starts it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { benchCommand, Interrupted } from '../../bench/command.ts';
import { ProgressLine } from '../../bench/progress.ts';
import { readReport } from '../../bench/report/read-report.ts';
import type { BenchRun, Scenario } from '../../bench/scenario.ts';
import { SCENARIOS } from '../../bench/scenarios/scenarios.ts';
import { buildOf } from '../../bench/harness/set-up.ts';
import { COST_TABLE, sampleReport, SET_UP } from './support/sample-report.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const unbuilt = buildOf() === 'missing' ? 'dist/ is not built' : false;

interface Outcome {
  readonly code: number;
  readonly printed: string;
  readonly problems: string;
  readonly progress: string;
}

let folder: string;
const interrupt = (): AbortController => new AbortController();

/** A scenario that notes what it was given. */
function scenario(run: (bench: BenchRun) => void | Promise<void> = () => undefined): Scenario {
  return {
    name: 'made-up',
    title: 'A scenario of the test',
    summary: 'nothing that anyone would measure',
    options: [
      { name: 'rounds', value: '<n>', help: 'rounds', default: '5', quick: '2' },
      { name: 'only', value: '<part>', help: 'a part' },
      { name: 'wide', help: 'a switch' },
    ],
    run: async (bench) => {
      await run(bench);
      return [{ title: 'S', text: [], parts: [COST_TABLE] }];
    },
  };
}

async function bench(
  args: readonly string[],
  scenarios: readonly Scenario[] = [scenario()],
  controller: AbortController = interrupt(),
): Promise<Outcome> {
  const [printed, problems, progress]: [string[], string[], string[]] = [[], [], []];
  const code = await benchCommand(args, {
    scenarios,
    progress: new ProgressLine({ write: (text) => progress.push(text) }),
    print: (text) => printed.push(text),
    problem: (text) => problems.push(text),
    stacks: false,
    results: join(folder, 'results'),
    signal: controller.signal,
  });
  return { code, printed: printed.join('\n'), problems: problems.join('\n'), progress: progress.join('') };
}

function reportsIn(out: string): string[] {
  return existsSync(out) ? readdirSync(out).sort() : [];
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'nodeproxy-bench-test-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('npm run bench', () => {
  test('without arguments lists every scenario', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    for (const { name, summary } of SCENARIOS) {
      assert.ok(stdout.includes(name), name);
      assert.ok(stdout.includes(summary), summary);
    }
  });

  test('its exit code is the process’s, and a closed reader is no crash', async () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, '--help'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let problems = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, problems);
    const wrong = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, 'no-such-scenario'],
      { encoding: 'utf8' },
    );
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /^bench: unknown scenario no-such-scenario/);
  });

  for (const args of [[], ['--help'], ['-h'], ['compare', '--help']])
    test(`${args.join(' ') || 'no argument'} prints the list`, async () => {
      const { code, printed } = await bench(args);
      assert.equal(code, 0);
      assert.match(printed, /^ {2}made-up {2}nothing that anyone would measure$/m);
      assert.match(printed, /compare ONE\.json OTHER\.json/);
    });

  test('a scenario’s help shows its options, their defaults and the shared ones', async () => {
    const { code, printed } = await bench(['made-up', '--help']);
    assert.equal(code, 0);
    assert.match(printed, /--rounds <n> +rounds; default 5 \(2 with --quick\)/);
    assert.match(printed, /--quick/);
    assert.match(printed, /--out <folder>/);
  });

  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['made-upp'], /unknown scenario made-upp \(did you mean "made-up"\?\)/],
    [['comparee'], /did you mean "compare"/],
    [['--quick', 'made-up'], /--quick: options stand behind the name/],
    [['made-up', '--round', '3'], /unknown option --round \(did you mean "--rounds"\?\)/],
    [['made-up', '--rounds'], /--rounds needs a value/],
    [['made-up', '--quick=yes'], /--quick takes no value/],
    [['made-up', 'extra'], /unexpected "extra" behind made-up/],
    [['made-up', '--out', ''], /must name a folder/],
    [['compare', 'one.json'], /compare needs two reports/],
    [['compare', 'a', 'b', 'c'], /compare needs two reports/],
    [['compare', '--fast', 'a', 'b'], /unknown option --fast/],
  ];
  for (const [args, message] of wrong)
    test(`${args.join(' ')} is a wrong call`, async () => {
      const { code, problems, printed } = await bench(args);
      assert.equal(code, 2);
      assert.match(problems, message);
      assert.equal(printed, '');
    });
});

describe('a run', { skip: unbuilt }, () => {
  test('leaves JSON and page, with set-up, options and notes', async () => {
    const out = join(folder, 'deep', 'out');
    const seen: BenchRun[] = [];
    const { code, printed, progress } = await bench(
      ['made-up', '--quick', '--wide', '--out', out],
      [
        scenario((run) => {
          seen.push(run);
          run.version('nginx', '1.2.3');
          run.pinned('proxies', 'core 0');
          run.progress.step('round', 1, 2);
          run.progress.note('haproxy is not installed');
          run.progress.note('haproxy is not installed');
          assert.ok(existsSync(run.folder));
        }),
      ],
    );
    assert.equal(code, 0);
    assert.deepEqual(
      [...(seen[0]?.options ?? [])],
      [
        ['rounds', '2'],
        ['wide', ''],
      ],
    );
    assert.equal(seen[0]?.quick, true);
    assert.equal(existsSync(seen[0]?.folder ?? '/'), false, 'the folder of the run is gone');
    const [page = '', json = ''] = reportsIn(out);
    assert.match(page, /^made-up-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.html$/);
    const report = readReport(join(out, json));
    assert.equal(report.setUp.versions['nginx'], '1.2.3');
    assert.equal(report.setUp.versions['node'], process.versions.node);
    assert.equal(report.setUp.pinning['proxies'], 'core 0');
    assert.match(report.setUp.pinning['all processes'] ?? '', /cores? .*scheduling/);
    assert.deepEqual(report.setUp.options, { rounds: '2', wide: '', quick: '' });
    assert.equal(report.notes?.filter((note) => note.startsWith('haproxy')).length, 1);
    assert.match(readFileSync(join(out, page), 'utf8'), /haproxy is not installed/);
    assert.match(printed, /Small GET, 64 keep-alive connections/);
    assert.ok(printed.includes(json) && printed.includes(page));
    assert.match(progress, /\[1\/2\] round/);
  });

  test('that fails says why, cleans up and leaves no report', async () => {
    const out = join(folder, 'failed');
    let own = '/';
    const failing = scenario((run) => {
      own = run.folder;
      throw new Error('nginx does not listen');
    });
    const { code, problems } = await bench(['made-up', '--out', out], [failing]);
    assert.equal(code, 1);
    assert.equal(problems, 'bench: nginx does not listen');
    assert.equal(existsSync(own), false);
    assert.deepEqual(reportsIn(out), []);
  });

  test('that is interrupted ends with the signal’s code, whatever the scenario makes of it', async () => {
    const reactions: readonly ((run: BenchRun) => void)[] = [
      (run) => run.signal.throwIfAborted(),
      () => {
        throw new Error('a child died');
      },
      () => undefined,
    ];
    for (const react of reactions) {
      const out = join(folder, 'interrupted');
      const controller = interrupt();
      const stopped = scenario((run) => {
        controller.abort(new Interrupted('SIGINT', 130));
        react(run);
      });
      const { code, problems } = await bench(['made-up', '--out', out], [stopped], controller);
      assert.equal(code, 130);
      assert.match(problems, /interrupted by SIGINT, no report was written/);
      assert.deepEqual(reportsIn(out), []);
    }
  });

  test('does not begin where its report could not be written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    let ran = false;
    const { code, problems } = await bench(['made-up', '--out', file], [scenario(() => void (ran = true))]);
    assert.equal(code, 1);
    assert.match(problems, /EEXIST/);
    assert.equal(ran, false);
  });

  test('does not begin with a wrong call either', async () => {
    const out = join(folder, 'wrong');
    await bench(['made-up', '--out', out, '--nonsense']);
    assert.equal(existsSync(out), false);
  });
});

describe('bench compare', () => {
  const write = (name: string, text: string): string => {
    mkdirSync(join(folder, 'compare'), { recursive: true });
    const file = join(folder, 'compare', name);
    writeFileSync(file, text);
    return file;
  };

  test('sets two reports side by side', async () => {
    const one = write('one.json', JSON.stringify(sampleReport()));
    const other = write('other.json', JSON.stringify(sampleReport({ setUp: { ...SET_UP, commit: 'ffff' } })));
    const { code, printed } = await bench(['compare', one, other]);
    assert.equal(code, 0);
    assert.match(printed, /second \/ first/);
  });

  test('refuses other set-ups with 1, on the side of problems', async () => {
    const one = write('one.json', JSON.stringify(sampleReport()));
    const other = write('other.json', JSON.stringify(sampleReport({ setUp: { ...SET_UP, options: {} } })));
    const { code, printed, problems } = await bench(['compare', one, other]);
    assert.equal(code, 1);
    assert.equal(printed, '');
    assert.match(problems, /cannot be compared:\n {2}option rounds/);
  });

  test('fails with 1 for a broken or missing file, and names it', async () => {
    const good = write('good.json', JSON.stringify(sampleReport()));
    for (const bad of [
      write('broken.json', '{"scenario"'),
      write('array.json', '[]'),
      join(folder, 'none.json'),
      folder,
    ]) {
      const { code, problems } = await bench(['compare', good, bad]);
      assert.equal(code, 1);
      assert.ok(problems.includes(bad), problems);
    }
  });
});
