/** What README.md and ARCHITECTURE.md say of names, options, log lines and messages is so. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RUN_OPTIONS } from '../../src/cli/run-options.ts';
import { formatIssue } from '../../src/config/config-error.ts';
import { validate } from '../../src/config/load-bootstrap.ts';
import { operatorNames } from '../../src/observe/format/operators.ts';
import { parseInstrumentedLine, printInstrumentedLine } from '../../src/observe/grammar/instrumented-line.ts';
import { CONFIG_CHECKS } from '../../src/server/config-checks.ts';
import { blockOf, pathsOf, readDocument, ROOT } from './markdown.ts';

const README = readDocument('README.md');

for (const name of ['README.md', 'ARCHITECTURE.md']) {
  test(`every path that ${name} names exists`, () => {
    const paths = pathsOf(readDocument(name));
    assert.ok(paths.length > 3, `${paths.length} paths found`);
    const missing = paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0);
    assert.deepEqual(missing, []);
  });

  test(`every link inside ${name} leads to a heading`, () => {
    const document = readDocument(name);
    const headings = [...document.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(' ', '-'),
    );
    for (const [, anchor = ''] of document.matchAll(/\]\(#([^)]*)\)/g))
      assert.ok(headings.includes(anchor), anchor);
  });

  test(`every log operator that ${name} names is one`, () => {
    const known = new Set(operatorNames());
    const named = [...readDocument(name).matchAll(/%([A-Z][A-Z_]+)(?:\([^)%]*\))?%/g)];
    for (const [, operator = ''] of named) assert.ok(known.has(operator), operator);
  });
}

test('the table of options is the one of the command', () => {
  const section = README.slice(README.indexOf('### Options of `run`'));
  const rows = [...section.matchAll(/^\| (?:`-(\w)`, )?`--([a-z-]+) (<[^`]*>)` \|/gm)];
  const told = rows.map(([, short, name, value]) => ({ name, short, value }));
  const real = RUN_OPTIONS.map(({ name, short, value }) => ({ name, short, value }));
  assert.deepEqual(told, real);
});

describe('the log line of ARCHITECTURE.md', () => {
  const chapter = readDocument('ARCHITECTURE.md').split('## Read a log line')[1]?.split('\n## ')[0] ?? '';
  const text = blockOf(chapter, 'log').trimEnd().replaceAll('\n', ' ');

  test('is one of our own grammar, to the last byte, and its ledger adds up', () => {
    const line = parseInstrumentedLine(text);
    assert.ok(line !== null, text);
    assert.equal(printInstrumentedLine(line), text);
    const segments = [...(/ (loop=\S+) /.exec(line.rest)?.[1] ?? '').matchAll(/=(\d+)/g)];
    const total = segments.reduce((sum, [, us]) => sum + Number(us), 0);
    assert.equal(Math.floor(total / 1000), line.six?.duration);
  });

  test('has every token that is explained', () => {
    const tokens = [...chapter.matchAll(/^\| `([^`]+)` \|/gm)].map(([, token = '']) => token);
    assert.ok(tokens.length > 25, `${tokens.length} tokens found`);
    const missing = tokens.filter((token) => !token.split('…').every((part) => text.includes(part)));
    assert.deepEqual(missing, []);
  });
});

describe('the log lines of README.md', () => {
  test('the instrumented line is one of our own grammar, to the last byte', () => {
    const text = blockOf(README, 'log').trimEnd().replaceAll('\n', ' ');
    const line = parseInstrumentedLine(text);
    assert.ok(line !== null, text);
    assert.equal(printInstrumentedLine(line), text);
  });

  test('the tokens that are explained stand in it', () => {
    const text = blockOf(README, 'log');
    const table = README.slice(README.indexOf('| token | says |'), README.indexOf('**The ledger**'));
    const tokens = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, token = '']) => token);
    assert.ok(tokens.length > 8);
    for (const token of tokens) assert.ok(text.includes(token), token);
  });

  test('the ledgers add up to their totals, and the verdicts name their largest segment', () => {
    const lines = blockOf(README, 'ledger').trimEnd().split('\n');
    for (const line of lines) {
      const [, total, ledger = '', verdict] = /^\S+ ".*" \d+ (\d+) \(\d+\) (\S+) (\S+) /.exec(line) ?? [];
      const segments = ledger.split(',').map((each) => each.split('='));
      const sum = segments.reduce((before, [, us]) => before + Number(us), 0);
      assert.equal(String(Math.floor(sum / 1000)), total, line);
      const largest = segments.toSorted(([, a], [, b]) => Number(b) - Number(a))[0];
      assert.equal(verdict, largest?.[0], line);
    }
  });
});

test('the broken configuration gets the errors that README.md shows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-docs-'));
  try {
    const file = join(folder, 'broken.yaml');
    writeFileSync(file, blockOf(README, 'yaml'));
    const result = validate(file, { checks: CONFIG_CHECKS });
    assert.ok(!result.ok);
    const shown = result.issues.map((issue) => formatIssue({ ...issue, file: 'broken.yaml' }));
    assert.equal(`${shown.join('\n')}\n`, blockOf(README, 'errors'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
