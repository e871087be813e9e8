/**
 * `npm run bench`: lists the scenarios; `npm run bench -- NAME [options]` runs one and leaves `<name>-<time>.json` and `.html` in
 * `bench/results/`; `npm run bench -- compare ONE.json OTHER.json` sets two runs of one scenario side by side, or says why it
 * does not. Exit codes as the command's: 0 done, 1 failed, 2 called wrongly.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from '../src/cli/command.ts';
import { parseOptions, UsageError } from '../src/cli/option.ts';
import { suggestion } from '../src/config/suggestion.ts';
import { benchHelp, scenarioHelp } from './help.ts';
import { commit, coresOf, machine, ownVersions } from './harness/set-up.ts';
import { ProgressLine } from './progress.ts';
import { compareText } from './report/compare.ts';
import { reportPage } from './report/page.ts';
import type { Report, Section } from './report/report.ts';
import { reportText } from './report/text.ts';
import type { BenchOption, BenchRun, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));
/** What every scenario takes beside its own. */
export const SHARED_OPTIONS: readonly BenchOption[] = [
  { name: 'quick', help: 'fewer and shorter rounds, the same rows' },
  { name: 'out', value: '<folder>', help: 'where the reports go', default: RESULTS },
];

const progress = new ProgressLine(process.stderr);
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || name === '--help' || name === '-h') return print(benchHelp(SCENARIOS));
    if (name === 'compare') return compare(rest);
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario === undefined) {
      const near = suggestion(name, ['compare', ...SCENARIOS.map((each) => each.name)]);
      throw new UsageError(`unknown scenario ${name}${near}; without a name they are listed`);
    }
    if (rest.includes('--help') || rest.includes('-h')) return print(scenarioHelp(scenario, SHARED_OPTIONS));
    return await runScenario(scenario, rest);
  } catch (error) {
    progress.clear();
    console.error(error instanceof Error ? `bench: ${error.message}` : error);
    if (error instanceof UsageError) return EXIT_USAGE;
    if (error instanceof Error && process.env['NODEPROXY_BENCH_STACK'] !== undefined)
      console.error(error.stack);
    return EXIT_FAILED;
  }
}

function print(text: string): number {
  console.log(text);
  return EXIT_OK;
}

async function runScenario(scenario: Scenario, args: readonly string[]): Promise<number> {
  const specs = [...scenario.options, ...SHARED_OPTIONS];
  const { values, positionals } = parseOptions(args, specs);
  const [unexpected] = positionals;
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}" behind ${scenario.name}`);
  const quick = values.has('quick');
  const options = withDefaults(values, scenario.options, quick);
  const out = values.get('out') ?? RESULTS;
  const startedAt = new Date();
  const versions = ownVersions();
  const pinning: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), `nodeproxy-bench-${scenario.name}-`));
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const run: BenchRun = {
    options,
    quick,
    folder,
    cores: coresOf(),
    progress,
    signal: interrupt.signal,
    version: (program, version) => (versions[program] = version),
    pinned: (what, where) => (pinning[what] = where),
  };
  let sections: Section[];
  try {
    sections = await scenario.run(run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    process.off('SIGINT', stop).off('SIGTERM', stop);
    progress.clear();
  }
  const setUp = { machine: machine(), versions, pinning, options: Object.fromEntries(options), ...commit() };
  const seconds = (Date.now() - startedAt.getTime()) / 1000;
  const report: Report = {
    scenario: scenario.name,
    title: scenario.title,
    startedAt: startedAt.toISOString(),
    seconds,
    setUp,
    sections,
  };
  await write(report, out);
  return EXIT_OK;
}

/** The report on screen, and its two files. */
async function write(report: Report, out: string): Promise<void> {
  mkdirSync(out, { recursive: true });
  const stamp = report.startedAt.slice(0, 19).replaceAll(':', '-');
  const base = join(out, `${report.scenario}-${stamp}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${base}.html`, await reportPage(report));
  console.log(reportText(report));
  console.log(`\n${relative('.', `${base}.json`)}\n${relative('.', `${base}.html`)}`);
}

function withDefaults(
  given: ReadonlyMap<string, string>,
  specs: readonly BenchOption[],
  quick: boolean,
): Map<string, string> {
  const options = new Map<string, string>();
  for (const spec of specs) {
    const value = given.get(spec.name) ?? (quick ? spec.quick : undefined) ?? spec.default;
    if (value !== undefined) options.set(spec.name, value);
  }
  return options;
}

function compare(args: readonly string[]): number {
  const { positionals } = parseOptions(args, []);
  const [one, other, more] = positionals;
  if (one === undefined || other === undefined || more !== undefined)
    throw new UsageError('compare needs two reports: ONE.json OTHER.json');
  const { text, comparable } = compareText(readReport(one), readReport(other));
  console.log(text);
  return comparable ? EXIT_OK : EXIT_FAILED;
}

function readReport(file: string): Report {
  let report: Partial<Report>;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Partial<Report>;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof report.scenario !== 'string' || report.setUp === undefined || !Array.isArray(report.sections))
    throw new Error(`${file}: not a report of a benchmark`);
  return report as Report;
}
