/** A thread of `merged-stats.test.ts`: counts as fast as it can, makes metrics on the way, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { SlabStats } from '../../../src/observe/stats/slab-stats.ts';

const { rounds } = workerData as { rounds: number };
const stats = new SlabStats({ announce: (message) => parentPort!.postMessage(message) });
const counter = stats.counter('c');
const gauge = stats.gauge('g');
const histogram = stats.histogram('h');
stats.announceNow();
for (let round = 0; round < rounds; round += 1) {
  counter.inc();
  gauge.add(1);
  histogram.record(round);
  stats.counter('late').inc();
  gauge.add(-1);
}
stats.announceNow();
