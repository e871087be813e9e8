/**
 * The set-up of a run, as every report states it: machine, versions, commit. Two reports whose set-ups differ say nothing about
 * each other, so `differences` names what differs and `bench compare` refuses.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
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

/** What forbids a comparison, one sentence each; the commit is what two runs usually differ in, so it never does. */
export function differences(one: SetUp, other: SetUp): string[] {
  const found: string[] = [];
  const compare = (what: string, a: object, b: object): void => {
    const left = new Map<string, unknown>(Object.entries(a));
    const right = new Map<string, unknown>(Object.entries(b));
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      // The version of what is measured goes with its commit.
      if (what === 'version' && key === 'nodeproxy') continue;
      const values = [left.get(key), right.get(key)].map((value) => value ?? 'nothing');
      if (values[0] !== values[1])
        found.push(`${what} ${key}: ${String(values[0])} there, ${String(values[1])} here`);
    }
  };
  compare('machine:', one.machine, other.machine);
  compare('version', one.versions, other.versions);
  compare('pinning', one.pinning, other.pinning);
  compare('option', one.options, other.options);
  return found;
}

/** First line that `program args` prints with a version in it; `undefined` where it is not installed. */
export function versionOf(program: string, args: readonly string[]): string | undefined {
  try {
    // wrk prints its version and exits with 1: the text is what counts.
    const text = execFileSync('sh', ['-c', `${program} ${args.join(' ')} 2>&1 || true`], {
      encoding: 'utf8',
    });
    return /\d+\.\d+(?:[.\w+-]*)/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** The first two cores this process may use; with one, measured proxy and load share it, and the report says so. */
export function coresOf(): Cores {
  const list =
    execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' })
      .split(':')
      .at(-1) ?? '';
  const all = list
    .trim()
    .split(',')
    .flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_core, index) => from + index);
    });
  const [proxy = 0, other = proxy] = all;
  return { proxy, other, all };
}
