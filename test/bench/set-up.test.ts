/** What a report states of its machine, and what keeps two of them from being compared. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  buildOf,
  commit,
  coresIn,
  coresOf,
  differences,
  machine,
  ownVersions,
  pinningOfRun,
  schedulingOf,
  versionOf,
} from '../../bench/harness/set-up.ts';
import type { SetUp } from '../../bench/report/report.ts';
import { SET_UP } from './support/sample-report.ts';

describe('differences of two set-ups', () => {
  const others: readonly (readonly [string, SetUp, string])[] = [
    [
      'the processor',
      { ...SET_UP, machine: { ...SET_UP.machine, processor: 'Other' } },
      'machine processor: Example',
    ],
    [
      'the number of cores',
      { ...SET_UP, machine: { ...SET_UP.machine, cores: 4 } },
      'machine cores: 2 in the first, 4',
    ],
    [
      'memory',
      { ...SET_UP, machine: { ...SET_UP.machine, memoryBytes: 1 } },
      'machine memoryBytes: 8589934592',
    ],
    [
      'the kernel',
      { ...SET_UP, machine: { ...SET_UP.machine, kernel: '6.2' } },
      'machine kernel: 6.1.0-example',
    ],
    [
      'a version',
      { ...SET_UP, versions: { ...SET_UP.versions, node: '27.0.0' } },
      'version node: 26.10.0 in the first, 27.0.0',
    ],
    [
      'a program more',
      { ...SET_UP, versions: { ...SET_UP.versions, envoy: '1.37' } },
      'version envoy: none in the first, 1.37',
    ],
    [
      'pinning',
      { ...SET_UP, pinning: { ...SET_UP.pinning, proxies: 'cores 0-1' } },
      'pinning proxies: core 0 in the first, cores 0-1',
    ],
    ['no pinning', { ...SET_UP, pinning: {} }, 'pinning proxies: core 0 in the first, none in the second'],
    [
      'an option',
      { ...SET_UP, options: { ...SET_UP.options, rounds: '9' } },
      'option rounds: 5 in the first, 9',
    ],
    [
      'a switch',
      { ...SET_UP, options: { rounds: '5', seconds: '3', connections: '64' } },
      'option quick: given in the first, none',
    ],
    [
      'the environment',
      { ...SET_UP, environment: { NODE_OPTIONS: '--jitless' } },
      'environment NODE_OPTIONS: none in the first, --jitless',
    ],
  ];
  for (const [what, other, expected] of others) {
    test(`${what} forbids a comparison, from either side`, () => {
      const found = differences(SET_UP, other);
      assert.ok(
        found.some((reason) => reason.startsWith(expected)),
        found.join('\n'),
      );
      assert.equal(differences(other, SET_UP).length, found.length);
    });
  }

  test('the commit, changes to it and its version are what is compared', () => {
    const versions = { ...SET_UP.versions, nodeproxy: '9.9.9' };
    assert.deepEqual(differences(SET_UP, { ...SET_UP, commit: 'ffff', dirty: true, versions }), []);
    assert.deepEqual(differences(SET_UP, structuredClone(SET_UP)), []);
  });
});

describe('the set-up of this machine', () => {
  test('machine, versions and commit are known', () => {
    const { processor, cores, memoryBytes, kernel } = machine();
    assert.ok(processor !== '' && cores > 0 && memoryBytes > 1e6 && kernel !== '');
    assert.equal(ownVersions()['node'], process.versions.node);
    assert.match(commit().commit, /^(?:[0-9a-f]{12}|unknown)$/);
  });

  test('cores are read as the kernel writes them', () => {
    assert.deepEqual(coresIn('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(coresIn('7'), [7]);
    const { proxy, other, all } = coresOf();
    assert.ok(all.includes(proxy) && all.includes(other));
  });

  test('one core for all is said', () => {
    assert.match(
      pinningOfRun({ proxy: 3, other: 3, all: [3] }),
      /^core 3, shared by proxies and load, scheduling /,
    );
    assert.match(pinningOfRun({ proxy: 0, other: 1, all: [0, 1] }), /^cores 0 1, scheduling /);
  });

  test('the policy of the scheduler is read behind any name', () => {
    const stat = (nice: number, policy: number): string =>
      `1 (a) b) R ${Array.from({ length: 49 }, (_, index) => (index === 15 ? nice : index === 37 ? policy : index)).join(' ')}`;
    assert.equal(schedulingOf(stat(0, 0)), 'normal');
    assert.equal(schedulingOf(stat(0, 5)), 'idle');
    assert.equal(schedulingOf(stat(-5, 0)), 'normal, nice -5');
    assert.equal(schedulingOf(stat(0, 42)), 'unknown');
    assert.notEqual(schedulingOf(readFileSync('/proc/self/stat', 'utf8')), 'unknown');
  });

  test('a version is read where the program is there, without a shell reading its arguments', () => {
    assert.equal(versionOf(process.execPath, ['--version']), process.versions.node);
    assert.equal(versionOf('/nonexistent/program', ['1; echo']), undefined);
    assert.equal(versionOf('echo', ['$(printf 9).1', ';', 'printf', '8.8\\n7']), '8.8');
    assert.equal(versionOf('echo', ['$(printf 9).1']), undefined);
  });

  test('a build older than its sources is stale', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-build-'));
    const at = (path: string, seconds: number): void => {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, 'file'), '');
      utimesSync(join(folder, path, 'file'), seconds, seconds);
    };
    try {
      at('src', 100);
      assert.equal(buildOf(folder), 'missing');
      at('dist', 200);
      assert.equal(buildOf(folder), 'fresh');
      at('src/deep', 300);
      assert.equal(buildOf(folder), 'stale');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
