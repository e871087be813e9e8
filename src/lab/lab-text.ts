/**
 * What a lab prints: before its run what is done and which lines of configuration make the difference, afterwards the log lines that
 * matter, the findings of the diagnosis, and whether they are what the reader should see.
 */
import { styleText } from 'node:util';
import type { Finding, Report } from '../diagnose/report.ts';
import { configDifference } from './config-text.ts';
import type { Lab, Variant } from './lab.ts';
import type { LabResult } from './lab-session.ts';

const APPLICATION_LINES = 4;
/** A finding that explains less of the slow time than the first is still shown, but not every one. */
const MOST_FINDINGS = 4;

export function labList(labs: readonly Lab[]): string {
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
  lines.push(...lab.steps.map((step) => `  ${step}`));
  if (lab.behaviour !== undefined) lines.push(`  ${lab.behaviour[variant]}`);
  lines.push('', heading('The difference'));
  if (difference.length > 0) {
    lines.push('  configuration, - broken, + fixed:', ...difference.map((line) => `    ${line}`));
  }
  if (lab.behaviour !== undefined) {
    lines.push(`  - broken: ${lab.behaviour.broken}`, `  + fixed: ${lab.behaviour.fixed}`);
    if (difference.length === 0) lines.push('  The configuration is the same in both.');
  }
  return lines.join('\n');
}

export function outcome(lab: Lab, variant: Variant, result: LabResult, report: Report): string {
  const shown = linesThatMatter(lab, result.lines);
  const lines = ['', heading(`Log lines that matter (${shown.length} of ${result.lines.length})`)];
  lines.push(...shown.flatMap((line) => [line, '']), `Look at ${lab.lookAt}.`);
  const said = applicationLines(lab, result.applicationLines);
  if (said.length > 0) lines.push('', heading('Application log'), ...said);
  lines.push('', heading('What you should see'), `  ${lab.seen[variant]}.`);
  lines.push('', heading('What nodeproxy logs diagnose says of the log'), ...findingsText(report));
  if (variant === 'broken')
    lines.push('', heading('The fix'), `  ${lab.fix}`, `  See it: nodeproxy lab ${lab.name} --fixed`);
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

function findingsText({ findings, requests, latency }: Report): string[] {
  const lines = [
    `  ${requests} requests, p50 ${ms(latency.p50)}, p99 ${ms(latency.p99)}, longest ${ms(latency.max)}`,
  ];
  if (findings.length === 0) lines.push('  No cause found.');
  for (const [index, finding] of findings.slice(0, MOST_FINDINGS).entries())
    lines.push(...findingText(finding, index + 1));
  const left = findings.length - MOST_FINDINGS;
  if (left > 0) lines.push(`  … and ${left} more, which explain less`);
  return lines;
}

function findingText(finding: Finding, place: number): string[] {
  const share = finding.explainedUs === 0 ? '' : `, ${Math.round(finding.share * 100)} % of the slow time`;
  const lines = [
    `  ${place}. ${heading(findingName(finding))}: ${finding.requests} requests${share}`,
    `     ${finding.what}`,
  ];
  const [worst] = finding.evidence;
  if (worst !== undefined) lines.push(`     line ${worst.lineNumber}: ${worst.reading}`);
  lines.push(...finding.details.map((detail) => `     ${detail}`));
  lines.push(...finding.remedies.map(({ text }) => `     -> ${text}`));
  return lines;
}

function ms(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`;
}

function heading(text: string): string {
  return styleText('bold', text);
}
