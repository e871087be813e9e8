/**
 * Runs one scenario and leaves its report: options, folder and set-up around it, nothing of what it measures.
 *
 *   options -> folder for reports (must be writable) -> set-up -> scenario -> report
 *
 * The set-up is taken before the run, since a commit made meanwhile is not what was measured. An interrupted run leaves no report.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseOptions, UsageError } from '../src/cli/option.ts';
import { SHARED_OPTIONS } from './help.ts';
import { buildOf, commit, coresOf, machine, ownVersions, pinningOfRun } from './harness/set-up.ts';
import type { Report, Section, SetUp } from './report/report.ts';
import { prepareFolder, writeReport } from './report/write-report.ts';
import type { BenchOption, BenchRun, Progress, Scenario } from './scenario.ts';

export interface RunContext {
  readonly progress: Progress & { clear(): void };
  readonly print: (text: string) => void;
  /** Reports go there where no `--out` says otherwise. */
  readonly results: string;
  readonly signal: AbortSignal;
}

/** @throws UsageError; whatever the scenario throws; the signal's reason where it was interrupted. */
export async function runScenario(
  scenario: Scenario,
  args: readonly string[],
  context: RunContext,
): Promise<void> {
  const { values, positionals } = parseOptions(args, [...scenario.options, ...SHARED_OPTIONS]);
  const [unexpected] = positionals;
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}" behind ${scenario.name}`);
  const quick = values.has('quick');
  const options = withDefaults(values, scenario.options, quick);
  const out = values.get('out') ?? context.results;
  prepareFolder(out);
  const notes: string[] = [];
  const progress = keepingNotes(context.progress, notes);
  const { versions, pinning, ...setUp } = openSetUp(options, quick, progress);
  const startedAt = new Date();
  const sections = await measure(scenario, context, {
    options,
    quick,
    cores: coresOf(),
    progress,
    signal: context.signal,
    version: (program, version) => (versions[program] = version),
    pinned: (what, where) => (pinning[what] = where),
  });
  const report: Report = {
    scenario: scenario.name,
    title: scenario.title,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    setUp: { ...setUp, versions, pinning },
    ...(notes.length === 0 ? {} : { notes }),
    sections,
  };
  await writeReport(report, out, context.print);
}

/** In a folder of its own, which is gone afterwards. */
async function measure(
  scenario: Scenario,
  { progress, signal }: RunContext,
  run: Omit<BenchRun, 'folder'>,
): Promise<Section[]> {
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), `nodeproxy-bench-${scenario.name}-`));
  try {
    return await scenario.run({ ...run, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    progress.clear();
    // What a scenario says that was told to end, of children that were ended, is not the reason.
    signal.throwIfAborted();
  }
}

interface OpenSetUp extends SetUp {
  readonly versions: Record<string, string>;
  readonly pinning: Record<string, string>;
}

/** The set-up as far as it is known before the run; the scenario adds versions and pinnings. */
function openSetUp(options: ReadonlyMap<string, string>, quick: boolean, progress: Progress): OpenSetUp {
  const versions = ownVersions();
  const build = buildOf();
  if (build === 'missing') throw new Error('dist/ is missing, and it is what is measured: npm run build');
  if (build === 'stale') {
    versions['nodeproxy'] = `${versions['nodeproxy']} (built before src/ was last changed)`;
    progress.note('dist/ was built before src/ was last changed: npm run build');
  }
  const [load = 0] = loadavg();
  if (load >= BUSY)
    progress.note(`load average ${load.toFixed(1)} before the run: something else may be using the cores`);
  const environment = process.env['NODE_OPTIONS'];
  return {
    machine: machine(),
    versions,
    pinning: { 'all processes': pinningOfRun(coresOf()) },
    options: { ...Object.fromEntries(options), ...(quick ? { quick: '' } : {}) },
    ...(environment === undefined ? {} : { environment: { NODE_OPTIONS: environment } }),
    ...commit(),
  };
}

/** Half a core taken by others, over a minute. */
const BUSY = 0.5;

/** A note is for the reader of the report as much as for who watches. */
function keepingNotes(progress: Progress, notes: string[]): Progress {
  return {
    step: (text, done, total) => progress.step(text, done, total),
    note: (text) => {
      if (!notes.includes(text)) notes.push(text);
      progress.note(text);
    },
  };
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
