/**
 * What every lab promises, as tests: the diagnosis of its log names the cause first, and after the remedy not at all. Labs of a file run
 * a few at a time; each has a proxy of its own, and what it does on purpose is far above what they do to each other.
 *
 * A lab is an experiment, and its diagnosis is true: on a machine that stops a worker for a second, that is the worst cause, and is
 * named first. So one of a few runs has to come out as promised.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Report } from '../../src/diagnose/report.ts';
import type { Lab, Part } from '../../src/lab/lab.ts';
import { findingName } from '../../src/lab/lab-text.ts';
import { LABS } from '../../src/lab/labs.ts';
import { runLab } from '../../src/lab/run-lab.ts';
import type { LabOutcome } from '../../src/lab/run-lab.ts';

const AT_ONCE = 2;
const RUNS = 3;
/** The three causes that the talk calls typical: nearly every line of such a run is to be explained. */
const TYPICAL = new Set(['fragmented-upload', 'flow-control-download', 'slow-filter']);
const NEARLY_ALL = 0.95;
/** What the first finding has to say of one of its worst lines. */
const READINGS: Readonly<Record<string, RegExp>> = {
  'idle-close-race': /^reused connection C\d+ idle \d+(?:\.\d+)? ms closed by server;/,
  'busy-loop': /; held by the request of .*access\.log:\d+$/,
};
/** Nothing at all is wrong with these after their remedy. */
const HEALTHY = new Set([
  'fragmented-upload',
  'slow-filter',
  'slow-upstream',
  'connection-churn',
  'large-header',
  'port-scan',
  'old-http-client',
  'header-case',
  'duplicate-chunked',
]);

export function checkLabs(parts: readonly Part[]): void {
  describe(`the labs of ${parts.join(', ')}`, { concurrency: AT_ONCE }, () => {
    for (const lab of LABS.filter(({ part }) => parts.includes(part))) {
      test(`${lab.name}: ${nameOf(lab)} is named first`, async () => {
        const outcome = await asPromised(lab, 'broken', (run) => explainsEnough(lab, run));
        const [first] = outcome.report.findings;
        assert.equal(
          first === undefined ? 'nothing' : findingName(first),
          nameOf(lab, first?.subject),
          told(outcome),
        );
        assert.ok(outcome.asExpected);
        checkLines(lab, outcome);
        assert.ok(explainsEnough(lab, outcome), told(outcome));
      });

      test(`${lab.name} with its remedy: ${lab.expects.cause} is not named`, async () => {
        const outcome = await asPromised(
          lab,
          'fixed',
          ({ report }) => !HEALTHY.has(lab.name) || report.findings.length === 0,
        );
        const named = outcome.report.findings.map(({ cause }) => cause);
        assert.ok(!named.includes(lab.expects.cause), told(outcome));
        assert.ok(outcome.asExpected);
        assert.equal(outcome.report.unreadable.length, 0, told(outcome));
        assert.deepEqual(applicationLines(lab, outcome), []);
        if (HEALTHY.has(lab.name)) assert.deepEqual(named, [], told(outcome));
      });
    }
  });
}

/** The first run that comes out as the lab says, or the last one. */
async function asPromised(
  lab: Lab,
  variant: 'broken' | 'fixed',
  also: (outcome: LabOutcome) => boolean,
): Promise<LabOutcome> {
  for (let run = 1; ; run += 1) {
    const outcome = await runLab(lab, { variant, seconds: 0, keep: false });
    if (run === RUNS || (outcome.asExpected && also(outcome))) return outcome;
  }
}

function explainsEnough({ name }: Lab, { report }: LabOutcome): boolean {
  const explained = report.findings[0]?.requests ?? 0;
  return explained >= (TYPICAL.has(name) ? NEARLY_ALL * report.requests : 1);
}

/** Without a subject of its own, whatever was found will do. */
function nameOf({ expects }: Lab, found?: string): string {
  return findingName({ cause: expects.cause, subject: expects.subject ?? found ?? '' });
}

/** The lab shows what it says it shows. */
function checkLines(lab: Lab, { result, report }: LabOutcome): void {
  assert.ok(
    result.lines.some((line) => lab.lines.some((pattern) => pattern.test(line))),
    'no line that matters',
  );
  assert.equal(report.requests, result.lines.length);
  assert.equal(report.unreadable.length, 0);
  if (lab.applicationLog !== undefined) assert.ok(applicationLines(lab, { result }).length > 0);
  const read = READINGS[lab.name];
  if (read === undefined) return;
  const readings = report.findings[0]?.evidence.map(({ reading }) => reading) ?? [];
  assert.ok(
    readings.some((reading) => read.test(reading)),
    readings.join('\n'),
  );
}

function applicationLines(
  { applicationLog: pattern }: Lab,
  { result }: Pick<LabOutcome, 'result'>,
): string[] {
  return pattern === undefined ? [] : result.applicationLines.filter((line) => pattern.test(line));
}

function told({ report, result }: LabOutcome): string {
  return `${findingsOf(report)}\n${result.lines.join('\n')}`;
}

function findingsOf({ findings, slowFromUs, slowRequests, requests }: Report): string {
  const lines = findings.map(
    (finding) =>
      `${findingName(finding)}: ${finding.requests} requests, ${finding.slowRequests} slow, ${Math.round(finding.explainedUs / 1000)} ms, ${finding.evidence[0]?.reading ?? ''}`,
  );
  return [`${requests} requests, ${slowRequests} slow from ${slowFromUs} us`, ...lines].join('\n');
}
