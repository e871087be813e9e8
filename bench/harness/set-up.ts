/**
 * The set-up of a run, as every report states it: machine, versions, commit. Two reports whose set-ups differ say nothing about
 * each other, so `differences` names what differs and `bench compare` refuses.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine, SetUp } from '../report/report.ts';
import type { Cores } from '../scenario.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

export function machine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    kernel: release(),
  };
}

/** Version of this project, Node and V8: the contenders add theirs. */
export function ownVersions(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(`${PROJECT}package.json`, 'utf8')) as { version: string };
  return { nodeproxy: version, node: process.versions.node, v8: process.versions.v8 };
}

/** `unknown` where there is no git or no repository: an installed package has none. */
export function commit(): { commit: string; dirty: boolean } {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', PROJECT, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    return {
      commit: git('rev-parse', '--short=12', 'HEAD').trim(),
      dirty: git('status', '--porcelain').trim() !== '',
    };
  } catch {
    return { commit: 'unknown', dirty: false };
  }
}

/** Of `dist/`, which is what runs. `stale`: a source is younger, so the commit does not tell what was measured. */
export type Build = 'missing' | 'stale' | 'fresh';

export function buildOf(project: string = PROJECT): Build {
  const built = newest(join(project, 'dist'));
  if (built === 0) return 'missing';
  return newest(join(project, 'src')) > built ? 'stale' : 'fresh';
}

/** Milliseconds since the epoch; 0 where there is no file. */
function newest(folder: string): number {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Math.max(0, ...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
  } catch {
    return 0;
  }
}

/** What forbids a comparison, one sentence each; the commit is what two runs usually differ in, so it never does. */
export function differences(one: SetUp, other: SetUp): string[] {
  return [
    ...unequal('machine', one.machine, other.machine),
    // The version of what is measured goes with its commit.
    ...unequal('version', one.versions, other.versions, ['nodeproxy']),
    ...unequal('pinning', one.pinning, other.pinning),
    ...unequal('option', one.options, other.options),
    ...unequal('environment', one.environment ?? {}, other.environment ?? {}),
  ];
}

function unequal(what: string, one: object, other: object, except: readonly string[] = []): string[] {
  const left = new Map<string, unknown>(Object.entries(one));
  const right = new Map<string, unknown>(Object.entries(other));
  const keys = [...new Set([...left.keys(), ...right.keys()])].filter((key) => !except.includes(key));
  return keys
    .filter((key) => JSON.stringify(left.get(key)) !== JSON.stringify(right.get(key)))
    .map(
      (key) =>
        `${what} ${key}: ${wordsOf(left.get(key))} in the first, ${wordsOf(right.get(key))} in the second`,
    );
}

/** A switch has '' as its value where it was given. */
function wordsOf(value: unknown): string {
  if (value === undefined) return 'none';
  if (value === '') return 'given';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** First line that `program args` prints with a version in it; `undefined` where it is not installed. */
export function versionOf(program: string, args: readonly string[]): string | undefined {
  try {
    // wrk prints its version and exits with 1: the text is what counts.
    const text = execFileSync('sh', ['-c', '"$0" "$@" 2>&1 || true', program, ...args], { encoding: 'utf8' });
    return /\d+\.\d+(?:[.\w+-]*)/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** The first two cores this process may use; with one, measured proxy and load share it, and the report says so. */
export function coresOf(): Cores {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const all = coresIn(list);
  const [proxy = 0, other = proxy] = all;
  return { proxy, other, all };
}

/** `0-2,5` as the kernel writes sets of cores. */
export function coresIn(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_core, index) => from + index);
  });
}

/** Linux's scheduling policies by number (sched(7)). */
const POLICIES: readonly string[] = [
  'normal',
  'fifo',
  'round robin',
  'batch',
  'policy 4',
  'idle',
  'deadline',
  'ext',
];
/** Places of nice and policy in /proc/<pid>/stat behind the name (proc_pid_stat(5): fields 19 and 41, the third is the first there). */
const NICE = 16;
const POLICY = 38;

/** How this process and so its children are scheduled: under the idle policy every figure is one of whoever else was busy. */
export function schedulingOf(stat: string = readFileSync('/proc/self/stat', 'utf8')): string {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const policy = POLICIES[Number(fields[POLICY])] ?? 'unknown';
  const nice = Number(fields[NICE]);
  return nice === 0 ? policy : `${policy}, nice ${nice}`;
}

/** What holds for every process of a run, whatever the scenario pins. */
export function pinningOfRun({ all, proxy, other }: Cores): string {
  const shared = proxy === other ? ', shared by proxies and load' : '';
  const noun = all.length === 1 ? 'core' : 'cores';
  return `${noun} ${all.join(' ')}${shared}, scheduling ${schedulingOf()}`;
}
