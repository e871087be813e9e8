/** What `npm run bench` says of itself: the list of scenarios and the options of one. */
import type { BenchOption, Scenario } from './scenario.ts';

const GAP = 2;

export function benchHelp(scenarios: readonly Scenario[]): string {
  return [
    'Usage: npm run bench -- SCENARIO [options]',
    '       npm run bench -- compare ONE.json OTHER.json',
    '',
    ...columns(scenarios.map(({ name, summary }) => [name, summary])),
    '',
    'Each run prints its tables and writes them as JSON and as one HTML page to bench/results/.',
    '`npm run bench -- SCENARIO --help` shows the options of one. Let nothing else run meanwhile.',
  ].join('\n');
}

export function scenarioHelp(scenario: Scenario, shared: readonly BenchOption[]): string {
  const rows = [...scenario.options, ...shared].map((option): [string, string] => [
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
  const width = Math.max(...rows.map(([name]) => name.length)) + GAP;
  return rows.map(([name, text]) => `  ${name.padEnd(width)}${text}`);
}
