/**
 * The architecture as data, checked against every file of `src/`: who may import whom, how large things may grow, which names say
 * nothing, and where time and chance come from. A rule that a place must break is listed here with the reason.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** A folder imports itself and what stands before it; a file directly in `src/` is a rung of its own. */
const LADDER: readonly string[] = [
  'api',
  'base',
  'os',
  'event',
  'buffer',
  'observe',
  'network',
  'listener',
  'codec',
  'upstream',
  'http',
  'router',
  'extensions',
  'config',
  'admin',
  'server',
  'lab',
  'trace',
  'cli',
  'worker.ts',
  'main.ts',
];

/** Stands beside the ladder: reads logs that are already written. */
const BESIDE: Readonly<Record<string, readonly string[]>> = { diagnose: ['base', 'observe/grammar'] };

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;
/** Head comment of each file, in lines; a small file may do with one. */
const HEAD_LINES = { least: 3, most: 16 };
const SMALL_FILE_LINES = 90;

/** Longer than a file should be, and why it is not cut. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'api/envoy.ts': 'generated',
  'api/http.ts': 'one seam, its contracts are read together',
  'codec/http1/head-scan.ts': 'one state machine over bytes: cutting it would hide the transitions',
};

/** Words that name nothing. */
const EMPTY_NAMES = /(^|[-_])(impl|inner|utils?|common|helpers?|manager2|misc)([-_.]|$)/;
const EMPTY_IDENTIFIERS = /\b(?:class|interface|function|type) \w*(?:Impl|Inner|Utils?|Helpers?)\b/;

/** Time and chance enter here and nowhere else. */
const CLOCK_CALLS = /(?<![.\w])(?:Date\.now|performance\.now|setTimeout|setInterval|Math\.random)\(/;
const CLOCK_FILES: Readonly<Record<string, string>> = {
  'base/clock.ts': 'the one place',
};

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

function sources(folder = SRC): SourceFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    if (!entry.name.endsWith('.ts')) return [];
    const text = readFileSync(path, 'utf8');
    return [{ path: relative(SRC, path), text, lines: text.trimEnd().split('\n') }];
  });
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const STATEMENT =
  /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)|^import '(\.[^']+)'/gm;

function importsOf(file: SourceFile): Import[] {
  return Array.from(file.text.matchAll(STATEMENT), (match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? '';
    const to = join(dirname(file.path), target);
    return { from: file.path, to, typeOnly: match[1] !== undefined };
  });
}

function rungOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

const files = sources();
const imports = files.flatMap(importsOf);

test('every folder and entry has its rung on the ladder', () => {
  const unknown = files
    .map((file) => rungOf(file.path))
    .filter((rung) => !LADDER.includes(rung) && !(rung in BESIDE));
  assert.deepEqual([...new Set(unknown)], []);
});

test('imports go down the ladder only', () => {
  const upward = imports.filter(({ from, to, typeOnly }) => {
    const [own, other] = [rungOf(from), rungOf(to)];
    if (own === other || (other === 'api' && typeOnly)) return false;
    const beside = BESIDE[own];
    if (beside !== undefined) return !beside.some((prefix) => to.startsWith(prefix));
    // An entry is started, not imported; types of a worker may still be named.
    return LADDER.indexOf(other) >= LADDER.indexOf(own);
  });
  assert.deepEqual(
    upward.map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
});

test('contracts are types: api imports and is imported by `import type` alone', () => {
  const values = imports.filter(
    ({ from, to, typeOnly }) => (rungOf(from) === 'api' || rungOf(to) === 'api') && !typeOnly,
  );
  assert.deepEqual(
    values.map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
});

test('no two files import each other at run time, directly or around', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports)
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push([...trail.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  assert.deepEqual(cycles, []);
});

test('every relative import names a file that is there', () => {
  const known = new Set(files.map((file) => file.path));
  assert.deepEqual(
    imports.filter(({ to }) => to.endsWith('.ts') && !known.has(to)),
    [],
  );
});

test('no file is longer than 300 lines', () => {
  const long = files.filter(({ path, lines }) => lines.length > MAX_FILE_LINES && !(path in LONG_FILES));
  assert.deepEqual(
    long.map(({ path, lines }) => `${path}: ${lines.length}`),
    [],
  );
});

test('no function or method is longer than 60 lines', () => {
  assert.deepEqual(files.filter(({ path }) => rungOf(path) !== 'api').flatMap(longFunctions), []);
});

/** By indentation, which the formatter guarantees: a head ends with `{`, the end is the first line as deep as the head. */
function longFunctions({ path, lines }: SourceFile): string[] {
  const head =
    /^(\s*)(?:export |async |static |private |get |set )*(?:function\b.*|(?:#?\w+)(?:<.*>)?\(.*\).*|const \w+ = .*=>) \{$/;
  return lines.flatMap((line, start) => {
    const match = head.exec(line);
    if (match === null || /^\s*(?:if|for|while|switch|class|return)\b/.test(line)) return [];
    const end = lines.findIndex((other, at) => at > start && other.startsWith(`${match[1]}}`));
    const length = end - start + 1;
    return length > MAX_FUNCTION_LINES ? [`${path}:${start + 1}: ${length} lines`] : [];
  });
}

test('every file opens with a comment that says what it is', () => {
  const bad = files.filter(({ lines }) => {
    const length =
      lines[0]?.startsWith('/**') === true ? lines.findIndex((line) => line.trimEnd().endsWith('*/')) + 1 : 0;
    const least = lines.length <= SMALL_FILE_LINES ? 1 : HEAD_LINES.least;
    return length < least || length > HEAD_LINES.most;
  });
  assert.deepEqual(
    bad.map(({ path }) => path),
    [],
  );
});

test('names say what a thing is made of or does', () => {
  const files_ = files.filter(({ path }) => EMPTY_NAMES.test(path.slice(path.lastIndexOf('/') + 1)));
  const identifiers = files
    .filter(({ path }) => path !== 'api/envoy.ts')
    .flatMap(({ path, text }) => EMPTY_IDENTIFIERS.exec(text)?.map((found) => `${path}: ${found}`) ?? []);
  assert.deepEqual([...files_.map(({ path }) => path), ...identifiers], []);
});

test('file names are kebab-case', () => {
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => !/^[a-z0-9/-]+\.ts$/.test(path)),
    [],
  );
});

test('time and chance come from the clock', () => {
  const found = files
    .filter(({ path }) => !(path in CLOCK_FILES))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (CLOCK_CALLS.test(code(line)) ? [`${path}:${index + 1}`] : [])),
    );
  assert.deepEqual(found, []);
});

/** The line without comment and text. */
function code(line: string): string {
  return line.replace(/^\s*\*.*|\/\/.*/, '').replaceAll(/'[^']*'|`[^`]*`/g, '');
}

test('raw pointers and node:ffi stay behind os/', () => {
  const found = files.filter(
    ({ path, text }) => rungOf(path) !== 'os' && /from 'node:ffi'|import\('node:ffi'\)/.test(text),
  );
  assert.deepEqual(
    found.map(({ path }) => path),
    [],
  );
});
