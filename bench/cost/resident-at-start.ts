/** Memory of nodeproxy just started, with two workers and its full log: what a node pays before the first request. */
import { delay } from '../../src/base/clock.ts';
import { nodeproxy } from '../contenders/nodeproxy.ts';
import type { Rig } from '../contenders/rig.ts';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { measured } from '../harness/statistics.ts';
import type { Table } from '../report/report.ts';

const REST_MS = 1000;
const MIB = 2 ** 20;
const TWO_WORKERS = nodeproxy({
  name: 'nodeproxy, two workers',
  file: 'nodeproxy-two',
  log: { text: INSTRUMENTED_FORMAT },
  concurrency: 2,
});

export async function residentTable(rig: Rig, rounds: number): Promise<Table> {
  const figures: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    rig.bench.progress.step('memory at start', round, rounds);
    const running = await rig.start(TWO_WORKERS);
    await delay(REST_MS);
    figures.push(running.process.pss() / MIB);
    await rig.stop(running);
  }
  return {
    kind: 'table',
    title: 'Memory at start',
    rows: 'proxy',
    columns: [{ name: 'PSS', unit: 'MiB', better: 'lower' }],
    body: [{ name: TWO_WORKERS.name, cells: [measured(figures)] }],
  };
}
