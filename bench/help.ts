/** What `npm run bench` says of itself: the list of scenarios and the options of one. */
import type { BenchOption, Scenario } from './scenario.ts';

const GAP = 2;

/** What every scenario takes beside its own. */
export const SHARED_OPTIONS: readonly BenchOption[] = [
  { name: 'quick', help: 'fewer and shorter rounds, the same rows' },
  {
    name: 'out',
    value: '<folder>',
    help: 'where the reports go',
    default: 'bench/results',
    check: (folder) => (folder === '' ? 'must name a folder' : null),
  },
];

export function benchHelp(scenarios: readonly Scenario[]): string {
  return [
    'Usage: npm run bench -- SCENARIO [options]',
    '       npm run bench -- compare ONE.json OTHER.json',
    '',
    ...columns(scenarios.map(({ name, summary }) => [name, summary])),
    '',
    'Each run prints its tables and writes them as JSON and as one HTML page to bench/results/.',
    '`npm run bench -- SCENARIO --help` shows the options of one. Let nothing else run meanwhile.',
    'Ctrl-C ends a run and all its processes. NODEPROXY_BENCH_STACK=1 shows where an error came from.',
  ].join('\n');
}

export function scenarioHelp(scenario: Scenario): string {
  const rows = [...scenario.options, ...SHARED_OPTIONS].map((option): [string, string] => [
    `--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`,
    `${option.help}${defaultText(option)}`,
  ]);
  return [
    `Usage: npm run bench -- ${scenario.name} [options]`,
    '',
    `${scenario.summary}.`,
    '',
    ...columns(rows),
  ].join('\n');
}

function defaultText(option: BenchOption): string {
  if (option.default === undefined) return '';
  const quick = option.quick === undefined ? '' : ` (${option.quick} with --quick)`;
  return `; default ${option.default}${quick}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length)) + GAP;
  return rows.map(([name, text]) => `  ${name.padEnd(width)}${text}`);
}
