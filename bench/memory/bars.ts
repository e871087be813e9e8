/** The bars that this proxy has set itself for its memory and its start, each with what was measured. */
import { measured } from '../harness/statistics.ts';
import type { Measured, Row, Section } from '../report/report.ts';
import type { AloneResult } from './alone.ts';
import { SOME } from './alone.ts';
import { residentAt } from './alone-section.ts';
import { slope } from './together.ts';

const SMALL = { services: 1500, workers: 2, mostMiB: 120 };
const MOST_BYTES_PER_SERVICE = 2048;
const START = { services: 5000, mostMs: 1000 };
const BYTES_PER_MIB = 1024 * 1024;

interface Bar {
  readonly name: string;
  readonly bar: string;
  readonly measured: Measured | number | string;
  readonly held: boolean;
}

/** Idle nobody has decoded anything; after the first requests every worker has what these needed. */
const STAGES = [
  { name: 'idle', title: 'idle' },
  { name: 'some', title: `after ${SOME} were used` },
] as const;
type StageName = (typeof STAGES)[number]['name'];

export function barsSection(results: readonly AloneResult[]): Section {
  const bars = [smallBar(results)];
  for (const { name, title } of STAGES)
    bars.push(...growthBars(results, name, title), perWorkerBar(results, name, title));
  bars.push(startBar(results), ...decodedBars(results));
  const body = bars
    .filter((bar) => bar !== null)
    .map((bar): Row => ({ name: bar.name, cells: [bar.measured, bar.bar, bar.held ? 'yes' : 'no'] }));
  return {
    title: 'Bars',
    text: [
      'What one proxy is to hold, by the resident size of its process. A bar whose sizes were not measured is left out.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'Held or not',
        rows: 'bar',
        columns: [{ name: 'measured' }, { name: 'bar' }, { name: 'held' }],
        body,
      },
    ],
  };
}

function find(results: readonly AloneResult[], services: number, workers: number): AloneResult | undefined {
  return results.find(
    (each) => each.services === services && each.workers === workers && each.rounds.length > 0,
  );
}

function smallBar(results: readonly AloneResult[]): Bar | null {
  const { services, workers, mostMiB } = SMALL;
  const found = find(results, services, workers);
  const figure = found === undefined ? null : residentAt(found, 'idle', 'rss');
  if (figure === null) return null;
  const name = `${services} services, ${workers} workers, idle, MiB`;
  return { name, bar: `below ${mostMiB}`, measured: figure, held: figure.high < mostMiB };
}

/** From the small mesh to the largest one measured, for each number of workers; bytes per service. */
function growthBars(results: readonly AloneResult[], stage: StageName, title: string): Bar[] {
  return workersOf(results).flatMap((workers): Bar[] => {
    const growth = growthOf(results, workers, stage);
    if (growth === null) return [];
    const name = `growth from ${SMALL.services} to ${growth.services} services, ${workers} workers, ${title}, bytes per service`;
    const bar = `below ${MOST_BYTES_PER_SERVICE}`;
    return [{ name, bar, measured: growth.bytes, held: growth.bytes < MOST_BYTES_PER_SERVICE }];
  });
}

function growthOf(
  results: readonly AloneResult[],
  workers: number,
  stage: StageName,
): { readonly services: number; readonly bytes: number } | null {
  const largest = results
    .filter((each) => each.workers === workers && each.rounds.length > 0)
    .toSorted((a, b) => a.services - b.services)
    .at(-1);
  const small = find(results, SMALL.services, workers);
  if (largest === undefined || small === undefined || largest.services <= SMALL.services) return null;
  const [from, to] = [residentAt(small, stage, 'rss'), residentAt(largest, stage, 'rss')];
  if (from === null || to === null) return null;
  const bytes = ((to.median - from.median) * BYTES_PER_MIB) / (largest.services - SMALL.services);
  return { services: largest.services, bytes };
}

/** How much of the growth comes again with each worker; a fiftieth of the bar counts as none. */
function perWorkerBar(results: readonly AloneResult[], stage: StageName, title: string): Bar | null {
  const points = workersOf(results).flatMap((workers) => {
    const growth = growthOf(results, workers, stage);
    return growth === null ? [] : [{ x: workers, y: growth.bytes }];
  });
  if (points.length < 2) return null;
  const bytes = slope(points);
  const most = MOST_BYTES_PER_SERVICE / 50;
  const name = `growth that each further worker adds, ${title}, bytes per service`;
  return { name, bar: `about 0 (below ${most})`, measured: bytes, held: bytes < most };
}

function startBar(results: readonly AloneResult[]): Bar | null {
  const { services, mostMs } = START;
  const found = workersOf(results).flatMap((workers) => find(results, services, workers)?.rounds ?? []);
  if (found.length === 0) return null;
  const figure = measured(found.map(({ workerStartMs }) => workerStartMs));
  const name = `start of a worker with ${services} services, ms`;
  return { name, bar: `below ${mostMs}`, measured: figure, held: figure.high < mostMs };
}

/** Before any use none, after the first hundred no more than those. */
function decodedBars(results: readonly AloneResult[]): Bar[] {
  const rounds = results.flatMap((each) => each.rounds);
  const most = (stage: 'idle' | 'some'): number | null => {
    const found = rounds.flatMap((round) => round[stage]?.decoded ?? []);
    return found.length === 0 ? null : Math.max(...found);
  };
  const [idle, some] = [most('idle'), most('some')];
  const bars: Bar[] = [];
  if (idle !== null)
    bars.push({
      name: 'clusters decoded by a worker before any was used',
      bar: '0',
      measured: idle,
      held: idle === 0,
    });
  if (some !== null)
    bars.push({
      name: `clusters decoded by a worker after ${SOME} were used`,
      bar: String(SOME),
      measured: some,
      held: some === SOME,
    });
  return bars;
}

function workersOf(results: readonly AloneResult[]): number[] {
  return [...new Set(results.map(({ workers }) => workers))].toSorted((a, b) => a - b);
}
