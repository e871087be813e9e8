/**
 * `instrumentation`: what each part of the log costs: in CPU per request, in throughput and latency, in bytes of the file.
 *
 *   --only ladder   from no log to everything       --only groups   each operator alone
 *          client   what autocannon notices, against the bar
 */
import { measureParts } from '../contenders/parts.ts';
import { choice, planOf, planOptions, whole } from '../contenders/plan.ts';
import type { Rig } from '../contenders/rig.ts';
import { measureRounds } from '../contenders/rounds.ts';
import type { Outcome, Work } from '../contenders/rounds.ts';
import type { Contender } from '../contenders/contender.ts';
import { barsTable } from '../instrumentation/bars.ts';
import { clientTable, cpuTable, differenceChart, ladderTable } from '../instrumentation/tables.ts';
import { FULL, GROUPS, LADDER, NONE, NOTICED, PLAIN } from '../instrumentation/variants.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';

const PARTS = ['ladder', 'groups', 'client'] as const;
const MOST_CONNECTIONS = 8000;

export const INSTRUMENTATION: Scenario = {
  name: 'instrumentation',
  title: 'What each part of the access log costs',
  summary: 'CPU per request, throughput, p99 and bytes of each part of the log: off, plain, ledger, full',
  options: [
    choice('only', 'parts', PARTS),
    ...planOptions({ rounds: [10, 5], seconds: [3, 1], warmUp: [6, 2] }),
    {
      name: 'connections',
      value: '<n>',
      help: 'of the load',
      default: '64',
      check: whole(1, MOST_CONNECTIONS),
    },
  ],
  run: (bench) => measureParts(bench, MEASURED),
};

const MEASURED: Readonly<Record<(typeof PARTS)[number], (rig: Rig) => Promise<Section>>> = {
  async ladder(rig) {
    const outcomes = await measure(rig, LADDER, { name: 'logs' }, true);
    return {
      title: 'From no log to everything',
      text: [
        "Small GET, one worker. Plain is Envoy's default line; full is the instrumented one; diagnostic adds the writes to the client, the ledger and the turns of the loop; JSON has the operators of full. Differences are of the same round.",
      ],
      parts: [
        ladderTable('Each log', outcomes, NONE.name),
        differenceChart('What a log adds', outcomes, NONE.name),
      ],
    };
  },
  async groups(rig) {
    const outcomes = await measure(rig, GROUPS, { name: 'groups' }, true);
    return {
      title: 'Each operator alone',
      text: ['Behind the plain line one operator more; the difference to plain is its cost.'],
      parts: [
        cpuTable('Each operator', outcomes, PLAIN.name),
        differenceChart('What an operator adds', outcomes, PLAIN.name),
      ],
    };
  },
  async client(rig) {
    const outcomes = await measure(rig, NOTICED, { name: 'client', tool: 'autocannon' });
    return {
      title: 'What a client notices',
      text: ['autocannon in a closed loop, on the other core together with the upstream.'],
      parts: [
        clientTable('Each log, against none', outcomes, NONE.name),
        barsTable(outcomes, FULL.name, [PLAIN.name, NONE.name]),
      ],
    };
  },
};

function measure(
  rig: Rig,
  contenders: readonly Contender[],
  work: Pick<Work, 'name' | 'tool'>,
  sideBySide = false,
): Promise<Outcome[]> {
  const connections = numberOption(rig.bench, 'connections');
  return measureRounds(
    rig,
    contenders,
    { path: '/', connections, ...work },
    { ...planOf(rig.bench), sideBySide },
  );
}
