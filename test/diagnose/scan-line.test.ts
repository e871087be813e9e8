/** The byte scanner and the full parser say the same of every line that the scanner takes; what it does not take, it leaves alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import { factsOfRecord } from '../../src/diagnose/scan/facts-of-record.ts';
import { LineFacts } from '../../src/diagnose/scan/line-facts.ts';
import { NameTable } from '../../src/diagnose/scan/name-table.ts';
import { scanLine } from '../../src/diagnose/scan/scan-line.ts';
import type { Names } from '../../src/diagnose/scan/scan-line.ts';
import { lineOf, randomOf, Traffic } from './support/traffic.ts';
import type { Ill } from './support/traffic.ts';

const SAMPLES = readFileSync(fileURLToPath(new URL('../observe/samples.txt', import.meta.url)), 'utf8').split(
  '\n',
);
const ILLS: readonly Ill[] = [
  'fragmented',
  'late',
  'gap',
  'flow-downstream',
  'flow-upstream',
  'filter',
  'paused-filter',
  'pool',
  'connect',
  'unused',
  'upstream',
  'body',
  'kernel',
  'blocked',
  'head',
  'closed',
  'too-large',
];
const names: Names = { flags: new NameTable(), clusters: new NameTable(), filters: new NameTable() };

function scanned(line: string): LineFacts | null {
  const facts = new LineFacts();
  facts.bytes = Buffer.from(`${line}\n`);
  facts.to = facts.bytes.length - 1;
  return scanLine(facts, names) ? facts : null;
}

function parsed(line: string): LineFacts | null {
  const record = parseRecord(line, '', 0);
  if (isUnreadable(record)) return null;
  const facts = new LineFacts();
  factsOfRecord(record, facts, names);
  return facts;
}

/** Numbers alone: where they came from differs. */
function numbers(facts: LineFacts): unknown {
  const {
    bytes: _,
    from: _from,
    to: _to,
    columns: _columns,
    record: _record,
    filterIds,
    filterUs,
    filters,
    ...rest
  } = facts;
  return {
    ...rest,
    filters: Array.from({ length: filters }, (__, index) => [
      names.filters.name(filterIds[index] ?? 0),
      filterUs[index],
    ]),
  };
}

function assertSame(line: string): void {
  const fast = scanned(line);
  const full = parsed(line);
  assert.ok(fast !== null, `not scanned: ${line}`);
  assert.ok(full !== null, `not parsed: ${line}`);
  assert.deepEqual(numbers(fast), numbers(full), line);
  for (const column of ['method', 'path', 'responseCodeDetails', 'upstreamHost', 'routeName'] as const)
    assert.equal(fast.column(column), full.column(column));
}

test('whole lines of the talk, and all that a proxy can write, give the same facts either way', () => {
  for (const line of SAMPLES.slice(0, 9)) assertSame(line);
  const traffic = new Traffic(1);
  for (let round = 0; round < 40; round += 1) {
    assertSame(lineOf(traffic.healthy()));
    for (const ill of ILLS) {
      const request = traffic.ill(ill);
      for (const micro of [true, false])
        for (const diagnostic of [true, false]) assertSame(lineOf(request, { micro, diagnostic }));
    }
  }
});

test('Istio’s plain line is scanned, with a missing total left to the parser', () => {
  const plain = lineOf(new Traffic(2).healthy()).replace(/ : \d.*$/, '');
  assertSame(plain);
  assert.equal(scanned(plain)?.threadId, -1);
  assert.equal(scanned(plain.replace(/( "[^"]*" \d+ \d+) \d+ /, '$1 - ')), null);
});

test('fragments left out, escaped text, paths with blanks, a carriage return', () => {
  const line = lineOf(new Traffic(3).ill('fragmented'));
  assertSame(line.replace(/\]D-\[/, ']D-(+12,70000)-['));
  assertSame(line.replace('seeded/1.0', String.raw`\x22 : (7) \x22\\`));
  assertSame(line.replace('/ HTTP', '/a b c HTTP'));
  assertSame(`${line}\r`);
  assertSame(line.replace(/filter\.audit=\d+/, 'filter.my own filter=7,paused.envoy.filters.http.x=8'));
  assertSame(line.replace(/ "\[C\d+:R:0,[^"]*" client.*$/, ' "-" - - 5-6'));
});

/** One to three bytes changed, removed or doubled, or the line cut. */
function damaged(line: string, random: () => number): string {
  let text = line;
  for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1) {
    const at = Math.floor(random() * text.length);
    const kind = random();
    const byte = '[]<>"~!+-,:.()0123456789CRSHDEd =\\'[Math.floor(random() * 34)] ?? '-';
    if (kind < 0.4) text = text.slice(0, at) + byte + text.slice(at + 1);
    else if (kind < 0.7) text = text.slice(0, at) + text.slice(at + 1);
    else if (kind < 0.9) text = text.slice(0, at) + byte + text.slice(at);
    else text = text.slice(0, at);
  }
  return text;
}

test('a damaged line is taken by the scanner only if the parser reads the same numbers in it', () => {
  const random = randomOf(4);
  const traffic = new Traffic(5);
  let taken = 0;
  for (let round = 0; round < 6000; round += 1) {
    const request = traffic.ill(ILLS[round % ILLS.length] ?? 'gap');
    const line = damaged(lineOf(request, { micro: round % 2 === 0, diagnostic: round % 3 > 0 }), random);
    const fast = scanned(line);
    if (fast === null) continue;
    const full = parsed(line);
    assert.ok(full !== null, line);
    assert.deepEqual(numbers(fast), numbers(full), line);
    taken += 1;
  }
  // Most damage falls into text that means nothing to either.
  assert.ok(taken > 500, String(taken));
});
