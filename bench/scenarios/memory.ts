/**
 * `memory`: what a proxy per node saves against a sidecar per pod, and what one proxy costs by the size of the mesh that it knows.
 *
 *   --only scales   the talk's table          --only growth      the slope per pod
 *          alone    one proxy by mesh size           footprint   start and memory of the proxy itself
 */
import { MemoryLab } from '../memory/lab.ts';
import { measureAlone } from '../memory/alone.ts';
import { aloneSection } from '../memory/alone-section.ts';
import { barsSection } from '../memory/bars.ts';
import { measureFootprint } from '../memory/footprint.ts';
import { footprintSection } from '../memory/footprint-section.ts';
import { measureGrowth } from '../memory/growth.ts';
import { measureScales } from '../memory/scales.ts';
import { growthSection, scaleSection } from '../memory/scale-section.ts';
import { TALK_SCALES } from '../memory/talk.ts';
import type { TalkScale } from '../memory/talk.ts';
import { numberOption } from '../scenario.ts';
import type { BenchRun, Scenario } from '../scenario.ts';
import type { Section } from '../report/report.ts';

const PARTS = ['footprint', 'scales', 'growth', 'alone'] as const;
type Part = (typeof PARTS)[number];
/** Its times are what a trend is kept of. */
const FOOTPRINT_MORE_ROUNDS = 4;

export const MEMORY: Scenario = {
  name: 'memory',
  title: 'Memory: a proxy per node against a sidecar per pod',
  summary:
    'memory of sidecars and node proxies by pods and services, and of one proxy by the size of its mesh',
  options: [
    {
      name: 'only',
      value: '<parts>',
      help: `of ${PARTS.join(', ')}`,
      default: PARTS.join(','),
      check: listOf((part) => PARTS.some((each) => each === part), `parts of ${PARTS.join(', ')}`),
    },
    {
      name: 'scales',
      value: '<pods/services,…>',
      help: "rows of the talk's table",
      default: TALK_SCALES.map(nameOf).join(','),
      check: listOf(
        (text) => TALK_SCALES.some((scale) => nameOf(scale) === text),
        `rows of ${TALK_SCALES.map(nameOf).join(', ')}`,
      ),
    },
    { ...counts('at-once', 'most sidecars at once; more are calculated'), default: '30', quick: '4' },
    {
      ...counts('sizes', 'services that one proxy knows', '<n,…>'),
      default: '0,100,500,1500,2500,5000,12500,25000,50000',
      quick: '0,1500,5000',
    },
    {
      ...counts('use-all', 'services of the largest mesh in which all of them are used'),
      default: '50000',
    },
    { ...counts('workers', 'workers of one proxy', '<n,…>'), default: '1,2,4', quick: '1,2' },
    { ...counts('sidecar-workers', 'workers of each sidecar and node proxy'), default: '2' },
    { ...counts('rounds', 'times that each is measured'), default: '3', quick: '1' },
    { ...counts('settle', 'seconds of rest before memory is read', '<s>'), default: '10', quick: '2' },
  ],
  run,
};

async function run(bench: BenchRun): Promise<Section[]> {
  const only = listOption(bench, 'only');
  bench.pinned(
    'proxies',
    `cores ${bench.cores.all.join(', ')}, not apart from the client: no time under load is measured`,
  );
  const lab = await MemoryLab.open(bench);
  try {
    const sections: Section[] = [];
    for (const part of PARTS) if (only.includes(part)) sections.push(...(await MEASURED[part](lab)));
    return sections;
  } finally {
    await lab.close();
  }
}

const MEASURED: Readonly<Record<Part, (lab: MemoryLab) => Promise<Section[]>>> = {
  async footprint(lab) {
    const options = shared(lab.bench);
    const rounds = await measureFootprint(lab, {
      ...options,
      rounds: options.rounds + (lab.bench.quick ? 0 : FOOTPRINT_MORE_ROUNDS),
    });
    return [footprintSection(rounds, options.workers)];
  },
  async scales(lab) {
    const wanted = listOption(lab.bench, 'scales');
    const scales = TALK_SCALES.filter((scale) => wanted.includes(nameOf(scale)));
    const options = shared(lab.bench);
    const atOnce = numberOption(lab.bench, 'at-once');
    return [scaleSection(await measureScales(lab, { ...options, scales, atOnce }), options.workers)];
  },
  async growth(lab) {
    const options = shared(lab.bench);
    const most = Math.max(3, numberOption(lab.bench, 'at-once'));
    const pods = [Math.ceil(most / 3), Math.ceil((most * 2) / 3), most];
    const services = TALK_SCALES[0]?.services ?? 0;
    const { sidecars, nodeProxy } = await measureGrowth(lab, { ...options, services, pods });
    return [growthSection(sidecars, nodeProxy, services)];
  },
  async alone(lab) {
    const options = shared(lab.bench);
    const sizes = listOption(lab.bench, 'sizes').map(Number);
    const workers = listOption(lab.bench, 'workers').map(Number);
    const results = await measureAlone(lab, {
      ...options,
      sizes,
      workers,
      mostUsed: numberOption(lab.bench, 'use-all'),
    });
    return [aloneSection(results), barsSection(results)];
  },
};

function shared(bench: BenchRun): { workers: number; rounds: number; settleSeconds: number } {
  return {
    workers: numberOption(bench, 'sidecar-workers'),
    rounds: numberOption(bench, 'rounds'),
    settleSeconds: numberOption(bench, 'settle'),
  };
}

function nameOf({ pods, services }: TalkScale): string {
  return `${pods}/${services}`;
}

function listOption(bench: BenchRun, name: string): string[] {
  return (bench.options.get(name) ?? '').split(',').filter((each) => each !== '');
}

function counts(
  name: string,
  help: string,
  value = '<n>',
): { name: string; value: string; help: string; check: (text: string) => string | null } {
  const whole = (text: string): boolean => /^\d{1,6}$/.test(text);
  const check = value.includes('…')
    ? listOf(whole, 'whole numbers')
    : (text: string): string | null => (whole(text) ? null : 'expected a whole number');
  return { name, value, help, check };
}

function listOf(good: (text: string) => boolean, what: string): (text: string) => string | null {
  return (text) => (text.split(',').every(good) ? null : `expected ${what}, with commas between them`);
}
