/**
 * The client of `docker-compose.yml`: finds out which profile it runs in, loads the three services, leaves the report in RESULTS and
 * ends. Started when everything else is ready (`depends_on`).
 *
 * Exit codes: 0 done without one failed request, 1 requests failed (the report is there and says which) or the run did, 2 settings
 * are wrong or no profile is whole, 128 + n ended by signal n.
 */
import { constants } from 'node:os';
import { linesOf, logsOf } from './client/log-lines.ts';
import { measure } from './client/measure.ts';
import type { Run, RunResult } from './client/measure.ts';
import { Probes } from './client/probes.ts';
import { proxyState } from './client/proxies.ts';
import { checkFolder, reportOf, writeFiles } from './client/report.ts';
import { latencySection, proxySection, slowSection, throughputSection } from './client/sections.ts';
import { readSettings, SettingsError } from './client/settings.ts';
import type { Settings } from './client/settings.ts';
import { findWay } from './client/way.ts';

const FAILED = 1;
const WRONG_SETTINGS = 2;
const SLOWEST = 10;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const interrupt = new AbortController();
for (const name of SIGNALS) process.once(name, () => interrupt.abort(name));

try {
  process.exitCode = await run(readSettings(process.env));
} catch (error) {
  process.exitCode = codeOf(error);
}

async function run(settings: Settings): Promise<number> {
  checkFolder(settings.results);
  const way = await findWay(settings);
  const proxies = way.entry === null ? [] : way.marks;
  const logs = logsOf(
    settings.logs,
    proxies.map(({ name }) => name),
  );
  const startedAt = new Date();
  const before = await Promise.all(proxies.map(proxyState));
  const probes = new Probes(SLOWEST);
  const step = (text: string): void => console.log(`${way.name}: ${text}`);
  const { measurements, warmUpFailures } = await measured({
    settings,
    way,
    probes,
    step,
    signal: interrupt.signal,
  });
  const after = await Promise.all(proxies.map(proxyState));
  step('reading the logs');
  const lines = await linesOf(
    logs,
    probes.slowest.map(({ id }) => id),
  );
  const loads = measurements.flatMap(({ atRate, atFull }) => [...atRate, ...atFull]);
  const failures = loads.reduce((sum, load) => sum + load.failures, warmUpFailures + probes.failed);
  const sections = [
    ...(settings.rate > 0 ? [latencySection(measurements, settings)] : []),
    throughputSection(measurements),
    proxySection(before, after),
    ...(probes.sent > 0 ? [slowSection(probes, lines, way.name)] : []),
  ];
  const unseen = probes.slowest.filter(({ id }) => !lines.some((line) => line.id === id)).length;
  const notes = [
    ...(failures === 0 ? [] : [`${failures} requests failed, those of warm-up and probes included`]),
    ...(proxies.length === 0 || unseen === 0
      ? []
      : [`${unseen} of the slowest probes left no line in the logs below ${settings.logs}`]),
  ];
  const report = reportOf({ profile: way.name, startedAt, sections, notes }, settings);
  console.log(`\n${await writeFiles(report, way.name, lines, settings.results)}\n`);
  console.log(`${failures} failures; report: ${way.name}.json and ${way.name}.html in ${settings.results}`);
  return failures === 0 ? 0 : FAILED;
}

async function measured(run: Run): Promise<RunResult> {
  try {
    return await measure(run);
  } finally {
    await run.probes.close();
  }
}

function codeOf(error: unknown): number {
  const { signal } = interrupt;
  if (signal.aborted) {
    const name = signal.reason as (typeof SIGNALS)[number];
    console.error(`client: interrupted by ${name}, no report was written`);
    return 128 + constants.signals[name];
  }
  if (error instanceof SettingsError) {
    console.error(`client: ${error.message}`);
    return WRONG_SETTINGS;
  }
  console.error('client:', error);
  return FAILED;
}
