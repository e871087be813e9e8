/**
 * `soak`: the acceptances that are stated at a scale too large for the test suite, each run in full once and judged against its bar.
 *
 * A part is one module in `bench/soak/`. Parts run one after the other; one that fails does not keep the others from running.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../src/base/clock.ts';
import { UsageError } from '../../src/cli/option.ts';
import { suggestion } from '../../src/config/suggestion.ts';
import type { Section } from '../report/report.ts';
import { numberOption } from '../scenario.ts';
import type { BenchRun, Scenario } from '../scenario.ts';
import { PAIRING } from '../soak/pairing.ts';
import type { PartResult, SoakPart } from '../soak/part.ts';
import { BLIND } from '../soak/blind.ts';
import { GATEWAY } from '../soak/gateway.ts';
import { IDLE_CLOSE } from '../soak/idle-close.ts';
import { JUNK_PART } from '../soak/junk.ts';
import { STREAMS } from '../soak/streams.ts';

const PARTS: readonly SoakPart[] = [PAIRING, STREAMS, JUNK_PART, IDLE_CLOSE, GATEWAY, BLIND];

interface Outcome {
  readonly part: SoakPart;
  readonly result: PartResult;
  readonly seconds: number;
}

export const SOAK: Scenario = {
  name: 'soak',
  title: 'Acceptances at full scale',
  summary:
    'acceptances too large for the tests, in full: a million requests, 100,000 of junk, 100 blind faults',
  options: [
    {
      name: 'only',
      value: '<a,b,…>',
      help: `some of ${PARTS.map(({ name }) => name).join(', ')}`,
      default: 'all',
    },
    {
      name: 'scale',
      value: '<x>',
      help: 'share of the full numbers',
      default: '1',
      quick: '0.01',
      check: notPositive,
    },
    {
      name: 'requests',
      value: '<n>',
      help: 'instead of --scale: as many of what each part counts',
      check: notPositive,
    },
    { name: 'seed', value: '<n>', help: 'of all chance', default: '1', check: notPositive },
  ],
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const parts = partsOf(bench.options.get('only') ?? 'all');
  bench.pinned('proxy', `core ${bench.cores.proxy}`);
  bench.pinned('loads and services', `core ${bench.cores.other}`);
  const outcomes: Outcome[] = [];
  for (const [index, part] of parts.entries()) {
    bench.signal.throwIfAborted();
    bench.progress.step(`${part.name} (${part.row})`, index + 1, parts.length);
    outcomes.push(await outcomeOf(bench, part));
  }
  return [summaryOf(outcomes), ...outcomes.map(sectionOf)];
}

function partsOf(only: string): readonly SoakPart[] {
  if (only === 'all') return PARTS;
  return only.split(',').map((name) => {
    const part = PARTS.find((each) => each.name === name);
    if (part !== undefined) return part;
    throw new UsageError(
      `no part ${name} of the soak${suggestion(
        name,
        PARTS.map((each) => each.name),
      )}`,
    );
  });
}

async function outcomeOf(bench: BenchRun, part: SoakPart): Promise<Outcome> {
  const clock = new SystemClock();
  const started = clock.now();
  const folder = join(bench.folder, part.name);
  mkdirSync(folder);
  const soak = {
    bench,
    folder,
    seed: numberOption(bench, 'seed'),
    size: (full: number, least: number) => {
      const asked = bench.options.has('requests')
        ? numberOption(bench, 'requests')
        : full * numberOption(bench, 'scale');
      return Math.max(least, Math.round(asked));
    },
  };
  let result: PartResult;
  try {
    result = await part.run(soak);
  } catch (error) {
    bench.signal.throwIfAborted();
    const found = error instanceof Error ? error.message : String(error);
    result = {
      checks: [{ what: 'the part runs', bar: 'to its end', found, passed: false }],
      text: [],
      parts: [],
    };
  }
  return { part, result, seconds: (clock.now() - started) / 1000 };
}

export function hasPassed({ checks }: PartResult): boolean {
  return checks.every(({ passed }) => passed);
}

function summaryOf(outcomes: readonly Outcome[]): Section {
  return {
    title: 'Which acceptances hold',
    text: outcomes.map(({ part }) => `${part.row} (${part.name}): ${part.acceptance}.`),
    parts: [
      {
        kind: 'table',
        title: 'Parts',
        rows: 'part',
        columns: [{ name: 'row' }, { name: 'verdict' }, { name: 'not met' }, { name: 'took', unit: 's' }],
        body: outcomes.map(({ part, result, seconds }) => ({
          name: part.name,
          cells: [
            part.row,
            hasPassed(result) ? 'holds' : 'does not hold',
            result.checks
              .filter(({ passed }) => !passed)
              .map(({ what }) => what)
              .join('; ') || '-',
            Math.round(seconds),
          ],
        })),
      },
    ],
  };
}

function sectionOf({ part, result }: Outcome): Section {
  return {
    title: `${part.name}: ${part.row}`,
    text: result.text,
    parts: [
      {
        kind: 'table',
        title: 'Checks',
        rows: 'what',
        columns: [{ name: 'bar' }, { name: 'found' }, { name: 'verdict' }],
        body: result.checks.map(({ what, bar, found, passed }) => ({
          name: what,
          cells: [bar === '' ? 'reported' : bar, found, bar === '' ? '-' : passed ? 'met' : 'not met'],
        })),
      },
      ...result.parts,
    ],
  };
}

function notPositive(value: string): string | null {
  return Number(value) > 0 ? null : 'not a number above 0';
}
