/** `logs show`: the lines of one request, found by id or by place in files of any kind, and drawn. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Output } from '../../src/cli/command.ts';
import { LOGS_SHOW } from '../../src/cli/logs-show.ts';
import { parseOptions, UsageError } from '../../src/cli/option.ts';
import { logLines } from '../../src/diagnose/waterfall/lines.ts';
import { MOST_FOUND } from '../../src/diagnose/waterfall/search.ts';
import { OWN_LINES, TALK_LINES } from './support/page-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-show-'));
after(() => rmSync(folder, { recursive: true }));

const ID = '8d1ba2c4-cfad-91cb-8c45-9040d3836aa1';
const ALL = [...OWN_LINES, ...TALK_LINES];

function fileOf(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function show(...args: string[]): Promise<{ code: number; results: string; problems: string }> {
  const [results, problems]: [string[], string[]] = [[], []];
  const out: Output = {
    result: (text) => void results.push(text),
    problem: (text) => void problems.push(text),
  };
  const code = await LOGS_SHOW.run(parseOptions(args, LOGS_SHOW.options), out);
  return { code, results: results.join('\n'), problems: problems.join('\n') };
}

const plain = fileOf('access.log', `${ALL.join('\n')}\n`);

test('a request is found by its id, by the beginning of it, and in a packed file of two members', async () => {
  const packed = fileOf(
    'access.log.gz',
    Buffer.concat([gzipSync(`${OWN_LINES.join('\n')}\n`), gzipSync(`${TALK_LINES.join('\n')}\n`)]),
  );
  const shown = await show(ID, plain);
  assert.equal(shown.code, 0, shown.problems);
  assert.match(shown.results, /^POST \/split\?delay=19 HTTP\/1\.1\n/);
  assert.match(shown.results, /gap 19 ms/);
  for (const [id, file] of [
    [ID.slice(0, 8), plain],
    [ID, packed],
  ] as const) {
    const again = await show(id, file);
    assert.equal(again.code, 0, again.problems);
    assert.equal(again.results.replaceAll(packed, plain), shown.results);
  }
});

test('a line is found by its number and by FILE:LINE', async () => {
  const number = String(ALL.findIndex((line) => line.includes(ID)) + 1);
  const byId = await show(ID, plain);
  assert.deepEqual(await show(number, plain), byId);
  assert.deepEqual(await show(`${plain}:${number}`), byId);
});

test('lines of several files come in the order in which they began', async () => {
  const own = OWN_LINES.at(-1) ?? '';
  const id = '3149fbe8-4940-49f7-9370-d873f1a884a3';
  const later = own.replace('10:08:07.414Z', '10:08:07.420Z').replace('GET /big', 'GET /second');
  const [first, second] = [fileOf('a.log', later), fileOf('b.log', own)];
  const { results } = await show(id, first, second);
  assert.match(results, /^2 lines carry this id/);
  assert.ok(results.indexOf('GET /big') < results.indexOf('GET /second'));
});

test('an id in the path of another request is not this request', async () => {
  const other = (TALK_LINES[0] ?? '').replace('GET / ', `GET /jobs/${ID} `);
  const { code, problems } = await show(ID, fileOf('other.log', other));
  assert.equal(code, 1);
  assert.match(problems, /no readable line of .*other\.log carries the id/);
});

test('more lines than can be one request are counted, not kept', async () => {
  const line = TALK_LINES[4] ?? '';
  const many = fileOf('many.log', Array.from({ length: MOST_FOUND + 7 }, () => line).join('\n'));
  const { code, problems } = await show(ID, many);
  assert.equal(code, 0);
  assert.match(problems, /7 more lines/);
});

test('what is not there or not readable is said, with exit code 1', async () => {
  const cut = fileOf('cut.gz', gzipSync(ALL.join('\n')).subarray(0, 900));
  const junk = fileOf('junk.log', 'panic: \u001b[31moops\n');
  for (const [args, words] of [
    [[ID, join(folder, 'none')], /none: there is no such file/],
    [[ID, folder], /is a folder/],
    [['no-such-id', cut], /cut\.gz: its gzip data ends too early/],
    [['9999', plain], /access\.log:9999: there is no such line/],
    [[`${junk}:1`], /junk\.log:1: .*\\u001b\[31moops/],
  ] as const) {
    const { code, problems } = await show(...args);
    assert.equal(code, 1);
    assert.match(problems, words);
  }
});

test('a call that cannot be understood is a usage error', async () => {
  await assert.rejects(show(), UsageError);
  await assert.rejects(show('12', plain, plain), UsageError);
  assert.throws(() => parseOptions(['x', '--width', '5'], LOGS_SHOW.options), UsageError);
});

test('a line without end takes bounded memory and the next one keeps its number', async () => {
  const long = fileOf('long.log', `${'x'.repeat(3_000_000)}\nsecond\n\nfourth`);
  const lines = (await Array.fromAsync(logLines(long))).flat();
  assert.deepEqual(
    lines.map(({ lineNumber, text }) => [lineNumber, text.length]),
    [
      [1, 256 * 1024],
      [2, 6],
      [3, 0],
      [4, 6],
    ],
  );
});
