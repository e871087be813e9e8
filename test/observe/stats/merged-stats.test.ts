import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { StatsAnnouncement } from '../../../src/api/server.ts';
import { MergedStats } from '../../../src/observe/stats/merged-stats.ts';
import { SLAB_CELLS } from '../../../src/observe/stats/slab-memory.ts';
import { createHostStats, SlabStats } from '../../../src/observe/stats/slab-stats.ts';

/** A thread's statistics whose announcements reach `merged` when the test says so. */
function thread(merged: MergedStats, name: string, maxMetrics?: number): SlabStats {
  const options = { announce: (message: StatsAnnouncement) => merged.adopt(name, message), defer: () => {} };
  return new SlabStats(maxMetrics === undefined ? options : { ...options, maxMetrics });
}

function refreshed(merged: MergedStats, ...threads: SlabStats[]): MergedStats {
  for (const stats of threads) stats.announceNow();
  merged.refresh();
  return merged;
}

test('a second look-up of a name gives the same metric, through whatever scopes', () => {
  const stats = thread(new MergedStats(), 'worker_0');
  const counter = stats.scope('cluster').scope('a').counter('rq_total');
  assert.equal(stats.scope('cluster.a').counter('rq_total'), counter);
  assert.equal(stats.scope('cluster.a.').counter('rq_total'), counter);
  assert.equal(stats.counter('cluster.a.rq_total'), counter);
  assert.equal(stats.gauge('g'), stats.gauge('g'));
  assert.equal(stats.histogram('h'), stats.histogram('h'));
});

test('colons and control characters of a name become underscores', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  stats.scope('listener.[::1]:80').counter('a\nb').inc();
  assert.equal(refreshed(merged, stats).value('listener.[__1]_80.a_b'), 1);
});

test('counters of two threads add up, sum gauges add up, max gauges take the highest', () => {
  const merged = new MergedStats();
  const [first, second] = [thread(merged, 'worker_0'), thread(merged, 'worker_1')];
  first.counter('c').add(3);
  second.counter('c').add(4);
  first.gauge('active').set(2);
  second.gauge('active').add(5);
  first.gauge('version', 'max').set(7);
  second.gauge('version', 'max').set(9);
  refreshed(merged, first, second);
  assert.equal(merged.value('c'), 7);
  assert.equal(merged.value('active'), 7);
  assert.equal(merged.value('version'), 9);
});

test('numbers stand still between two refreshes', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  const counter = stats.counter('c');
  counter.inc();
  refreshed(merged, stats);
  counter.add(10);
  assert.equal(merged.value('c'), 1);
  merged.refresh();
  assert.equal(merged.value('c'), 11);
});

test('metrics made together are announced in one message, without the test asking', async () => {
  const messages: StatsAnnouncement[] = [];
  const stats = new SlabStats({ announce: (message) => messages.push(message) });
  for (let index = 0; index < 100; index += 1) stats.counter(`c${index}`);
  assert.equal(messages.length, 0);
  await Promise.resolve();
  assert.equal(messages.length, 1);
  assert.equal(messages[0]!.metrics.length, 101);
  assert.ok(messages[0]!.memory instanceof SharedArrayBuffer);
  stats.counter('later');
  await Promise.resolve();
  assert.equal(messages.length, 2);
  assert.equal(messages[1]!.memory, undefined);
});

test('slabs grow without a metric losing its cell', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  const first = stats.counter('c0');
  first.inc();
  const size = 3 * SLAB_CELLS;
  const counters = Array.from({ length: size }, (_, index) => stats.counter(`c${index}`));
  counters.forEach((counter, index) => counter.add(index));
  refreshed(merged, stats);
  assert.equal(merged.value('c0'), 1);
  for (let index = 1; index < size; index += 1) assert.equal(merged.value(`c${index}`), index);
  assert.equal(first.value, 1);
});

test('a group of a histogram in a slab that is not announced yet is counted after its announcement', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  const histogram = stats.histogram('h');
  histogram.record(1);
  for (let index = 0; index < SLAB_CELLS; index += 1) stats.counter(`c${index}`);
  stats.announceNow();
  for (let value = 0.01; value < 1e9; value *= 2) histogram.record(value);
  for (let other = 0; other < 40; other += 1) {
    for (let value = 0.01; value < 1e9; value *= 2) stats.histogram(`h${other}`).record(value);
  }
  merged.refresh();
  refreshed(merged, stats);
  for (const view of merged.histograms()) assert.equal(view.cumulative.count, view.name === 'h' ? 38 : 37);
});

test('a thread that ends leaves its counts; its gauges end; its successor goes on from there', () => {
  const merged = new MergedStats();
  const old = thread(merged, 'worker_0');
  const other = thread(merged, 'worker_1');
  for (const stats of [old, other]) {
    stats.counter('c').add(10);
    stats.gauge('g').set(3);
    stats.histogram('h').record(5);
  }
  refreshed(merged, old, other);
  old.counter('c').add(5);
  merged.retire('worker_0');
  merged.refresh();
  assert.equal(merged.value('c'), 25);
  assert.equal(merged.value('g'), 3);
  const successor = thread(merged, 'worker_0');
  successor.counter('c').inc();
  successor.histogram('h').record(5);
  refreshed(merged, successor);
  assert.equal(merged.value('c'), 26);
  assert.equal(merged.histograms()[0]!.cumulative.count, 3);
  assert.equal(merged.histograms()[0]!.cumulative.sum, 15);
});

test('a successor that announces itself before main heard of the end folds the old thread', () => {
  const merged = new MergedStats();
  const old = thread(merged, 'worker_0');
  old.counter('c').add(10);
  refreshed(merged, old);
  const successor = thread(merged, 'worker_0');
  successor.counter('c').inc();
  assert.equal(refreshed(merged, successor).value('c'), 11);
});

