/** Every cause is found where it is, and none where it is not. Traffic comes from seeds (`support/traffic.ts`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CauseId } from '../../src/diagnose/report.ts';
import { causesOf, diagnosed, findingOf } from './support/diagnosed.ts';
import { lineOf, Traffic } from './support/traffic.ts';
import type { Ill, Request, Rendering } from './support/traffic.ts';

const SEEDS = [1, 2, 3, 5, 8, 13];
const REQUESTS = 2000;
/** One in twenty is ill. */
const EVERY = 20;

function log(seed: number, ill: Ill | null, rendering?: Rendering): string[] {
  const traffic = new Traffic(seed);
  return Array.from({ length: REQUESTS }, (_, index) =>
    lineOf(ill !== null && index % EVERY === 0 ? traffic.ill(ill) : traffic.healthy(), rendering),
  );
}

for (const seed of SEEDS) {
  test(`healthy traffic has no cause, with and without a ledger (seed ${seed})`, () => {
    for (const rendering of [
      { micro: true, diagnostic: true },
      { micro: true, diagnostic: false },
      { micro: false, diagnostic: false },
    ]) {
      const report = diagnosed(log(seed, null, rendering), { expectTls: 'upstream' });
      assert.equal(report.requests, REQUESTS);
      assert.deepEqual(
        report.findings.map(({ what }) => what),
        [],
      );
    }
  });
}

test('a single ill request among thousands is no cause, except a failure', () => {
  for (const ill of ['fragmented', 'late', 'gap', 'filter', 'pool', 'kernel'] as const) {
    const traffic = new Traffic(21);
    const lines = Array.from({ length: REQUESTS }, (_, index) =>
      lineOf(index === 700 ? traffic.ill(ill) : traffic.healthy()),
    );
    assert.deepEqual(causesOf(diagnosed(lines)), [], ill);
  }
});

const EXPECTED: readonly (readonly [Ill, CauseId, string])[] = [
  ['fragmented', 'fragmented-request', ''],
  ['late', 'read-late', ''],
  ['gap', 'head-body-gap', 'users'],
  ['flow-downstream', 'flow-control', 'downstream'],
  ['flow-upstream', 'flow-control', 'upstream'],
  ['filter', 'slow-filter', 'lua'],
  ['paused-filter', 'slow-filter', 'ext_authz'],
  ['pool', 'pool-wait', 'users'],
  ['connect', 'new-connections', 'users'],
  ['unused', 'unused-connections', ''],
  ['upstream', 'slow-upstream-first-byte', 'users'],
  ['body', 'slow-upstream-body', 'users'],
  ['kernel', 'slow-kernel', ''],
  ['blocked', 'blocked-writes', 'downstream'],
  ['head', 'large-head', ''],
  ['closed', 'failures', 'UC'],
  ['too-large', 'failures', '413'],
];

