/**
 * The report of a run and its files: `<profile>.json`, `.html`, and `.log` with the proxies' lines of the slowest probes, which
 * `nodeproxy logs show` and `logs diagnose` read. Of each profile the last run is kept.
 */
import { createRequire } from 'node:module';
import { accessSync, constants, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine, ownVersions } from '../../bench/harness/set-up.ts';
import { reportPage } from '../../bench/report/page.ts';
import type { Report, Section } from '../../bench/report/report.ts';
import { reportText } from '../../bench/report/text.ts';
import type { FoundLine } from './log-lines.ts';
import { SettingsError } from './settings.ts';
import type { Settings, WayName } from './settings.ts';

const WORDS: Readonly<Record<WayName, string>> = {
  direct: 'No proxy: client, service',
  sidecar: "A proxy in every pod: client, its sidecar, the service's sidecar, service",
  nodeproxy:
    "A proxy on every node: client, its node's proxy, the service's node's proxy, service; one proxy where both are on one node",
};

export interface Written {
  readonly profile: WayName;
  readonly startedAt: Date;
  readonly sections: readonly Section[];
  readonly notes: readonly string[];
}

export function reportOf({ profile, startedAt, sections, notes }: Written, settings: Settings): Report {
  return {
    scenario: 'compose',
    title: `Compose, ${profile}`,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    setUp: {
      machine: machine(),
      versions: { ...ownVersions(), autocannon: autocannonVersion() },
      pinning: { 'all processes': 'none, containers share all cores' },
      options: optionsOf(settings),
      commit: settings.commit,
      dirty: false,
    },
    command: commandOf(profile, settings),
    notes: [
      'The profiles run one after another, not in turns: what drifts on the machine between two of them stands in their difference.',
      ...notes,
    ],
    sections: [{ title: 'The way', text: [`${WORDS[profile]}.`], parts: [] }, ...sections],
  };
}

/** @throws SettingsError, to be known before minutes of measuring. */
export function checkFolder(folder: string): void {
  try {
    if (!statSync(folder).isDirectory()) throw new Error('no folder');
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    const user = `${process.getuid?.() ?? '?'}`;
    throw new SettingsError(
      `RESULTS=${folder}: user ${user} cannot write there: say whose it is, with CLIENT_UID=$(id -u) CLIENT_GID=$(id -g) before docker compose`,
    );
  }
}

/** The figures first: they are kept whatever fails behind them. */
export async function writeFiles(
  report: Report,
  profile: WayName,
  lines: readonly FoundLine[],
  folder: string,
): Promise<string> {
  const base = join(folder, profile);
  for (const kind of ['json', 'html', 'log']) rmSync(`${base}.${kind}`, { force: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
  if (lines.length > 0) writeFileSync(`${base}.log`, lines.map(({ line }) => `${line}\n`).join(''));
  writeFileSync(`${base}.html`, await reportPage(report));
  return reportText(report);
}

/** The profile is none of them: it is what two reports differ in. */
function optionsOf(settings: Settings): Record<string, string> {
  const { connections, seconds, rounds, rate, path } = settings;
  return {
    connections: String(connections),
    seconds: String(seconds),
    'warm-up-seconds': String(settings.warmUpSeconds),
    rounds: String(rounds),
    rate: String(rate),
    path,
    concurrency: String(settings.concurrency),
    services: settings.services.map(({ name }) => name).join(' '),
  };
}

function commandOf(profile: WayName, settings: Settings): string {
  const { connections, seconds, warmUpSeconds, rounds, rate, path, concurrency } = settings;
  const variables = `CONNECTIONS=${connections} SECONDS=${seconds} WARM_UP_SECONDS=${warmUpSeconds} ROUNDS=${rounds} RATE=${rate} CONCURRENCY=${concurrency}`;
  const more = /^[\w/?=&.-]+$/.test(path) ? path : path.replaceAll("'", String.raw`'\''`);
  return `${variables} REQUEST_PATH='${more}' docker compose --profile ${profile} up --build --exit-code-from client`;
}

function autocannonVersion(): string {
  return (createRequire(import.meta.url)('autocannon/package.json') as { version: string }).version;
}