test('a message that comes after its thread was retired changes nothing', () => {
  const merged = new MergedStats();
  const old = thread(merged, 'worker_0');
  old.counter('c').inc();
  refreshed(merged, old);
  merged.retire('worker_0');
  old.counter('late').inc();
  refreshed(merged, old);
  assert.equal(merged.value('c'), 1);
  assert.equal(merged.value('late'), undefined);
});

test('reset counters start at zero and count on; gauges, histograms and hosts stay', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  stats.counter('c').add(10);
  stats.gauge('g').set(3);
  stats.histogram('h').record(1);
  createHostStats(stats, 'a', '127.0.0.1:1').rqTotal = 4;
  refreshed(merged, stats);
  stats.counter('c').inc();
  merged.resetCounters();
  assert.equal(merged.value('c'), 0);
  stats.counter('c').inc();
  merged.retire('worker_0');
  merged.refresh();
  assert.equal(merged.value('c'), 1);
  assert.equal(merged.histograms()[0]!.cumulative.count, 1);
  assert.equal(merged.hostTotals('a', '127.0.0.1:1').rqTotal, 4);
});

test('beyond the bound a shared metric absorbs and the refusals are counted', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0', 3);
  stats.counter('a').inc();
  stats.counter('b').inc();
  const refused = stats.counter('c');
  refused.inc();
  assert.equal(stats.counter('d'), refused);
  stats.histogram('h').record(1);
  stats.gauge('g').set(1);
  stats.hostStats('x', 'y').cxTotal += 1;
  refreshed(merged, stats);
  assert.equal(merged.value('stats.overflow'), 5);
  assert.equal(merged.counters().length, 3);
  assert.equal(merged.gauges().length + merged.histograms().length, 0);
});

test('the sum of the gauges of a name has those that come later, without what is computed', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  stats.gauge('a.active').set(2);
  refreshed(merged, stats);
  const sum = merged.sumOfGauges((name) => name.endsWith('.active'));
  stats.gauge('b.active').set(3);
  stats.gauge('b.other').set(9);
  stats.counter('c.active').add(9);
  merged.addComputed({
    refresh: () => undefined,
    counters: () => [],
    gauges: () => [{ name: 'd.active', type: 'gauge', value: 5, used: true, hidden: false, tagEnd: 0 }],
    resetCounters: () => undefined,
  });
  assert.equal(sum(), 2);
  refreshed(merged, stats);
  assert.equal(sum(), 5);
  merged.retire('worker_0');
  merged.refresh();
  assert.equal(sum(), 0);
  assert.deepEqual(
    merged.gauges().map((view) => view.name),
    ['a.active', 'b.active', 'b.other', 'd.active'],
  );
});

test('the interval of a histogram holds what came since the flush before; the cumulative part all', () => {
  const merged = new MergedStats();
  const stats = thread(merged, 'worker_0');
  const histogram = stats.histogram('h');
  histogram.record(1);
  stats.announceNow();
  merged.flush();
  histogram.record(100);
  histogram.record(100);
  merged.flush();
  const view = merged.histograms()[0]!;
  assert.equal(view.interval.count, 2);
  assert.equal(view.interval.sum, 200);
  assert.equal(view.cumulative.count, 3);
  merged.flush();
  assert.equal(view.interval.count, 0);
  assert.ok(Number.isNaN(view.interval.quantiles([0.5])[0]));
});

test('host numbers of the workers add up per cluster and address, and are hidden', () => {
  const merged = new MergedStats();
  const [first, second] = [thread(merged, 'worker_0'), thread(merged, 'worker_1')];
  for (const stats of [first, second]) {
    const host = createHostStats(stats, 'a.b', '[::1]:80');
    assert.equal(createHostStats(stats, 'a.b', '[::1]:80'), host);
    host.cxActive += 2;
    host.cxActive -= 1;
    host.rqTotal += 5;
    host.rqSuccess += 4;
    host.rqError += 1;
  }
  refreshed(merged, first, second);
  assert.deepEqual(merged.hostTotals('a.b', '[::1]:80'), {
    cxActive: 2,
    cxConnectFail: 0,
    cxTotal: 0,
    rqActive: 0,
    rqError: 2,
    rqSuccess: 8,
    rqTimeout: 0,
    rqTotal: 10,
  });
  assert.ok(merged.counters().every((counter) => counter.hidden || counter.name === 'stats.overflow'));
  assert.equal(merged.hostTotals('a.b', 'elsewhere').rqTotal, 0);
});

test('two real threads writing at full speed add up exactly, with main reading meanwhile', async () => {
  const merged = new MergedStats();
  const rounds = 20_000;
  const running = [0, 1].map((index) => {
    const worker = new Worker(new URL('./counting-worker.ts', import.meta.url), { workerData: { rounds } });
    worker.on('message', (message: StatsAnnouncement | 'done') => {
      if (message !== 'done') merged.adopt(`worker_${index}`, message);
    });
    return worker;
  });
  let before = 0;
  const watch = setInterval(() => {
    merged.refresh();
    const now = merged.value('c') ?? 0;
    assert.ok(now >= before);
    before = now;
  }, 1);
  await Promise.all(running.map((worker) => once(worker, 'exit')));
  clearInterval(watch);
  merged.refresh();
  assert.equal(merged.value('c'), 2 * rounds);
  assert.equal(merged.value('late'), 2 * rounds);
  assert.equal(merged.value('g'), 0);
  const histogram = merged.histograms()[0]!;
  assert.equal(histogram.cumulative.count, 2 * rounds);
  assert.equal(histogram.cumulative.sum, rounds * (rounds - 1));
});