test('a slow new connection that was opened for another request is one all the same', () => {
  const swapped = log(3, 'connect').map((line) => line.replace(/"\[C([1-9]\d*)~C\1:/, '"[C999~C$1:'));
  const { findings } = diagnosed(swapped);
  const slow = findings.filter(({ cause }) => cause === 'new-connections');
  assert.equal(findings[0], slow[0]);
  assert.deepEqual(
    [...new Set(findings.map(({ cause }) => cause))],
    ['new-connections', 'unused-connections'],
  );
  const all = slow.reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(all, REQUESTS / EVERY);
  assert.match(
    slow[0]?.evidence[0]?.reading ?? '',
    /^C\d+ came up before C999, which was opened for this request/,
  );
});

for (const [ill, cause, subject] of EXPECTED) {
  test(`${ill} is diagnosed as ${cause}, first and alone, with its lines as evidence`, () => {
    for (const seed of SEEDS.slice(0, 3)) {
      const report = diagnosed(log(seed, ill));
      const [first] = report.findings;
      assert.deepEqual([...new Set(causesOf(report))], [cause], `seed ${seed}`);
      assert.equal(first?.subject, subject);
      const all = report.findings.reduce((sum, { requests }) => sum + requests, 0);
      assert.equal(all, REQUESTS / EVERY);
      for (const { reading, lineNumber } of first?.evidence ?? []) {
        assert.equal((lineNumber - 1) % EVERY, 0);
        assert.notEqual(reading, '');
      }
      assert.ok((first?.evidence.length ?? 0) > 0 && (first?.remedies.length ?? 0) > 0);
    }
  });
}

test('the time of slow requests that a cause explains is counted, and shares of disjoint causes stay below one', () => {
  const traffic = new Traffic(34);
  const ills: readonly Ill[] = ['filter', 'upstream', 'flow-downstream', 'gap', 'fragmented'];
  const lines = Array.from({ length: REQUESTS }, (_, index) =>
    lineOf(index % 10 === 0 ? traffic.ill(ills[(index / 10) % ills.length] ?? 'gap') : traffic.healthy()),
  );
  const report = diagnosed(lines);
  const shares = report.findings.map(({ share }) => share);
  assert.ok(shares.reduce((sum, share) => sum + share, 0) <= 1);
  assert.equal(report.findings[0]?.cause, 'slow-upstream-first-byte');
  assert.equal(findingOf(report, 'slow-filter').explainedUs, 40 * 90_000);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
  );
});

test('segments of the whole log are the ledgers summed', () => {
  const traffic = new Traffic(55);
  const requests = Array.from({ length: 300 }, () => traffic.ill('pool'));
  const report = diagnosed(requests.map((request) => lineOf(request)));
  const pool = report.segments.find(({ segment }) => segment === 'pool');
  assert.equal(pool?.us, 300 * 70_000);
  assert.equal(
    report.slices.reduce((sum, slice) => sum + slice.requests, 0),
    300,
  );
  assert.equal(
    report.histogram.reduce((sum, bucket) => sum + bucket.count, 0),
    300,
  );
});

/** A request whose filter computes, and neighbours of its worker whose bytes lie in the kernel meanwhile. */
function heldWorker(traffic: Traffic, thread: number): Request[] {
  const holder = traffic.ill('filter');
  const base = { ...holder, thread, turns: [500, 501] } as const;
  const neighbours = Array.from({ length: 8 }, (_, index): Request => {
    const request = traffic.healthy();
    return {
      ...request,
      thread,
      startUs: holder.startUs + 90_000 + index * 10,
      turns: [501, 503],
      requestPieces: request.requestPieces.map((piece) => ({ ...piece, waitedUs: 80_000 })),
    };
  });
  return [...neighbours.slice(0, 4), base, ...neighbours.slice(4)];
}

test('neighbours of a request whose filter held the worker name it, whichever line came first', () => {
  const traffic = new Traffic(89);
  const lines = Array.from({ length: 20 }, () => heldWorker(traffic, 4711))
    .flat()
    .map((request) => lineOf(request));
  const report = diagnosed(lines);
  const finding = findingOf(report, 'loop-busy');
  assert.equal(report.findings[0], finding);
  assert.equal(finding.subject, 'lua');
  assert.equal(finding.requests, 160);
  assert.match(
    finding.evidence[0]?.reading ?? '',
    /lay in the kernel for 80 ms .*held by the request of access\.log:\d+/,
  );
  assert.match(
    finding.evidence[1]?.reading ?? '',
    /the request that held the worker: .*filter\.lua 90 ms.*loop turns 500-501/,
  );
  assert.ok(!causesOf(report).includes('read-late'));
});

test('in a long log of busy workers every neighbour still finds its holder', () => {
  const traffic = new Traffic(377);
  const lines = Array.from({ length: 1500 }, (_, index) => heldWorker(traffic, index % 3 === 0 ? 4711 : 4712))
    .flat()
    .map((request) => lineOf(request));
  assert.equal(findingOf(diagnosed(lines), 'loop-busy').requests, 1500 * 8);
});

test('a filter that computed on another worker, or in other turns, is not to blame', () => {
  for (const change of [{ thread: 4799 }, { turns: [9000, 9001] as const }]) {
    const traffic = new Traffic(144);
    const lines = Array.from({ length: 20 }, () => heldWorker(traffic, 4711))
      .flat()
      .map((request) => lineOf('filter.lua' in request.segments ? { ...request, ...change } : request));
    const causes = causesOf(diagnosed(lines));
    assert.ok(causes.includes('read-late') && !causes.includes('loop-busy'), causes.join());
  }
});

test('thresholds are options', () => {
  const lines = log(1, 'filter');
  assert.ok(!causesOf(diagnosed(lines, { thresholds: { filterUs: 100_000 } })).includes('slow-filter'));
  assert.equal(diagnosed(lines, { thresholds: { slowUs: 2_000_000 } }).slowRequests, 0);
  const quick = diagnosed(lines, { thresholds: { slowUs: 50_000 } });
  assert.equal(quick.slowFromUs, 50_000);
  assert.equal(quick.slowRequests, 100);
  assert.equal(causesOf(diagnosed(log(1, 'head'), { thresholds: { headBytes: 30_000 } })).length, 0);
});

test('one cluster without TLS among five is named, and only it', () => {
  const traffic = new Traffic(233);
  const lines = Array.from({ length: 500 }, (_, index) =>
    lineOf({ ...traffic.healthy(), cluster: `service-${index % 5}`, secureUpstream: index % 5 !== 3 }),
  );
  const report = diagnosed(lines, { expectTls: 'upstream' });
  assert.deepEqual(
    report.findings.map(({ cause, subject }) => `${cause} ${subject}`),
    ['plain-text service-3'],
  );
  assert.deepEqual(causesOf(diagnosed(lines)), []);
});
