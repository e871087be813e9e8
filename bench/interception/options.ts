/** Options of `interception`, and the rounds that they make. */
import { oneOf, wholeNumber } from '../../src/cli/option.ts';
import { choice } from '../contenders/plan.ts';
import type { BenchOption, BenchRun } from '../scenario.ts';
import { roundsOptions, shortLength } from '../topology/rounds-options.ts';
import type { RoundsOptions } from '../topology/rounds.ts';
import { contendersOf } from './steps.ts';
import type { Stand } from './stand.ts';

const PARTS = ['steps', 'counts', 'bytes'];
/** What nginx and the proxies' circuit breakers are configured for. */
const MOST_CONNECTIONS = 8000;
const WARM_UP_SECONDS = 120;
const QUICK_WARM_UP_SECONDS = 10;

export const OPTIONS: readonly BenchOption[] = [
  {
    name: 'network',
    value: '<kind>',
    help: 'namespaces (needs root), loopback (nothing can be intercepted there), or auto: what is possible',
    default: 'auto',
    check: oneOf(['auto', 'namespaces', 'loopback']),
  },
  choice('only', 'what is measured', PARTS),
  {
    name: 'counts',
    value: '<n,…>',
    help: 'connections with and without sockmap',
    default: '1,64,1000,5000',
    quick: '1,64',
    check: badCounts,
  },
  { name: 'connections', value: '<n>', help: 'in the steps', default: '48', check: wholeNumber(1, 8000) },
  { name: 'no-keep-alive', help: 'a connection of the client for each request' },
  {
    name: 'rate',
    value: '<n>',
    help: 'requests/s of the open loop at most',
    default: '1200',
    quick: '600',
    check: wholeNumber(1, 100_000),
  },
  {
    name: 'rounds',
    value: '<n>',
    help: 'of each step',
    default: '9',
    quick: '3',
    check: wholeNumber(1, 1000),
  },
  {
    name: 'seconds',
    value: '<s>',
    help: 'of open loop in a round',
    default: '3',
    quick: '0.6',
    check: shortLength,
  },
  {
    name: 'closed-seconds',
    value: '<s>',
    help: 'of closed loop in a round',
    default: '2',
    quick: '0.5',
    check: shortLength,
  },
  {
    name: 'warm-up',
    value: '<n>',
    help: 'requests to each worker of each proxy before the rounds',
    default: '30000',
    quick: '4000',
    check: wholeNumber(0, 10_000_000),
  },
  {
    name: 'concurrency',
    value: '<n>',
    help: 'worker threads of each proxy',
    default: '1',
    check: wholeNumber(1, 64),
  },
];

export function stepRounds(bench: BenchRun, stand: Stand): RoundsOptions {
  return roundsOptions(bench, contendersOf(stand), bench.quick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS);
}

function badCounts(text: string): string | null {
  const good = text.split(',').every((each) => /^[1-9]\d*$/.test(each) && Number(each) <= MOST_CONNECTIONS);
  return good ? null : `expected numbers from 1 to ${MOST_CONNECTIONS}, with commas between them`;
}
