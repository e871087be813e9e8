/**
 * `tuning`: the 90th percentile of latency before and after each option of the I/O and thread model, in interleaved rounds. Closed
 * loop: latency follows throughput, so an option that saves CPU shows in both.
 */
import { notesOf } from '../contenders/case-table.ts';
import { compared, cpuOf, figureOf } from '../contenders/figures.ts';
import { choice, chosen, planOf, planOptions } from '../contenders/plan.ts';
import { Rig } from '../contenders/rig.ts';
import { measureRounds } from '../contenders/rounds.ts';
import type { Outcome, Round } from '../contenders/rounds.ts';
import type { Row, Section } from '../report/report.ts';
import type { BenchRun, Scenario } from '../scenario.ts';
import { PAIRS } from '../tuning/pairs.ts';
import type { Pair } from '../tuning/pairs.ts';

const US_PER_MS = 1000;
/** What one option is to bring at least. */
const LEAST_PERCENT = 5;

export const TUNING: Scenario = {
  name: 'tuning',
  title: 'What the options of the I/O and thread model bring',
  summary: 'p90 before and after each option of the I/O and thread model',
  options: [
    choice(
      'only',
      'options',
      PAIRS.map(({ id }) => id),
    ),
    ...planOptions({ rounds: [7, 3], seconds: [3, 1], warmUp: [6, 2] }),
  ],
  run,
};

interface PairOutcome {
  readonly pair: Pair;
  readonly before: Outcome;
  readonly after: Outcome;
}

async function run(bench: BenchRun): Promise<Section[]> {
  const only = chosen(bench, 'only');
  const rig = await Rig.open(bench);
  try {
    const results: PairOutcome[] = [];
    for (const pair of PAIRS.filter(({ id }) => only.includes(id))) {
      const contenders = [pair.before, pair.after];
      const [before, after] = await measureRounds(
        rig,
        contenders,
        { name: pair.id, ...pair.work },
        planOf(bench),
      );
      if (before !== undefined && after !== undefined) results.push({ pair, before, after });
    }
    return [section(results)];
  } finally {
    await rig.close();
  }
}

function section(results: readonly PairOutcome[]): Section {
  return {
    title: 'Before and after',
    text: [
      'Each option by itself, all others at their defaults, plain log. A proxy with two workers runs on the cores of the load as well; on a machine with two cores it competes with it.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'The 90th percentile by option',
        rows: 'option',
        columns: [
          { name: 'p90 before', unit: 'ms' },
          { name: 'p90 after', unit: 'ms' },
          { name: 'p90 less', unit: '%', better: 'higher' },
          { name: 'CPU before', unit: 'µs/request' },
          { name: 'CPU after', unit: 'µs/request' },
          { name: 'CPU less', unit: '%', better: 'higher' },
        ],
        body: results.map(rowOf),
        notes: [
          ...results.flatMap(({ before, after }) => [before, after].flatMap(notesOf)),
          verdict(results),
        ],
        ranked: false,
      },
    ],
  };
}

function rowOf({ pair, before, after }: PairOutcome): Row {
  const p90 = (outcome: Outcome) => figureOf(outcome, (round) => p90Of(round) / US_PER_MS);
  return {
    name: pair.title,
    cells: [
      p90(before),
      p90(after),
      compared(after, before, less(p90Of)),
      figureOf(before, cpuOf),
      figureOf(after, cpuOf),
      compared(after, before, less(cpuOf)),
    ],
  };
}

function p90Of({ load }: Round): number {
  return load.latency.p90;
}

function less(pick: (round: Round) => number): (after: Round, before: Round) => number {
  return (after, before) => (1 - pick(after) / pick(before)) * 100;
}

/** Only what every round shows is claimed. */
function verdict(results: readonly PairOutcome[]): string {
  const bringing = results.filter(({ before, after }) => {
    const lowered = compared(after, before, less(p90Of));
    return lowered !== null && lowered.low >= LEAST_PERCENT;
  });
  if (bringing.length === 0) return `No option lowered the p90 by ${LEAST_PERCENT} % in every round.`;
  const names = bringing.map(({ pair }) => pair.id).join(', ');
  return `Lowered the p90 by ${LEAST_PERCENT} % at least in every round: ${names}.`;
}
