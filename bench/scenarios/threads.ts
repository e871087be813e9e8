/**
 * `threads`: how connections and requests spread over the workers with each kind of listening, and what an uneven spread costs.
 */
import { numberOption } from '../scenario.ts';
import type { BenchRun, Scenario } from '../scenario.ts';
import type { Section } from '../report/report.ts';
import { measureThreads, proxyCores } from '../threads/measure.ts';
import { threadsSections } from '../threads/threads-section.ts';

const MOST = 1000;

export const THREADS: Scenario = {
  name: 'threads',
  title: 'Threads: who serves a connection',
  summary: 'requests per worker, imbalance and latency with reuse_port, a shared socket and exact balance',
  options: [
    { name: 'workers', value: '<n,…>', help: 'worker threads', default: '1,2,4', check: numbers },
    {
      name: 'connections',
      value: '<n,…>',
      help: 'connections of the client',
      default: '1,4,8,16,64,256',
      quick: '1,8,256',
      check: numbers,
    },
    { name: 'rounds', value: '<n>', help: 'rounds of each', default: '5', quick: '2', check: number },
    { name: 'seconds', value: '<s>', help: 'length of a round', default: '2', quick: '1', check: number },
    {
      name: 'work',
      value: '<µs>',
      help: 'what a request computes on its worker',
      default: '100',
      check: number,
    },
  ],
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const list = (name: string): number[] => (bench.options.get(name) ?? '').split(',').map(Number);
  const cores = proxyCores(bench);
  const pinning = `cores ${cores.join(', ')}${cores.includes(bench.cores.other) ? ', the client on one of them' : ''}`;
  bench.pinned('client', `core ${bench.cores.other}`);
  bench.pinned('proxies', pinning);
  const workUs = numberOption(bench, 'work');
  const results = await measureThreads(bench, {
    workers: list('workers'),
    connections: list('connections'),
    rounds: numberOption(bench, 'rounds'),
    seconds: numberOption(bench, 'seconds'),
    workUs,
  });
  return threadsSections(results, { workUs, cores: pinning });
}

function number(text: string): string | null {
  return /^\d+$/.test(text) && Number(text) <= MOST ? null : `expected a whole number up to ${MOST}`;
}

function numbers(text: string): string | null {
  const problem = text.split(',').find((each) => number(each) !== null || Number(each) === 0);
  return problem === undefined ? null : `expected numbers from 1 to ${MOST}, with commas between them`;
}
