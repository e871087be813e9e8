/** Failures in plain words: every flag, who closed first, the setting, and how long a reused connection had been idle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAG_TABLE } from '../../src/diagnose/causes/flag-table.ts';
import type { Finding } from '../../src/diagnose/report.ts';
import { flagsOf } from '../../src/observe/response-flags.ts';
import { causesOf, diagnosed, findingOf } from './support/diagnosed.ts';
import { EPOCH_US, lineOf, Traffic } from './support/traffic.ts';
import type { Request } from './support/traffic.ts';

const HARMLESS = ['DI', 'RFCF'];
const healthy = (seed = 1): Request => new Traffic(seed).healthy();

function settingsOf(finding: Finding): string {
  return finding.remedies.map(({ text, setting }) => `${text} ${setting ?? ''}`).join('\n');
}

test('every response flag of the proxy has words and somebody who ended it, and is found by its name', () => {
  // All bits: every flag there is.
  const flags = flagsOf((1 << 30) - 1);
  assert.equal(flags.length, 30);
  assert.deepEqual(Object.keys(FLAG_TABLE).toSorted(), [...flags].toSorted());
  for (const flag of flags) {
    const report = diagnosed([lineOf({ ...healthy(), code: 503, flags: flag })]);
    if (HARMLESS.includes(flag)) continue;
    const finding = findingOf(report, 'failures');
    assert.equal(finding.subject, flag);
    assert.match(finding.what, /^1 request \(100 %\) failed with 503 [A-Z]+: .{15,}\./);
    assert.ok(finding.remedies.length > 0, flag);
  }
});

test('a delay that was injected, and a response from a cache, are no failures', () => {
  for (const flags of HARMLESS) assert.deepEqual(causesOf(diagnosed([lineOf({ ...healthy(), flags })])), []);
});

test('flags together: the reason comes before the retries that it used up', () => {
  const report = diagnosed([lineOf({ ...healthy(), code: 503, flags: 'UF,URX' })]);
  const finding = findingOf(report, 'failures');
  assert.equal(finding.subject, 'UF,URX');
  assert.match(finding.what, /no connection to the upstream could be opened.*Retries were used up/);
});

/** Two uses of a connection, the second `idleUs` after the end of the first. */
function reused(idleUs: number, flags: string): string[] {
  const first = { ...healthy(), startUs: EPOCH_US, upstream: 77, created: 77 };
  const total = Object.values(first.segments).reduce((sum, us) => sum + us, 0);
  const second: Request = {
    ...healthy(2),
    startUs: EPOCH_US + total + idleUs,
    upstream: 77,
    created: 0,
    code: 503,
    flags,
    details: 'upstream_reset_before_response_started{connection_termination}',
    responsePieces: [],
  };
  return [lineOf(first), lineOf(second)];
}

test('503 UC on a reused connection: how long it had been idle, who closed it, and the timeout that must be shorter', () => {
  const finding = findingOf(diagnosed(reused(5_000_000, 'UC')), 'failures');
  assert.match(
    finding.what,
    /503 UC: the upstream closed the connection under the request.*The upstream closed first\./,
  );
  assert.match(finding.evidence[0]?.reading ?? '', /^reused connection C77 idle 5 s closed by server; GET/);
  assert.match(
    settingsOf(finding),
    /Here: below 5 s\. common_http_protocol_options\.idle_timeout of the cluster/,
  );
  assert.match(settingsOf(finding), /retry_policy\.retry_on/);
});

test('503 UC on a connection of its own, and on one that no line used before', () => {
  const [, line = ''] = reused(5_000_000, 'UC');
  assert.match(
    findingOf(diagnosed([line]), 'failures').evidence[0]?.reading ?? '',
    /^reused connection C77 closed by server/,
  );
  const fresh = line.replace('[C0~C77', '[C77~C77');
  const finding = findingOf(diagnosed([fresh]), 'failures');
  assert.match(finding.evidence[0]?.reading ?? '', /^new connection C77 closed by server/);
  assert.match(finding.details.join('\n'), /1 on a new connection/);
});

test('a 503 that the service answered is its own', () => {
  const finding = findingOf(diagnosed([lineOf({ ...healthy(), code: 503 })]), 'failures');
  assert.equal(finding.subject, '503');
  assert.match(finding.what, /the service itself answered so/);
});

test('413: the filter that collects, not the connection’s buffer limit', () => {
  const finding = findingOf(diagnosed([lineOf(new Traffic(3).ill('too-large'))]), 'failures');
  assert.equal(finding.subject, '413');
  assert.match(
    finding.what,
    /larger than the proxy may collect.*buffer limits of connections do not refuse, they only slow down/,
  );
  assert.match(settingsOf(finding), /maxRequestBytes.*max_request_bytes of envoy\.filters\.http\.buffer/);
});

test('404 and 401 of a service are no failures of the proxy; its own refusals are', () => {
  for (const code of [400, 401, 404, 429])
    assert.deepEqual(causesOf(diagnosed([lineOf({ ...healthy(), code })])), [], String(code));
  const own = { ...healthy(), upstream: 0, created: 0, responsePieces: [] };
  const headers = findingOf(
    diagnosed([lineOf({ ...own, code: 431, details: 'http1.headers_too_large' })]),
    'failures',
  );
  assert.match(settingsOf(headers), /max_request_headers_kb/);
  const unknown = findingOf(diagnosed([lineOf({ ...own, code: 418, details: 'brewing' })]), 'failures');
  assert.match(unknown.what, /failed with 418: brewing/);
  assert.deepEqual(causesOf(diagnosed([lineOf({ ...own, code: 404, details: 'direct_response' })])), []);
});

test('failures stand before everything else, and the client that went away is told from the service', () => {
  const traffic = new Traffic(4);
  const lines = Array.from({ length: 100 }, (_, index) =>
    lineOf(
      index === 50
        ? { ...traffic.healthy(), code: 0, flags: 'DC', details: 'downstream_remote_disconnect' }
        : traffic.ill('upstream'),
    ),
  );
  const [first, second] = diagnosed(lines).findings;
  assert.equal(first?.cause, 'failures');
  assert.match(first?.what ?? '', /no code DC: the client closed.*The client closed first/);
  assert.equal(second?.cause, 'slow-upstream-first-byte');
});
