/**
 * DIAG-19 in full: a hundred runs, each with a fault of one of ten kinds chosen by dice, and two judges that see the log alone. The
 * plain line's judge says how many places its numbers leave open; the diagnosis's answer is how many it names up to the right one.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Table } from '../report/report.ts';
import { FAULT_KINDS } from './blind/faults.ts';
import type { FaultKind } from './blind/faults.ts';
import { judge, mean } from './blind/judge.ts';
import type { Verdict } from './blind/judge.ts';
import { CLUSTERS } from './blind/places.ts';
import { runStand } from './blind/stand.ts';
import type { BlindService } from './blind/stand.ts';
import { SoakChild } from './child.ts';
import type { Message } from './child.ts';
import { Dice } from './dice.ts';
import { check, figure } from './part.ts';
import type { PartResult, Soak, SoakPart } from './part.ts';

const RUNS = 100;
const LEAST_BASE = 10;
const MOST_ENHANCED = 1;
const LISTED = 30;

export const BLIND: SoakPart = {
  name: 'blind',
  row: 'DIAG-19',
  acceptance:
    'blind test of 10 kinds of fault, 10 times each: the plain log leaves at least 10 candidates (stage and component), the enhanced one at most 1, on average',
  run: runBlind,
};

export interface BlindRun {
  readonly kind: string;
  readonly text: string;
  readonly truth: readonly string[];
  readonly verdict: Verdict;
  /** The proxy had no processor, of which the judges know nothing. */
  readonly unservedMs: number;
}

async function runBlind(soak: Soak): Promise<PartResult> {
  const runs = soak.size(RUNS, 1);
  const dice = new Dice(soak.seed);
  // Each kind as often as the others, in an order that nobody knows.
  const kinds = dice.shuffled(
    Array.from({ length: runs }, (_, index) => FAULT_KINDS[index % FAULT_KINDS.length]),
  );
  const services = new Map<string, BlindService>();
  const done: BlindRun[] = [];
  try {
    for (const name of CLUSTERS) services.set(name, await startService(soak));
    for (const [index, kind] of kinds.entries()) {
      soak.bench.signal.throwIfAborted();
      if (kind !== undefined)
        done.push(await runOne(soak, kind, services, new Dice(soak.seed * 10_000 + index)));
      soak.bench.progress.step('blind faults', index + 1, runs);
    }
  } finally {
    for (const { child } of services.values()) await child.stop();
  }
  return result(done);
}

async function startService(soak: Soak): Promise<BlindService> {
  const { cores, signal } = soak.bench;
  const module = new URL('./load/blind-service.ts', import.meta.url);
  const started = await SoakChild.start<Message & { port: number }>({
    module,
    options: {},
    core: cores.other,
    signal,
  });
  return { child: started[0], port: started[1].port };
}

async function runOne(
  soak: Soak,
  kind: FaultKind,
  services: ReadonlyMap<string, BlindService>,
  dice: Dice,
): Promise<BlindRun> {
  const folder = join(soak.folder, 'run');
  mkdirSync(folder);
  try {
    const fault = kind.plan(dice);
    const { logFile, unservedMs } = await runStand({
      folder,
      core: soak.bench.cores.proxy,
      services,
      dice,
      fault,
    });
    return {
      kind: kind.name,
      text: fault.text,
      truth: fault.truth,
      verdict: await judge(logFile),
      unservedMs,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Places that the diagnosis has one look at up to the right one; as many as before where it does not name it. */
export function looksOf({ truth, verdict }: BlindRun): number {
  const place = verdict.named.findIndex((named) => truth.includes(named));
  return place < 0 ? verdict.base : place + 1;
}

export function result(runs: readonly BlindRun[]): PartResult {
  const base = mean(runs.map(({ verdict }) => verdict.base));
  const enhanced = mean(runs.map(looksOf));
  const first = runs.filter((run) => run.truth.includes(run.verdict.named[0] ?? '')).length;
  const missed = runs.filter(({ truth, verdict }) => !verdict.named.some((named) => truth.includes(named)));
  const wrong = runs.filter((run) => looksOf(run) > 1);
  return {
    checks: [
      check(
        'candidates that the plain log leaves, on average',
        `at least ${LEAST_BASE}`,
        base.toFixed(2),
        base >= LEAST_BASE,
      ),
      check(
        'candidates that the enhanced log leaves, on average',
        `at most ${MOST_ENHANCED}`,
        enhanced.toFixed(2),
        enhanced <= MOST_ENHANCED,
      ),
      figure(
        'segments of its ledger that explain a slow request, on average',
        mean(runs.map(({ verdict }) => verdict.segments)).toFixed(2),
      ),
      figure(
        'time in which the proxy had no processor, mean of the runs',
        `${mean(runs.map(({ unservedMs }) => unservedMs)).toFixed(0)} ms`,
      ),
      figure('runs whose fault is named first', `${first} of ${runs.length}`),
      figure('runs whose fault is not named at all', `${missed.length} of ${runs.length}`),
    ],
    text: [
      'One worker, three filters, two clusters; eight healthy clients; each fault strikes three or four times. Both judges see the log file alone, the diagnosis runs with its own thresholds.',
      'Plain log: of all places that can take time in this configuration (stage and component: a filter or a cluster by name, the client, the node), those that duration, upstream service time and bytes of a slow request leave possible; the mean over the slow requests of a run. TLS and retries are not configured and are no candidates; the cluster is known from the line.',
      'Enhanced log: the places that the diagnosis names before the right one, and that one; where it does not name the right one, as many as the plain log leaves. The mean is 1 only where every single fault is named first.',
    ],
    parts: [
      confusion(runs),
      {
        kind: 'listing',
        title: 'Runs whose fault is not the first that is named',
        lines: wrong
          .slice(0, LISTED)
          .map(
            ({ kind, text, truth, verdict, unservedMs }) =>
              `${kind} (${text}): right ${truth.join(' or ')}; named ${verdict.named.join(', ') || 'nothing'}; no processor for ${unservedMs.toFixed(0)} ms of the run`,
          ),
      },
    ],
  };
}

/** Injected by named first. */
function confusion(runs: readonly BlindRun[]): Table {
  const stageOf = ({ verdict }: BlindRun): string => (verdict.named[0] ?? 'nothing').split(' · ')[0] ?? '';
  const stages = [...new Set(runs.map(stageOf))];
  const kinds = FAULT_KINDS.map(({ name }) => name).filter((name) => runs.some(({ kind }) => kind === name));
  return {
    kind: 'table',
    title: 'What is named first, by what was injected',
    rows: 'injected',
    columns: [
      { name: 'runs' },
      { name: 'first' },
      { name: 'plain', better: 'lower' },
      { name: 'enhanced', better: 'lower' },
      ...stages.map((name) => ({ name })),
    ],
    body: kinds.map((name) => {
      const own = runs.filter(({ kind }) => kind === name);
      return {
        name,
        cells: [
          own.length,
          own.filter((run) => looksOf(run) === 1).length,
          mean(own.map(({ verdict }) => verdict.base)),
          mean(own.map(looksOf)),
          ...stages.map((stage) => own.filter((run) => stageOf(run) === stage).length),
        ],
      };
    }),
    notes: [
      '`first`: the right place is the first that is named; the columns behind `enhanced` count the stages named first',
    ],
  };
}
