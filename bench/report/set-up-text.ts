/** The set-up of a run in words, for the terminal and the page: what a reader must know before believing a figure. */
import { bytesText, durationText } from './figures.ts';
import type { Report, SetUp } from './report.ts';

/** Name and text, in the order in which they are read. */
export type Fact = readonly [string, string];

export function setUpFacts(report: Report): Fact[] {
  const { machine, versions, pinning, options, environment } = report.setUp;
  const cores = `${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`;
  return [
    ['scenario', report.scenario],
    [
      'started',
      `${report.startedAt.slice(0, 19).replace('T', ' ')} UTC, took ${durationText(report.seconds)}`,
    ],
    [
      'machine',
      [machine.processor, cores, bytesText(machine.memoryBytes), `Linux ${machine.kernel}`].join(', '),
    ],
    ['commit', commitText(report.setUp)],
    ['versions', pairs(versions, ' ')],
    ['pinning', pairs(pinning, ': ')],
    ['options', pairs(options, ' ')],
    ...(environment === undefined ? [] : [['environment', pairs(environment, '=')] as const]),
    ...(report.notes ?? []).map((note) => ['note', note] as const),
  ];
}

export function commitText({ commit, dirty }: SetUp): string {
  return dirty ? `${commit} with changes that are not committed` : commit;
}

/** The call that gives this run again. */
export function commandText({ scenario, setUp, command }: Report): string {
  if (command !== undefined) return command;
  const options = Object.entries(setUp.options).map(([name, value]) => {
    if (value === '') return ` --${name}`;
    return ` --${name} ${/^[\w.,:/@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`}`;
  });
  return `npm run bench -- ${scenario}${options.join('')}`;
}

function pairs(record: Readonly<Record<string, string>>, between: string): string {
  const list = Object.entries(record).map(([name, value]) =>
    value === '' ? name : `${name}${between}${value}`,
  );
  return list.length === 0 ? 'none' : list.join(between === ': ' ? '; ' : ', ');
}
