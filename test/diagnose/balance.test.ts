/** Balance of the workers: the talk's table, its measure against chance, and the remedy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  balanceOf,
  chiSquareOf,
  processesOf,
  ThreadLoads,
  upperTail,
  type Seen,
} from '../../src/diagnose/balance.ts';
import { imbalanceText, isUneven } from '../../src/diagnose/causes/thread-imbalance.ts';
import { DEFAULT_THRESHOLDS } from '../../src/diagnose/thresholds.ts';
import type { ThreadLoad } from '../../src/diagnose/report.ts';
import { diagnosed, findingOf } from './support/diagnosed.ts';
import { lineOf, randomOf, Traffic } from './support/traffic.ts';

/** Requests by thread of the talk's second result. */
const TALK: readonly (readonly [number, number])[] = [
  [40, 10_929],
  [41, 13_327],
  [42, 11_334],
  [45, 10_967],
];

function loadsOf(counts: readonly (readonly [number, number])[], process = 1): ThreadLoad[] {
  return counts.map(([threadId, requests]) => ({ process, threadId, requests, connections: 16 }));
}

test('the talk’s counts: 1.22 times as many on the busiest thread, not by chance', () => {
  const balance = balanceOf(loadsOf(TALK));
  assert.equal(balance.maxToMin.toFixed(2), '1.22');
  assert.equal(balance.chiSquare.toFixed(1), '334.9');
  assert.ok(balance.probability < 1e-60);
  assert.ok(isUneven(balance, DEFAULT_THRESHOLDS.imbalance));
  assert.match(imbalanceText(balance), /The busiest of 4 workers has 1\.22 times the requests of the idlest/);
});

test('a log with these counts names exact_balance', () => {
  const line = lineOf(new Traffic(1).healthy());
  // A tenth of them keeps the ratios and the test quick.
  const lines = TALK.flatMap(([threadId, requests]) =>
    Array.from({ length: Math.round(requests / 10) }, () => line.replace(/ : \(\d+\) /, ` : (${threadId}) `)),
  );
  const report = diagnosed(lines);
  assert.equal(report.balance?.maxToMin.toFixed(2), '1.22');
  const finding = findingOf(report, 'thread-imbalance');
  assert.match(finding.remedies[0]?.setting ?? '', /connection_balance_config: exact_balance/);
  assert.match(finding.details.join('\n'), /\(41\) 1,333 requests/);
});

test('the upper tail of chi-square is that of the tables', () => {
  const near = (value: number, expected: number): void =>
    assert.ok(Math.abs(value - expected) < expected * 1e-4, `${value}`);
  near(upperTail(1, 3.841_458_8), 0.05);
  near(upperTail(3, 7.814_727_9), 0.05);
  near(upperTail(3, 16.266_236), 0.001);
  near(upperTail(10, 18.307_038), 0.05);
  near(upperTail(31, 44.985_343), 0.05);
  near(upperTail(2, 2), Math.exp(-1));
  assert.equal(upperTail(0, 5), 1);
  assert.equal(upperTail(3, 0), 1);
  assert.equal(chiSquareOf([10, 10, 10]), 0);
});

test('threads that chance alone made uneven are seldom called so', () => {
  const random = randomOf(6);
  let called = 0;
  for (let round = 0; round < 300; round += 1) {
    const counts = [0, 0, 0, 0];
    for (let request = 0; request < 400; request += 1) {
      const thread = Math.floor(random() * 4);
      counts[thread] = (counts[thread] ?? 0) + 1;
    }
    const threads = counts.map((requests, threadId) => ({
      process: 1,
      threadId,
      requests,
      connections: requests,
    }));
    if (isUneven(balanceOf(threads), DEFAULT_THRESHOLDS.imbalance)) called += 1;
  }
  assert.ok(called <= 2, String(called));
});

test('connections of a thread are counted once each', () => {
  const loads = new ThreadLoads();
  for (let request = 0; request < 5000; request += 1)
    loads.add(request % 2, 1_000_000 + (request % 100), 'log', -1);
  const balance = loads.balance();
  assert.deepEqual(
    balance?.threads.map(({ requests, connections }) => [requests, connections]),
    [
      [2500, 50],
      [2500, 50],
    ],
  );
  assert.equal(new ThreadLoads().balance(), null);
});

test('a busy process beside an idle one is no uneven worker', () => {
  const even = (each: number, process: number, from: number): ThreadLoad[] =>
    loadsOf(
      [
        [from, each],
        [from + 1, each + 3],
      ],
      process,
    );
  const balance = balanceOf([...even(1000, 1, 10), ...even(50, 2, 20)]);
  assert.ok(balance.maxToMin < 1.1 && balance.probability > 0.1, JSON.stringify(balance));
  assert.equal(isUneven(balance, DEFAULT_THRESHOLDS.imbalance), false);
  const uneven = balanceOf([
    ...even(1000, 1, 10),
    ...loadsOf(
      [
        [20, 400],
        [21, 100],
      ],
      2,
    ),
  ]);
  assert.ok(isUneven(uneven, DEFAULT_THRESHOLDS.imbalance));
  assert.match(imbalanceText(uneven), /4 workers has 4\.00 times .* of the same process, in 2 processes/);
});

test('files that share a thread are of one process', () => {
  const seen = (...files: string[]): Seen => ({ files, fromUs: 0, toUs: 1 });
  const shared = processesOf([seen('a'), seen('a'), seen('b'), seen('b', 'c'), seen('d'), seen('c')]);
  assert.deepEqual(shared, [1, 1, 2, 2, 3, 2]);
  assert.deepEqual(processesOf([seen('a'), seen('b'), seen('c'), seen('c', 'a', 'b')]), [1, 1, 1, 1]);
  assert.deepEqual(processesOf([]), []);
});

test('threads of a file whose times do not meet are of processes that followed each other', () => {
  const seen = (fromUs: number, toUs: number): Seen => ({ files: ['log'], fromUs, toUs });
  const twice = [seen(0, 100), seen(150, 300), seen(50, 90), seen(160, 170), seen(1000, 2000)];
  assert.deepEqual(processesOf(twice), [1, 2, 1, 2, 3]);
  // A worker that was started again, while its neighbour went on.
  assert.deepEqual(processesOf([seen(0, 40), seen(60, 100), seen(0, 100)]), [1, 1, 1]);
  assert.deepEqual(processesOf([seen(0, 40), seen(-Infinity, Infinity), seen(60, 100)]), [1, 1, 1]);
});

test('two logs read together are told apart, a log and its rotated part are not', () => {
  const loads = new ThreadLoads();
  const log = (file: string, threads: readonly number[], requests: number): void => {
    for (let request = 0; request < requests; request += 1)
      loads.add(threads[request % threads.length] ?? 0, request, file, 1 + request);
  };
  log('one.log.1', [11, 12], 500);
  log('two.log', [31, 32], 100);
  log('one.log', [11, 12], 500);
  assert.deepEqual(
    loads.balance()?.threads.map(({ process, threadId, requests }) => [process, threadId, requests]),
    [
      [1, 11, 500],
      [1, 12, 500],
      [2, 31, 50],
      [2, 32, 50],
    ],
  );
});
