/**
 * What a lab prints: before its run what is done and which lines of configuration make the difference, afterwards the log lines that
 * matter, the findings of the diagnosis, and whether they are what the reader should see.
 */
import { styleText } from 'node:util';
import type { Finding, Report } from '../diagnose/report.ts';
import { reportText, wrapped } from '../diagnose/report-text.ts';
import type { TextStyle } from '../diagnose/report-text.ts';
import { configDifference } from './config-text.ts';
import { diagnoseCommand } from './diagnosis.ts';
import type { Lab, Variant } from './lab.ts';
import type { LabResult } from './lab-session.ts';

const APPLICATION_LINES = 4;
/** A finding that explains less of the slow time than the first is still shown, but not every one. */
const MOST_FINDINGS = 3;
const WIDTH = 110;
const STYLE: TextStyle = {
  width: WIDTH,
  bold: (text) => styleText('bold', text),
  dim: (text) => styleText('dim', text),
  red: (text) => styleText('red', text),
  yellow: (text) => styleText('yellow', text),
};

export function labList(labs: readonly Pick<Lab, 'name' | 'part' | 'summary'>[]): string {
  const width = Math.max(...labs.map(({ name }) => name.length));
  const parts = [...new Set(labs.map(({ part }) => part))];
  return parts
    .flatMap((part) => [
      heading(part),
      ...labs
        .filter((lab) => lab.part === part)
        .map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    ])
    .join('\n');
}

export function introduction(lab: Lab, variant: Variant): string {
  const difference = configDifference(lab.config('broken'), lab.config('fixed'));
  const lines = [`${heading(lab.name)} (${variant}): ${lab.summary}`, '', heading('What is done')];
  lines.push(...lab.steps.flatMap((step) => prose(step)));
  if (lab.behaviour !== undefined) lines.push(...prose(lab.behaviour[variant]));
  lines.push('', heading('The difference'));
  if (difference.length > 0) {
    lines.push('  configuration, - broken, + fixed:', ...difference.map((line) => `    ${line}`));
  }
  if (lab.behaviour !== undefined) {
    lines.push(...wrapped(lab.behaviour.broken, WIDTH, '  - broken: ', '    '));
    lines.push(...wrapped(lab.behaviour.fixed, WIDTH, '  + fixed: ', '    '));
    if (difference.length === 0) lines.push('  The configuration is the same in both.');
  }
  return lines.join('\n');
}

export function outcome(lab: Lab, variant: Variant, result: LabResult, report: Report): string {
  const shown = linesThatMatter(lab, result.lines);
  const lines = ['', heading(`Log lines that matter (${shown.length} of ${result.lines.length})`)];
  lines.push(...shown.flatMap((line) => [line, '']), ...prose(`Look at ${lab.lookAt}.`));
  const said = applicationLines(lab, result.applicationLines);
  if (said.length > 0) lines.push('', heading('Application log'), ...said);
  lines.push('', heading('What you should see'), ...prose(`${lab.seen[variant]}.`));
  lines.push(
    '',
    heading(`Diagnosis: ${diagnoseCommand(result.logFile, lab)}`),
    '',
    reportText(report, { top: MOST_FINDINGS, style: STYLE }),
  );
  if (variant === 'broken')
    lines.push('', heading('The fix'), ...prose(lab.fix), `  See it: nodeproxy lab ${lab.name} --fixed`);
  lines.push('', verdictText(lab, variant, report));
  return lines.join('\n');
}

/** Does the diagnosis say what it has to? */
export function isAsExpected(lab: Lab, variant: Variant, report: Report): boolean {
  const [first] = report.findings;
  if (variant === 'broken') return first !== undefined && names(first, lab);
  return !report.findings.some(({ cause }) => cause === lab.expects.cause);
}

export function findingName({ cause, subject }: Pick<Finding, 'cause' | 'subject'>): string {
  return subject === '' ? cause : `${cause} (${subject})`;
}

function names(finding: Finding, { expects }: Lab): boolean {
  return (
    finding.cause === expects.cause && (expects.subject === undefined || finding.subject === expects.subject)
  );
}

function verdictText(lab: Lab, variant: Variant, report: Report): string {
  const { cause, subject = '' } = lab.expects;
  const expected = findingName({ cause, subject });
  if (isAsExpected(lab, variant, report))
    return variant === 'broken'
      ? `As it should be: ${expected} is named first.`
      : `As it should be: ${expected} is not named any more.`;
  const [first] = report.findings;
  const found = first === undefined ? 'nothing' : findingName(first);
  return variant === 'broken'
    ? `Not as it should be: ${expected} was to be named first, ${found} was. A very busy machine can do that; run it again.`
    : `Not as it should be: ${expected} is still named. A very busy machine can do that; run it again.`;
}

/** The slowest line of each kind; of a kind that does not occur (any more), the slowest of all. */
function linesThatMatter(lab: Lab, lines: readonly string[]): string[] {
  const kinds = lab.lines.map((pattern) => lines.filter((line) => pattern.test(line)));
  const found = kinds.flatMap((kind) => slowest(kind));
  return found.length > 0 ? found : slowest(lines);
}

function slowest(lines: readonly string[]): string[] {
  const [first] = lines.toSorted((left, right) => totalOf(right) - totalOf(left));
  return first === undefined ? [] : [first];
}

/** The first of the six numbers. */
function totalOf(line: string): number {
  return Number(/ : (\d+), /.exec(line)?.[1] ?? 0);
}

function applicationLines({ applicationLog: pattern }: Lab, lines: readonly string[]): string[] {
  return pattern === undefined ? [] : lines.filter((line) => pattern.test(line)).slice(0, APPLICATION_LINES);
}

function prose(text: string): string[] {
  return wrapped(text, WIDTH, '  ');
}

function heading(text: string): string {
  return styleText('bold', text);
}
