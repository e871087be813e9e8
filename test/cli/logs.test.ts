/** `nodeproxy logs …` as a user meets it: results, mistakes, pipes, files for machines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Report } from '../../src/diagnose/report.ts';
import { lineOf, Traffic } from '../diagnose/support/traffic.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const traffic = new Traffic(17);
const LINES = Array.from({ length: 400 }, (_, index) =>
  lineOf(
    index % 10 === 0
      ? traffic.ill('gap')
      : index % 57 === 1
        ? {
            ...traffic.healthy(),
            code: 404,
            flags: 'NR',
            details: 'route_not_found',
            upstream: 0,
            created: 0,
            responsePieces: [],
          }
        : traffic.healthy(),
  ),
);
const TEXT = LINES.map((line) => `${line}\n`).join('');
const LOG = join(folder, 'access.log');
writeFileSync(LOG, TEXT);

function nodeproxy(
  args: readonly string[],
  input: string | Buffer = '',
): { code: number | null; out: string; err: string } {
  const env = { ...process.env, NODEPROXY_SOURCE: '1', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${ROOT}bin/nodeproxy.js`, 'logs', ...args],
    {
      env,
      input,
      encoding: 'utf8',
      cwd: folder,
    },
  );
  return { code: status, out: stdout, err: stderr };
}

test('diagnose prints a report for people, the same from a pipe, without colours', () => {
  const { code, out, err } = nodeproxy(['diagnose', 'access.log']);
  assert.equal(code, 0, err);
  assert.match(out, /^400 requests in 400 lines/);
  assert.match(out, /Where the time went/);
  assert.match(out, /1\. failures: NR/);
  assert.match(out, /2\. head and body apart: users/);
  assert.ok(!out.includes('\u001b'));
  const piped = nodeproxy(['diagnose', '-'], gzipSync(TEXT));
  // A name as long, so that lines break alike.
  writeFileSync(join(folder, 'x'), TEXT);
  assert.equal(piped.out.replaceAll('▸ -:', '▸ x:'), nodeproxy(['diagnose', 'x']).out);
});

test('diagnose --json is the report, --html one page of it', () => {
  const page = join(folder, 'out.html');
  const { code, out } = nodeproxy(['diagnose', '--json', '--html', page, LOG]);
  assert.equal(code, 0);
  const report = JSON.parse(out) as Report;
  assert.equal(report.requests, 400);
  assert.equal(report.findings[0]?.subject, 'NR');
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>/);
  assert.equal(nodeproxy(['diagnose', '--html', '/nowhere/out.html', LOG]).code, 1);
});

test('options choose lines and thresholds', () => {
  const of = (...args: string[]): Report =>
    JSON.parse(nodeproxy(['diagnose', '--json', ...args, LOG]).out) as Report;
  assert.equal(of('--code', '404').requests, LINES.filter((line) => line.includes(' 404 NR ')).length);
  assert.equal(of('--path', '/users').requests, LINES.filter((line) => line.includes(' /users')).length);
  assert.equal(of('--until', '2026-11-21T06:00:00.090Z').requests, 100);
  assert.ok(!of('--gap-ms', '100').findings.some(({ cause }) => cause === 'head-body-gap'));
  assert.ok(of('--slow-ms', '1').slowRequests > 300);
});

test('threads, errors, find and interfaces print tables', () => {
  const threads = nodeproxy(['threads', LOG]);
  assert.match(threads.out, /\(4711\) +100 +25 % +\d+ +\+0\.0 %/);
  assert.match(threads.out, /max\/min 1\.00, chi-square 0\.0: even enough/);
  const errors = nodeproxy(['errors', LOG]);
  const unrouted = LINES.filter((line) => line.includes(' 404 NR ')).length;
  assert.match(errors.out, new RegExp(`Alert: ${unrouted} requests matched no route`));
  assert.doesNotMatch(nodeproxy(['errors', '--alert-404', '100', LOG]).out, /Alert/);
  assert.match(nodeproxy(['find', LOG, '--path', '/search']).out, /10\.0\.\d+\.\d+ +-> +10\.1\.0\.9:9000/);
  assert.match(nodeproxy(['interfaces', LOG]).out, /GET \/users\/\{id\}/);
  for (const view of ['threads', 'errors', 'interfaces'])
    assert.equal((JSON.parse(nodeproxy([view, '--json', LOG]).out) as { requests: number }).requests, 400);
});

test('lines that cannot be read are told on standard error, and nothing fails', () => {
  const { code, out, err } = nodeproxy(['errors', '--json', '-'], `${TEXT}noise\n`);
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as { requests: number }).requests, 400);
  assert.match(err, /1 line could not be read[^]*not an access-log line[^]*-:401 {2}noise/);
});

test('mistakes: exit code 2 and what was meant; files that cannot be read: 1', () => {
  for (const [args, message] of [
    [[], /logs needs a command: diagnose, show, threads/],
    [['diagnos', LOG], /unknown command logs diagnos \(did you mean "diagnose"\?\)[^]*nodeproxy logs --help/],
    [['diagnose'], /logs diagnose needs a file, or - for standard input/],
    [['diagnose', '--slow', '3', LOG], /unknown option --slow[^]*nodeproxy logs diagnose --help/],
    [['diagnose', '--slow-ms', 'x', LOG], /--slow-ms x: must be a number/],
    [['diagnose', '--since', 'noon', LOG], /--since noon: must be a date and time/],
    [['diagnose', '--code', '5x', LOG], /--code 5x: must be a status code/],
    [['diagnose', '-', '-'], /standard input \(-\) can be read once/],
    [['find', LOG], /logs find needs --path, --code, --since or --until/],
  ] as const) {
    const { code, err } = nodeproxy(args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, message);
  }
  const missing = nodeproxy(['diagnose', 'none.log']);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /none\.log: there is no such file/);
  assert.equal(nodeproxy(['threads', folder]).code, 1);
});

test('help of the group and of a command; an empty input says so', () => {
  assert.match(nodeproxy(['--help']).out, /logs interfaces +Count requests and latency/);
  assert.match(nodeproxy(['diagnose', '--help']).out, /--late-ms <n> +threshold: .*default 5/);
  assert.match(nodeproxy(['diagnose', '-']).out, /the input is empty/);
  assert.match(nodeproxy(['threads', '-']).out, /No requests/);
});
